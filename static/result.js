// Shows a result in the right half of the page, and a frame around each digit of the picture.
// dlflask/web/presentation.py has the same words.
const MAX_NAMED = 3;
const EMPTY = "Nothing to read yet.";

const byId = (id) => document.getElementById(id);
const section = byId("answer");
const status = byId("status");
const visible = byId("sentence");
const note = byId("note");
const seen = byId("seen");
const overlay = byId("overlay");
const list = byId("digits");
const boxes = byId("boxes");
const rows = [...document.querySelectorAll("#probabilities tbody tr")];

let readings = [];
let selected = null;

overlay.addEventListener("change", drawInput);
list.addEventListener("change", ({ target }) => select(readings[target.value]));

// Screen readers get the sentence only when the drawing rests, because they would stutter. `hint` is
// advice for a drawing without a sure digit.
export function show(result, isResting, hint = "") {
  const { details, number } = result;
  readings = toReadings(result);
  const isNumber = readings.length > 1;
  section.dataset.verdict = isNumber ? number.verdict : details.verdict;
  list.hidden = !isNumber;
  list.replaceChildren(...(isNumber ? readings.map(toChoice) : []));
  boxes.replaceChildren(...readings.map(toFrame));
  const digits = readings.filter((one) => one.predictions);
  select(digits.find((one) => !one.isSure) ?? digits[0]);
  const times = [details, ...(number ? [number.details] : [])].flatMap((one) => Object.values(one.milliseconds));
  byId("took").textContent = `Read in ${Math.ceil(times.reduce((sum, one) => sum + one, 0))} ms on the server.`;
  byId("raw").textContent = format(isNumber ? number : { ...result, number: undefined });
  note.textContent = details.verdict === "digit" && !isNumber ? "" : [explain(result), hint].filter(Boolean).join(" ");
  visible.textContent = sentence(result);
  if (isResting) announce(sentence(result));
}

// Shows the rows, the pixels and the frame of a digit; clears them for null.
function select(reading) {
  selected = reading;
  const { predictions, named = [], isSure } = reading ?? {};
  rows.forEach((row, digit) => {
    const mark = named.includes(digit) ? (isSure ? "answer" : "maybe") : "";
    row.className = { answer: "winner", maybe: "candidate" }[mark] ?? "";
    const probability = predictions?.[digit].probability;
    row.querySelector("rect").setAttribute("width", `${(probability ?? 0) * 100}%`);
    row.querySelector(".percent").textContent = predictions ? percent(probability) : "–";
    row.querySelector(".mark").textContent = mark;
  });
  byId("read-as").replaceChildren(...named.map((digit) => element("b", digit)));
  readings.forEach((one, i) => boxes.children[i]?.classList.toggle("selected", one === reading));
  const choice = list.querySelector(`[value="${readings.indexOf(reading)}"]`);
  if (choice) choice.checked = true;
  drawInput();
}

// Returns a radio button for a digit, and plain text for other characters.
function toChoice({ label, predictions, isSure, named, line }, i) {
  const text = element("span", label);
  if (!predictions) return text;
  const choice = element("label", "");
  const input = document.createElement("input");
  Object.assign(input, { type: "radio", name: "digit", value: i });
  input.ariaLabel = isSure ? label : `${label}, not sure: ${named.join(" or ")}`;
  choice.classList.toggle("doubtful", !isSure);
  choice.append(input, text);
  if (line && readings[i - 1].line < line) choice.classList.add("next-line");
  return choice;
}

function toFrame({ box }) {
  const frame = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  ["x", "y", "width", "height"].forEach((name, i) => box && frame.setAttribute(name, box[i]));
  return frame;
}

export function reset(words = EMPTY, reason = "") {
  readings = [];
  delete section.dataset.verdict;
  list.hidden = true;
  for (const one of [list, boxes]) one.replaceChildren();
  select(null);
  byId("took").textContent = "";
  byId("raw").textContent = "No answer yet.";
  note.textContent = reason;
  announce(words);
}

// Shows the sent part of an upload, 0 to 1. Screen readers do not hear each step.
export function showProgress(part) {
  visible.textContent = part < 1 ? `Sending… ${Math.floor(100 * part)}%` : "Reading…";
}

// Scrolls to the sentence, because pictures are chosen far below it.
export function reveal() {
  visible.scrollIntoView({ block: "nearest" });
}

export function announce(words) {
  visible.textContent = words;
  // Setting the same text again would make screen readers repeat it.
  if (status.textContent !== words) status.textContent = words;
}

function element(name, text) {
  const one = document.createElement(name);
  one.textContent = text;
  return one;
}

