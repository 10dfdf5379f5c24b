// Shows a prediction in the right half of the page. dlflask/web/presentation.py has the same words.
const MAX_NAMED = 3;
const EMPTY = "Waiting for a digit.";

const byId = (id) => document.getElementById(id);
const section = byId("answer");
const status = byId("status");
const visible = byId("sentence");
const note = byId("note");
const seen = byId("seen");
const overlay = byId("overlay");
const rows = [...document.querySelectorAll("#probabilities tbody tr")];

let details = null;

overlay.addEventListener("change", drawInput);

export function percent(fraction) {
  if (fraction < 0.0005) return "<0.1%";
  return fraction >= 0.9995 ? ">99.9%" : `${(Math.floor(fraction * 1000 + 0.5) / 10).toFixed(1)}%`;
}

export function namedDigits({ most_probable_label: label, details: { verdict, candidates } }) {
  if (verdict === "not_a_digit" || verdict === "several_digits") return [];
  return verdict === "unsure" ? candidates.slice(0, MAX_NAMED) : [Number(label)];
}

export function sentence(result) {
  const { most_probable_label: label, predictions } = result;
  if (result.details.verdict === "not_a_digit") return "This does not look like a digit.";
  if (result.details.verdict === "several_digits") return "This shows several digits.";
  if (result.details.verdict === "unsure") return `Not sure: ${namedDigits(result).join(" or ")}.`;
  const others = result.details.candidates.slice(1, MAX_NAMED).map((one) => `, or ${withArticle(one)}`);
  return `This looks like ${withArticle(Number(label))} (${percent(predictions[label].probability)})${others.join("")}.`;
}

function withArticle(digit) {
  return digit === 8 ? "an 8" : `a ${digit}`;
}

// The visible sentence follows every stroke. The one for screen readers waits until the drawing rests,
// because they would stutter. `hint` is advice that helps if no digit was read.
export function show(result, isResting, hint = "") {
  details = result.details;
  section.dataset.verdict = details.verdict;
  const digits = namedDigits(result);
  const mark = details.verdict === "digit" ? "answer" : "maybe";
  result.predictions.forEach(({ probability }, digit) => {
    fillRow(rows[digit], Number(probability), digits.includes(digit) ? mark : "");
  });
  byId("read-as").replaceChildren(...digits.map(toElement));
  byId("took").textContent = `Read in ${sumOf(details.milliseconds)} ms on the server.`;
  byId("raw").textContent = format(result);
  drawInput();
  const reason = explain(details);
  note.textContent = details.verdict === "digit" ? "" : [reason, hint].filter(Boolean).join(" ");
  visible.textContent = sentence(result);
  if (isResting) announce(sentence(result));
}

// The bars compare the ten digits with each other, so one may be long although nothing is a digit.
function explain({ verdict, not_a_digit: probability }) {
  if (verdict !== "not_a_digit" || !(probability > 0)) return "";
  return `Not a digit: ${percent(probability)}. The bars only compare the digits with each other.`;
}

export function reset(words = EMPTY, reason = "") {
  details = null;
  delete section.dataset.verdict;
  rows.forEach((row) => fillRow(row, null, ""));
  byId("read-as").replaceChildren();
  byId("took").textContent = "";
  byId("raw").textContent = "No answer yet.";
  drawInput();
  note.textContent = reason;
  announce(words);
}

// Shows the part of an upload that has been sent, 0 to 1. Screen readers do not hear each step.
export function showProgress(part) {
  visible.textContent = part < 1 ? `Sending… ${Math.floor(100 * part)}%` : "Reading…";
}

// Brings the sentence into view, for pictures that are chosen far below it.
export function reveal() {
  visible.scrollIntoView({ block: "nearest" });
}

export function announce(words) {
  visible.textContent = words;
  // Screen readers would repeat the words if the same text were set again.
  if (status.textContent !== words) status.textContent = words;
}

function toElement(digit) {
  const element = document.createElement("b");
  element.textContent = digit;
  return element;
}

function fillRow(row, probability, mark) {
  row.className = { answer: "winner", maybe: "candidate" }[mark] ?? "";
  row.querySelector("rect").setAttribute("width", `${(probability ?? 0) * 100}%`);
  row.querySelector(".percent").textContent = probability === null ? "–" : percent(probability);
  row.querySelector(".mark").textContent = mark;
}

// Draws the network's input, white on black, and the saliency as the server returned them.
function drawInput() {
  const context = seen.getContext("2d");
  const label = details ? "What the network saw: your digit, centred, 28 by 28 pixels" : "What the network saw: nothing yet";
  seen.setAttribute("aria-label", label);
  context.clearRect(0, 0, 28, 28);
  if (!details) return;
  const image = context.createImageData(28, 28);
  details.input.flat().forEach((ink, i) => {
    const weight = overlay.checked ? details.saliency[Math.floor(i / 28)][i % 28] / 255 : 0;
    // From white to the amber of the winning row.
    image.data.set([ink, ink * (1 - 0.32 * weight), ink * (1 - 0.9 * weight), 255], i * 4);
  });
  context.putImageData(image, 0, 0);
}

function sumOf(milliseconds) {
  const sum = Object.values(milliseconds).reduce((total, one) => total + one, 0);
  return sum < 10 ? sum.toFixed(1) : Math.round(sum);
}

// Indented JSON with each row of 28 numbers on one line.
function format(result) {
  return JSON.stringify(result, null, 1).replace(/\[[\d\s,]+\]/g, (list) => list.replace(/\s+/g, ""));
}
