// Strokes as points in fractions of the pad's side, which keep the ink when the page is resized.

// Side of the exported image in pixels: ten for each pixel of the network's input.
const PICTURE_SIDE = 280;

export class Ink {
  // Strokes and sheets in order. A sheet is `{ picture }`, where `picture` is a Blob, or null if the
  // sheet is blank. The drawing consists of the strokes after the last sheet.
  #done = [];
  #undone = [];

  get strokes() {
    return this.#done.slice(this.#lastSheet + 1);
  }

  // The picture on the last sheet, null after the first stroke: drawing starts a blank sheet.
  get picture() {
    return this.#done.at(-1)?.picture ?? null;
  }

  get isEmpty() {
    return this.strokes.length === 0;
  }

  get #lastSheet() {
    return this.#done.findLastIndex((step) => "picture" in step);
  }

  get canUndo() {
    return this.#done.length > 0;
  }

  get canRedo() {
    return this.#undone.length > 0;
  }

  begin(x, y, width) {
    this.#do({ width, points: [[x, y]] });
  }

  extend(x, y) {
    this.#done.at(-1).points.push([x, y]);
  }

  // Removes the newest stroke without undo: it came from the palm of the hand, or was a swipe.
  drop() {
    this.#done.pop();
  }

  clear() {
    if (!this.isEmpty || this.picture) this.#do({ picture: null });
  }

  // Replaces the drawing by a picture.
  place(picture) {
    this.#do({ picture });
  }

  // Width and height of the drawing, and whether it touches the edge, in fractions of the side.
  get extent() {
    const points = this.strokes.flatMap((stroke) => stroke.points);
    const sides = [0, 1].map((axis) => points.map((point) => point[axis]));
    return {
      longest: Math.max(...sides.map((values) => Math.max(...values) - Math.min(...values))),
      isCut: sides.flat().some((value) => value < 0 || value > 1),
    };
  }

  undo() {
    if (this.canUndo) this.#undone.push(this.#done.pop());
  }

  redo() {
    if (this.canRedo) this.#done.push(this.#undone.pop());
  }

  #do(step) {
    this.#done.push(step);
    this.#undone = [];
  }

  // Returns black ink on white at a fixed size, independent of theme and screen.
  toBlob() {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = PICTURE_SIDE;
    // Keeps the canvas in main memory: reading it back from the graphics processor takes longer.
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.fillStyle = "#fff";
    context.fillRect(0, 0, PICTURE_SIDE, PICTURE_SIDE);
    paint(context, this.strokes, PICTURE_SIDE, "#000");
    return new Promise((resolve) => canvas.toBlob(resolve));
  }
}

// Draws strokes on a square of `side` pixels as curves through the midpoints between points.
export function paint(context, strokes, side, colour) {
  context.strokeStyle = colour;
  context.lineCap = context.lineJoin = "round";
  for (const { width, points } of strokes) {
    const scaled = points.map(([x, y]) => [x * side, y * side]);
    context.lineWidth = width * side;
    context.beginPath();
    context.moveTo(...scaled[0]);
    for (let i = 1; i < scaled.length - 1; i++) {
      const [x, y] = scaled[i];
      const [nextX, nextY] = scaled[i + 1];
      context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
    }
    // A hundredth of a pixel longer, because browsers do not draw lines of length 0.
    const [lastX, lastY] = scaled.at(-1);
    context.lineTo(lastX + 0.01, lastY);
    context.stroke();
  }
}