// Draws the network's input, white on black, and the saliency, as the server returned them.
function drawInput() {
  const context = seen.getContext("2d");
  seen.ariaLabel = `What the network saw: ${selected ? "your digit, centred, 28 by 28 pixels" : "nothing yet"}`;
  context.clearRect(0, 0, 28, 28);
  if (!selected) return;
  const image = context.createImageData(28, 28);
  selected.input.flat().forEach((ink, i) => {
    // Only the first digits of a long number have a saliency.
    const weight = overlay.checked ? (selected.saliency?.[Math.floor(i / 28)][i % 28] ?? 0) / 255 : 0;
    // The colours go from white to the amber of the winning row.
    image.data.set([ink, ink * (1 - 0.32 * weight), ink * (1 - 0.9 * weight), 255], i * 4);
  });
  context.putImageData(image, 0, 0);
}

// Returns indented JSON with each list of numbers on one line.
function format(result) {
  return JSON.stringify(result, null, 1).replace(/\[[\d\s,]+\]/g, (list) => list.replace(/\s+/g, ""));
}

export function percent(fraction) {
  if (fraction < 0.0005) return "<0.1%";
  return fraction >= 0.9995 ? ">99.9%" : `${(Math.floor(fraction * 1000 + 0.5) / 10).toFixed(1)}%`;
}

// A number of several digits is shown if it is sure, or if the picture may show several digits.
function showsNumber({ details: { verdict }, number }) {
  if (countDigits(number) < 2) return false;
  return number.verdict === "number" || verdict === "unsure" || verdict === "several_digits";
}

function countDigits(number) {
  return number?.number.match(/\d/g)?.length ?? 0;
}

export function sentence(result) {
  const { most_probable_label: label, predictions, details, number } = result;
  const { verdict, candidates } = details;
  if (showsNumber(result)) {
    const text = inOneLine(number);
    return number.verdict === "number" ? `This looks like ${text} (${percent(number.confidence)}).` : `Not sure: ${text}.`;
  }
  if (verdict === "not_a_digit") {
    return number?.lines.length === 0 ? "No writing was found." : "This does not look like a digit.";
  }
  if (verdict === "several_digits") return "This shows several digits.";
  if (verdict === "unsure") return `Not sure: ${candidates.slice(0, MAX_NAMED).join(" or ")}.`;
  const others = candidates.slice(1, MAX_NAMED).map((one) => `, or ${withArticle(one)}`);
  return `This looks like ${withArticle(label)} (${percent(predictions[label].probability)})${others.join("")}.`;
}

// Returns why the result is not sure, or "" if it is sure.
function explain(result) {
  const { verdict, not_a_digit: probability } = result.details;
  const { number } = result;
  if (showsNumber(result)) {
    if (number.verdict === "number") return "";
    const doubts = toReadings(result).filter(({ isSure }) => isSure === false);
    const words = doubts.map(({ named }) => named.join(" or ")).join(", ");
    return words ? `Please check: ${words}.` : "Please check it.";
  }
  if (verdict === "several_digits") return "They cannot be read as a number.";
  if (verdict !== "not_a_digit" || !(probability > 0)) return "";
  // A bar may be long even without a digit, because the bars only compare the ten digits.
  const reason = `Not a digit: ${percent(probability)}. The bars only compare the digits with each other.`;
  return countDigits(number) ? `${reason} Read as a number, it may be ${inOneLine(number)}.` : reason;
}

function inOneLine({ number }) {
  const lines = number.split("\n");
  return lines.slice(0, MAX_NAMED).join(" / ") + (lines.length > MAX_NAMED ? " / …" : "");
}

// Returns what the page shows of each digit. Other characters of a number lack `predictions`.
export function toReadings(result) {
  const { most_probable_label: label, predictions, details, number } = result;
  const characters = (number ? number.lines : []).flatMap(({ digits, verdict }, line) =>
    digits.map((one, i) => ({ ...one, ...number.details.lines[line].digits[i], verdict, line })),
  );
  if (showsNumber(result)) return characters.map(toReading);
  const { verdict, candidates } = details;
  const named = { digit: [+label], unsure: candidates.slice(0, MAX_NAMED) }[verdict] ?? [];
  // The number network may have read a different part of the picture.
  const seen = characters.filter((one) => verdict === "not_a_digit" || one.label === label);
  const box = countDigits(number) === 1 ? seen[0]?.box : null;
  return [{ ...details, label, predictions, isSure: verdict === "digit", named, box }];
}

function toReading(one) {
  const { label, candidates, predictions, verdict, not_a_digit: probability } = one;
  if (!predictions) return one;
  const second = predictions.reduce((best, each) => (+each.probability > +best.probability ? each : best)).label;
  const named = [...new Set([label, second, ...candidates].filter((each) => each in predictions).map(Number))];
  const isSure = verdict === "number" || (named.length === 1 && probability < 0.5);
  return { ...one, isSure, named: named.slice(0, isSure ? 1 : MAX_NAMED) };
}

function withArticle(digit) {
  return +digit === 8 ? "an 8" : `a ${digit}`;
}
