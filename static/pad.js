// The drawing pad turns pointer and keyboard events into strokes of ink.
import { paint } from "./ink.js";

// An arrow key moves the cursor by 1/28 of the pad's height; with Shift by 4/28.
const STEP = 1 / 28;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Pad {
  // Calls `on.ink(isResting)` after every change; `isResting` is false within a stroke. Calls
  // `on.cursor(words)` after every key, with words for screen readers.
  constructor(canvas, ink, penWidth, on) {
    Object.assign(this, { canvas, ink, penWidth, on });
    this.pointer = null;
    this.cursor = { x: 0, y: -0.25, isDown: false };
    this.held = new Set();
    this.frame = 0;
    this.#listen();
  }

  get isDrawing() {
    return this.pointer !== null || this.cursor.isDown;
  }

  // Width of the pad in units of its height.
  get #aspect() {
    return this.canvas.clientWidth / this.canvas.clientHeight;
  }

  // Pixels of the page per unit of the ink. A drawing that is wider than the pad is shown smaller.
  get #unit() {
    const { ink, canvas } = this;
    return Math.min(canvas.clientHeight, canvas.clientWidth / ink.aspect);
  }

  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.#paint());
  }

  // Ends a stroke when a button or a picture interrupts it.
  lift() {
    this.pointer = null;
    this.cursor.isDown = false;
    this.draw();
  }

  #listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#up(event));
    canvas.addEventListener("pointercancel", (event) => this.#up(event));
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("keyup", (event) => this.held.delete(event.key));
    canvas.addEventListener("focus", () => this.draw());
    canvas.addEventListener("blur", () => {
      this.held.clear();
      if (this.cursor.isDown) this.#toggleCursor();
      this.draw();
    });
    new ResizeObserver(() => this.draw()).observe(canvas);
    for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
      matchMedia(query).addEventListener("change", () => this.draw());
    }
  }

  #down(event) {
    if (event.button !== 0) return;
    const isPenOverPalm = event.pointerType === "pen" && this.pointer?.type === "touch";
    if (this.pointer && !isPenOverPalm) return;
    if (isPenOverPalm) this.ink.drop();
    if (this.cursor.isDown) this.lift();
    this.pointer = { id: event.pointerId, type: event.pointerType, isOverPicture: !!this.ink.picture };
    this.canvas.setPointerCapture(event.pointerId);
    this.#begin(...this.#positionOf(event));
    this.#changed();
  }

  #move(event) {
    if (event.pointerId !== this.pointer?.id) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const one of events.length ? events : [event]) this.ink.extend(...this.#positionOf(one));
    this.#changed();
  }

  #up(event) {
    if (event.pointerId !== this.pointer?.id) return;
    // Over a picture, a finger scrolls the page (page.css). It does not draw.
    if (event.type === "pointercancel" && this.pointer.isOverPicture) this.ink.drop();
    this.pointer = null;
    this.#changed();
  }

  #begin(x, y) {
    this.ink.begin(x, y, this.penWidth(), this.#aspect);
  }

  #positionOf(event) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - left - width / 2, event.clientY - top - height / 2];
    return [x / this.#unit, y / this.#unit];
  }

  #key(event) {
    if (event.key in ARROWS) this.#moveCursor(event);
    else if (event.key === " ") this.#toggleCursor();
    else return;
    event.preventDefault();
  }

  // Two arrow keys held together move the cursor diagonally.
  #moveCursor(event) {
    const { cursor, ink, held } = this;
    held.add(event.key);
    const step = event.shiftKey ? 4 * STEP : STEP;
    const [right, bottom] = [this.#aspect / 2, 0.5];
    for (const key of held) {
      cursor.x = Math.min(right, Math.max(-right, cursor.x + ARROWS[key][0] * step));
      cursor.y = Math.min(bottom, Math.max(-bottom, cursor.y + ARROWS[key][1] * step));
    }
    this.#sayPosition("");
    if (cursor.isDown) {
      ink.extend(cursor.x, cursor.y);
      this.#changed();
    } else this.draw();
  }

  #toggleCursor() {
    const { cursor } = this;
    if (this.pointer) return;
    cursor.isDown = !cursor.isDown;
    if (cursor.isDown) this.#begin(cursor.x, cursor.y);
    this.#sayPosition(cursor.isDown ? "Pen down, " : "Pen up, ");
    this.#changed();
  }

  #sayPosition(pen) {
    const { x, y } = this.cursor;
    const [column, row] = [x + this.#aspect / 2, y + 0.5].map((part) => Math.round(part / STEP));
    this.on.cursor(`${pen}row ${row}, column ${column}`);
  }

  #changed() {
    this.draw();
    this.on.ink(!this.isDrawing);
  }

  #paint() {
    const { canvas, ink, cursor } = this;
    // Setting the size also clears the canvas, even if the size stays the same.
    canvas.width = Math.round(canvas.clientWidth * devicePixelRatio);
    canvas.height = Math.round(canvas.clientHeight * devicePixelRatio);
    const context = canvas.getContext("2d");
    const style = getComputedStyle(canvas);
    const unit = this.#unit * devicePixelRatio;
    paint(context, ink.strokes, unit, style.color);
    if (!canvas.matches(":focus-visible")) return;
    const radius = Math.max(9 * devicePixelRatio, (this.penWidth() * unit) / 2);
    const [x, y] = [canvas.width / 2 + cursor.x * unit, canvas.height / 2 + cursor.y * unit];
    context.lineWidth = 2.5 * devicePixelRatio;
    context.strokeStyle = style.caretColor;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    for (const [dx, dy] of Object.values(ARROWS)) {
      context.moveTo(x + dx * radius, y + dy * radius);
      context.lineTo(x + dx * radius * 1.6, y + dy * radius * 1.6);
    }
    context.stroke();
  }
}
