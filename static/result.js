// An answer in, the page's right half out. The words are those of dlflask/web/presentation.py.
const MAX_NAMED = 3;
const EMPTY = "Waiting for a digit.";

const byId = (id) => document.getElementById(id);
const section = byId("answer");
const status = byId("status");
const seen = byId("seen");
const overlay = byId("overlay");
const rows = [...document.querySelectorAll("#probabilities tbody tr")];

let details = null;

overlay.addEventListener("change", drawSeen);

export function percent(fraction) {
  if (fraction < 0.0005) return "<0.1%";
  return fraction >= 0.9995 ? ">99.9%" : `${(Math.floor(fraction * 1000 + 0.5) / 10).toFixed(1)}%`;
}

export function named({ most_probable_label: label, details: { verdict, candidates } }) {
  if (verdict === "not_a_digit") return [];
  return verdict === "unsure" ? candidates.slice(0, MAX_NAMED) : [Number(label)];
}

export function sentence(answer) {
  const { most_probable_label: label, predictions } = answer;
  if (answer.details.verdict === "not_a_digit") return "This does not look like a digit.";
  if (answer.details.verdict === "unsure") return `Not sure: ${named(answer).join(" or ")}.`;
  const others = answer.details.candidates.slice(1, MAX_NAMED).map((one) => `, or ${withArticle(one)}`);
  return `This looks like ${withArticle(Number(label))} (${percent(predictions[label].probability)})${others.join("")}.`;
}

function withArticle(digit) {
  return digit === 8 ? "an 8" : `a ${digit}`;
}

// While a pen is down everything is shown but the sentence: it is spoken, and would stutter.
export function show(answer, isResting) {
  details = answer.details;
  section.dataset.verdict = details.verdict;
  const names = named(answer);
  const word = details.verdict === "digit" ? "answer" : "maybe";
  answer.predictions.forEach(({ probability }, digit) => {
    fill(rows[digit], Number(probability), names.includes(digit) ? word : "");
  });
  byId("read-as").replaceChildren(...names.map(numeral));
  byId("took").textContent = `Read in ${took(details.milliseconds)} ms on the server.`;
  byId("raw").textContent = pretty(answer);
  drawSeen();
  if (isResting) say(sentence(answer));
}

export function forget(words = EMPTY) {
  details = null;
  delete section.dataset.verdict;
  rows.forEach((row) => fill(row, null, ""));
  byId("read-as").replaceChildren();
  byId("took").textContent = "";
  byId("raw").textContent = "No answer yet.";
  drawSeen();
  say(words);
}

export function say(words) {
  // The same words again are no news to a screen reader.
  if (status.textContent !== words) status.textContent = words;
}

function numeral(digit) {
  const element = document.createElement("b");
  element.textContent = digit;
  return element;
}

function fill(row, probability, mark) {
  row.className = { answer: "winner", maybe: "candidate" }[mark] ?? "";
  row.querySelector("rect").setAttribute("width", `${(probability ?? 0) * 100}%`);
  row.querySelector(".percent").textContent = probability === null ? "–" : percent(probability);
  row.querySelector(".mark").textContent = mark;
}

// What the server says it saw, white on black as the network has it; the saliency is its own too.
function drawSeen() {
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

function took(milliseconds) {
  const sum = Object.values(milliseconds).reduce((total, one) => total + one, 0);
  return sum < 10 ? sum.toFixed(1) : Math.round(sum);
}

// Indented, but each row of 28 numbers on one line.
function pretty(answer) {
  return JSON.stringify(answer, null, 1).replace(/\[[\d\s,]+\]/g, (list) => list.replace(/\s+/g, ""));
}
