// Connects the parts of the page: sends drawings and chosen images, shows results and errors.
import { Ink } from "./ink.js";
import { Pad } from "./pad.js";
import { announce, reset, show } from "./result.js";
import { Sender, setKey } from "./send.js";

// A drawing is sent after a pause of this length, even within a stroke.
const PAUSE_MS = 150;
// A longer wait for a result is announced.
const PATIENCE_MS = 400;

const byId = (id) => document.getElementById(id);
const preview = byId("preview");
const width = byId("width");
const table = byId("probabilities");
const ink = new Ink();
const pad = new Pad(byId("pad"), ink, () => width.value / 100, onInk);
const sender = new Sender({ result: onResult, error: onError, retry: onRetry, locked: onLocked });
const drawing = { picture: () => ink.toBlob(), output: byId("pad-error") };

let pause = 0;
let patience = 0;
let lockedJob = null;

// Sends a picture from another source than the pad. Errors are shown in the element `output`.
export function readPicture(picture, output) {
  pad.lift();
  ink.clear();
  const job = {
    output,
    picture: async () => {
      const blob = await picture();
      // A sample that arrives late does not replace a newer drawing.
      if (sender.newest === job) showPicture(blob);
      return blob;
    },
  };
  refresh();
  send(job);
}

// Shows an error that was found before a request was sent.
export function showError(words, output) {
  sender.cancel();
  onError(words, { output });
}

function onInk(isResting) {
  hidePicture();
  refresh();
  clearTimeout(pause);
  if (isResting) send({ ...drawing });
  else pause = setTimeout(send, PAUSE_MS, { ...drawing });
}

function send(job) {
  clearTimeout(pause);
  clearTimeout(patience);
  clearErrors();
  table.ariaBusy = "true";
  if (!pad.isDrawing) patience = setTimeout(announce, PATIENCE_MS, "Reading…");
  sender.send(job);
}

function onResult(result) {
  stopWaiting();
  show(result, !pad.isDrawing);
}

function onRetry(words) {
  clearTimeout(patience);
  announce(words);
}

function onError(detail, { output }) {
  stopWaiting();
  reset("No answer.");
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
  hidePicture();
  change();
  refresh();
  if (!ink.isEmpty) return send({ ...drawing });
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
  hidePicture();
  preview.src = URL.createObjectURL(blob);
  preview.hidden = false;
  refresh();
}

function hidePicture() {
  URL.revokeObjectURL(preview.src);
  preview.hidden = true;
  preview.removeAttribute("src");
}

function refresh() {
  const hasPreview = !preview.hidden;
  byId("hint").hidden = hasPreview || !ink.isEmpty;
  setEnabled("undo", ink.canUndo);
  setEnabled("redo", ink.canRedo);
  setEnabled("clear", hasPreview || !ink.isEmpty);
  pad.draw();
}

// Not `disabled`: a button that disables itself would lose the focus.
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

// A format that the browser cannot show may still be one that the service reads.
preview.addEventListener("error", () => {
  hidePicture();
  refresh();
});

document.documentElement.classList.add("live");
refresh();
performance.mark("usable");
