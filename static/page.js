// Connects the parts of the page: sends drawings and pictures, shows results and errors.
import { Ink } from "./ink.js";
import { Pad } from "./pad.js";
import { announce, reset, reveal, show, showProgress } from "./result.js";
import { Sender, setKey } from "./send.js";

// A drawing is sent after a pause of this length, even within a stroke.
const PAUSE_MS = 150;
// A longer wait for a result is announced.
const PATIENCE_MS = 400;

const byId = (id) => document.getElementById(id);
const preview = byId("preview");
const boxes = byId("boxes");
const width = byId("width");
const table = byId("probabilities");
const padError = byId("pad-error");
const ink = new Ink();
const pad = new Pad(byId("pad"), ink, () => width.value / 100, {
  ink: onInk,
  cursor: (words) => (byId("cursor").textContent = words),
});
const sender = new Sender({ onResult, onError, onRetry, onLocked, onProgress: showProgress });

// A thick pen makes a drawing unreadable if it is lower than this fraction of the pad's height.
const SMALL_DRAWING = 0.25;

let pause = 0;
let patience = 0;
let lockedJob = null;
let shown = null;

// Sends a picture. Errors are shown in the element `output`.
export function readPicture(picture, output) {
  pad.lift();
  let placed = null;
  const job = {
    output,
    picture: async () => {
      if (placed) return placed;
      const blob = await picture();
      // A sample that arrives late must not replace a newer drawing.
      if (sender.newest === job) {
        ink.place((placed = blob));
        refresh();
      }
      return blob;
    },
  };
  send(job);
  reveal();
}

// Shows an error that was found before a request was sent.
export function showError(words, output) {
  sender.cancel();
  onError(words, { output });
}

function onInk(isResting) {
  refresh();
  clearTimeout(pause);
  if (isResting) send(onPad());
  else pause = setTimeout(() => send(onPad()), PAUSE_MS);
}

// Returns the job that reads what the pad shows.
function onPad() {
  const { picture } = ink;
  if (picture) return { picture: () => picture, output: padError };
  const job = { isDrawing: true, output: padError, hint: advice() };
  job.picture = () => {
    job.size = ink.size;
    return ink.toBlob();
  };
  return job;
}

// Returns advice for a drawing that is not read as a digit.
function advice() {
  const { longest, isCut } = ink.extent;
  if (isCut) return "Part of the drawing is outside the pad.";
  return longest < SMALL_DRAWING ? "Draw it larger, or with a thinner pen." : "";
}

function send(job) {
  clearTimeout(pause);
  clearTimeout(patience);
  clearErrors();
  table.ariaBusy = "true";
  if (!pad.isDrawing) patience = setTimeout(announce, PATIENCE_MS, "Reading…");
  sender.send(job);
}

function onResult(result, { hint, size }) {
  stopWaiting();
  show(result, !pad.isDrawing, hint);
  fitBoxes(size);
}

// Boxes are in pixels of the upright picture.
function fitBoxes(size = [preview.naturalWidth, preview.naturalHeight]) {
  boxes.setAttribute("viewBox", `0 0 ${size.join(" ")}`);
}

function onRetry(words) {
  clearTimeout(patience);
  announce(words);
}

function onError(detail, { output }, isBlank = false) {
  stopWaiting();
  reset(isBlank ? "No writing was found." : "No answer.", detail);
  output.textContent = detail;
}

function onLocked(job) {
  stopWaiting();
  reset("The service needs your API key.");
  lockedJob = job;
  byId("key-form").hidden = false;
}

byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  setKey(byId("key").value);
  byId("key-form").hidden = true;
  send(lockedJob);
});

function changeInk(change) {
  pad.lift();
  change();
  refresh();
  if (ink.picture || !ink.isEmpty) return send(onPad());
  clearTimeout(pause);
  stopWaiting();
  clearErrors();
  sender.cancel();
  reset();
}

function stopWaiting() {
  clearTimeout(patience);
  table.ariaBusy = "false";
}

function clearErrors() {
  document.querySelectorAll(".error").forEach((element) => element.replaceChildren());
}

function showPicture(blob) {
  URL.revokeObjectURL(preview.src);
  shown = blob;
  boxes.replaceChildren();
  preview.hidden = !blob;
  if (blob) preview.src = URL.createObjectURL(blob);
  else preview.removeAttribute("src");
}

function refresh() {
  const { picture } = ink;
  if (picture !== shown) showPicture(picture);
  const isUsed = picture !== null || !ink.isEmpty;
  byId("hint").hidden = isUsed;
  setEnabled("undo", ink.canUndo);
  setEnabled("redo", ink.canRedo);
  setEnabled("clear", isUsed);
  pad.draw();
}

// Does not use `disabled`, which would take the focus away.
function setEnabled(id, isEnabled) {
  byId(id).setAttribute("aria-disabled", String(!isEnabled));
}

byId("undo").addEventListener("click", () => changeInk(() => ink.undo()));
byId("redo").addEventListener("click", () => changeInk(() => ink.redo()));
byId("clear").addEventListener("click", () => changeInk(() => ink.clear()));
byId("pad").addEventListener("keydown", (event) => {
  const isControl = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  if (isControl && key === "z") changeInk(() => (event.shiftKey ? ink.redo() : ink.undo()));
  else if (isControl && key === "y") changeInk(() => ink.redo());
  else if (key === "delete" || key === "backspace") changeInk(() => ink.clear());
  else return;
  event.preventDefault();
});

// The service may read formats that the browser cannot show.
preview.addEventListener("load", () => fitBoxes());
preview.addEventListener("error", () => (preview.hidden = true));

document.documentElement.classList.add("live");
refresh();
performance.mark("usable");
