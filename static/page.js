// Joins the parts: what is drawn or chosen is sent, what comes back is shown.
import { forget, say, show } from "./result.js";
import { Ink } from "./ink.js";
import { Pad } from "./pad.js";
import { Sender } from "./send.js";

// A drawing that rests this long with the pen down is read already.
const PAUSE_MS = 150;
// A shorter wait for an answer needs no word.
const PATIENCE_MS = 400;

const byId = (id) => document.getElementById(id);
const preview = byId("preview");
const width = byId("width");
const table = byId("probabilities");
const ink = new Ink();
const pad = new Pad(byId("pad"), ink, () => width.value / 100, inked);
const sender = new Sender({ answer: answered, fault: failed, retry: delayed });
const drawing = { picture: () => ink.toBlob(), fault: byId("pad-fault") };

let pause = 0;
let patience = 0;

// Sends a picture that does not come from the pad; `fault` is where to say what is wrong with it.
export function readPicture(picture, fault) {
  pad.lift();
  ink.clear();
  const job = {
    fault,
    picture: async () => {
      const blob = await picture();
      // A sample that arrives late is not laid over what has been drawn since.
      if (sender.newest === job) showPicture(blob);
      return blob;
    },
  };
  refresh();
  send(job);
}

// Says what is wrong with what was chosen, before anything was sent.
export function complain(words, fault) {
  sender.cancel();
  failed(words, { fault });
}

function inked(isResting) {
  hidePicture();
  refresh();
  clearTimeout(pause);
  if (isResting) send({ ...drawing });
  else pause = setTimeout(send, PAUSE_MS, { ...drawing });
}

function send(job) {
  clearTimeout(pause);
  clearTimeout(patience);
  clearFaults();
  table.ariaBusy = "true";
  if (!pad.isDrawing) patience = setTimeout(say, PATIENCE_MS, "Reading…");
  sender.send(job);
}

function answered(answer) {
  settle();
  show(answer, !pad.isDrawing);
}

function delayed(words) {
  clearTimeout(patience);
  say(words);
}

function failed(detail, { fault }) {
  settle();
  forget("No answer.");
  fault.textContent = detail;
}

function step(change) {
  pad.lift();
  hidePicture();
  change();
  refresh();
  if (!ink.isEmpty) return send({ ...drawing });
  clearTimeout(pause);
  settle();
  clearFaults();
  sender.cancel();
  forget();
}

function settle() {
  clearTimeout(patience);
  table.ariaBusy = "false";
}

function clearFaults() {
  document.querySelectorAll(".fault").forEach((fault) => fault.replaceChildren());
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
  const isPictured = !preview.hidden;
  byId("hint").hidden = isPictured || !ink.isEmpty;
  setEnabled("undo", ink.canUndo);
  setEnabled("redo", ink.canRedo);
  setEnabled("clear", isPictured || !ink.isEmpty);
  pad.draw();
}

// Not `disabled`, which would throw the focus away when a button makes itself useless.
function setEnabled(id, isEnabled) {
  byId(id).setAttribute("aria-disabled", String(!isEnabled));
}

byId("undo").addEventListener("click", () => step(() => ink.undo()));
byId("redo").addEventListener("click", () => step(() => ink.redo()));
byId("clear").addEventListener("click", () => step(() => ink.clear()));
byId("pad").addEventListener("keydown", (event) => {
  const isControl = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  if (isControl && key === "z") step(() => (event.shiftKey ? ink.redo() : ink.undo()));
  else if (isControl && key === "y") step(() => ink.redo());
  else if (key === "delete" || key === "backspace") step(() => ink.clear());
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
