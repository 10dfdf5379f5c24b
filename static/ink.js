// Strokes as data: points in fractions of the pad's side, so that no resize or turn loses ink.

// Side of the exported picture in pixels: 20 pixels of the network get 10 each of a usual drawing.
const PICTURE_SIDE = 280;

const CLEARED = Symbol("cleared");

export class Ink {
  // Strokes and clearings in order; the drawing is what follows the last clearing.
  #done = [];
  #undone = [];

  get strokes() {
    return this.#done.slice(this.#done.lastIndexOf(CLEARED) + 1);
  }

  get isEmpty() {
    return this.strokes.length === 0;
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

  // The newest stroke was none, as of a palm: not even undo remembers it.
  drop() {
    this.#done.pop();
  }

  clear() {
    if (!this.isEmpty) this.#do(CLEARED);
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

  // Dark ink on white at a fixed size, whatever the theme and the screen.
  toBlob() {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = PICTURE_SIDE;
    // In main memory: reading a picture back from the graphics processor takes longer.
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.fillStyle = "#fff";
    context.fillRect(0, 0, PICTURE_SIDE, PICTURE_SIDE);
    paint(context, this.strokes, PICTURE_SIDE, "#000");
    return new Promise((resolve) => canvas.toBlob(resolve));
  }
}

// Draws strokes on a square of `side` pixels: curves through the middles between points.
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
    // A hundredth of a pixel further: browsers draw no line of no length, not even its round caps.
    const [lastX, lastY] = scaled.at(-1);
    context.lineTo(lastX + 0.01, lastY);
    context.stroke();
  }
}
