// Enhances the page's form: the same upload, answered in place by POST /predictlabel.
const form = document.getElementById("form");
const input = document.getElementById("image");
const preview = document.getElementById("preview");
const status = document.getElementById("status");
const rows = [...document.querySelectorAll("#probabilities tbody tr")];

// Only the newest request may answer: an older one that returns late is dropped.
let newest = 0;

form.addEventListener("submit", (event) => {
  event.preventDefault();
  send(input.files[0]);
});

input.addEventListener("change", () => {
  const [picture] = input.files;
  if (!picture) return;
  URL.revokeObjectURL(preview.src);
  preview.src = URL.createObjectURL(picture);
  preview.hidden = false;
  send(picture);
});

async function send(picture) {
  const mine = ++newest;
  say("Reading…");
  const body = new FormData();
  body.append("image", picture);
  try {
    const response = await fetch("/predictlabel", { method: "POST", body });
    const answer = await response.json();
    if (mine !== newest) return;
    if (answer.success) show(answer);
    else fail(answer.detail);
  } catch {
    if (mine === newest) fail("The service cannot be reached. Check the connection and try again.");
  }
}

function show({ most_probable_label: label, predictions }) {
  predictions.forEach(({ probability }, digit) => fill(rows[digit], Number(probability), String(digit) === label));
  say(`This looks like a ${label} (${percent(predictions[label].probability)}).`);
}

function fail(detail) {
  rows.forEach((row) => fill(row, null, false));
  say(detail, true);
}

function fill(row, probability, isWinner) {
  row.classList.toggle("winner", isWinner);
  row.querySelector("meter").value = probability ?? 0;
  row.querySelector("span").textContent = probability === null ? "–" : percent(probability);
}

// As the server writes it on the page without JavaScript: never quite 0 or 100.
function percent(fraction) {
  if (fraction < 0.0005) return "<0.1%";
  return fraction >= 0.9995 ? ">99.9%" : `${(fraction * 100).toFixed(1)}%`;
}

function say(sentence, isError = false) {
  status.textContent = sentence;
  status.classList.toggle("error", isError);
}
