// Strokes as points relative to the middle of the pad. The unit is the pad's height. Strokes keep
// their shape when the page is resized; a pad that is too narrow shows all strokes smaller.

// Height of the exported image in pixels: 10 for each pixel of the network's input.
const PICTURE_HEIGHT = 280;

export class Ink {
  // Strokes and sheets in order. A sheet is `{ picture }`, where `picture` is a Blob, or null if the
  // sheet is blank. The drawing consists of the strokes after the last sheet.
  #done = [];
  #undone = [];

  get strokes() {
    return this.#done.slice(this.#lastSheet + 1);
  }

  // The picture on the pad, or null. A stroke removes the picture.
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

  // `aspect` is the pad's width. All arguments are in units of the pad's height.
  begin(x, y, width, aspect) {
    this.#do({ width, aspect, points: [[x, y]] });
  }

  // Width of the part around the middle that contains the drawing, at least 1.
  get aspect() {
    const widths = this.strokes.map(({ width, aspect, points }) =>
      Math.min(aspect, width + 2 * Math.max(...points.map(([x]) => Math.abs(x)))),
    );
    return Math.max(1, ...widths);
  }

  // Width and height of the exported image in pixels.
  get size() {
    return [Math.round(this.aspect * PICTURE_HEIGHT), PICTURE_HEIGHT];
  }

  extend(x, y) {
    this.#done.at(-1).points.push([x, y]);
  }

  // Removes an unwanted stroke (the palm of a hand, or a swipe). Undo does not restore it.
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

  // The longer side of the drawing, and true if a part of the drawing is outside the pad.
  get extent() {
    const points = this.strokes.flatMap((stroke) => stroke.points);
    const sides = [0, 1].map((axis) => points.map((point) => point[axis]));
    const isOutside = ({ aspect, points }) => points.some(([x, y]) => Math.abs(x) > aspect / 2 || Math.abs(y) > 0.5);
    return {
      longest: Math.max(...sides.map((values) => Math.max(...values) - Math.min(...values))),
      isCut: this.strokes.some(isOutside),
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

  // Returns black ink on white. Its size does not depend on theme or screen.
  toBlob() {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = this.size;
    // Keeps the canvas in main memory. Reading it from the graphics processor takes longer.
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    paint(context, this.strokes, PICTURE_HEIGHT, "#000");
    return new Promise((resolve) => canvas.toBlob(resolve));
  }
}

// Draws strokes around the middle of the canvas as curves through the midpoints between points.
// `unit` is the number of pixels per unit of the ink.
export function paint(context, strokes, unit, colour) {
  const { width: across, height: down } = context.canvas;
  context.strokeStyle = colour;
  context.lineCap = context.lineJoin = "round";
  for (const { width, points } of strokes) {
    const scaled = points.map(([x, y]) => [across / 2 + x * unit, down / 2 + y * unit]);
    context.lineWidth = width * unit;
    context.beginPath();
    context.moveTo(...scaled[0]);
    for (let i = 1; i < scaled.length - 1; i++) {
      const [x, y] = scaled[i];
      const [nextX, nextY] = scaled[i + 1];
      context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
    }
    // Add 0.01 pixels, because browsers do not draw lines of length 0.
    const [lastX, lastY] = scaled.at(-1);
    context.lineTo(lastX + 0.01, lastY);
    context.stroke();
  }
}
