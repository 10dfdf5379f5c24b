// The other ways to a picture: chosen, photographed, dropped, pasted, or a sample.
import { complain, readPicture } from "./page.js";

const byId = (id) => document.getElementById(id);
const root = document.documentElement;
const fault = byId("picture-fault");

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const { name, value } = event.submitter ?? {};
  if (name === "sample") readPicture(() => fetchSample(value), byId("sample-fault"));
});

for (const id of ["image", "camera"]) {
  byId(id).addEventListener("change", ({ target }) => {
    readFiles([...target.files]);
    // The same file, chosen again, is to be read again.
    target.value = "";
  });
}

addEventListener("dragover", (event) => {
  event.preventDefault();
  root.classList.add("dragging");
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) root.classList.remove("dragging");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  root.classList.remove("dragging");
  const files = [...event.dataTransfer.files];
  if (files.length) readFiles(files);
  else complain("What was dropped is no file. Save the picture, then drop the file.", fault);
});

addEventListener("paste", (event) => {
  const files = [...event.clipboardData.files];
  if (files.length) readFiles(files);
  else complain("There is no picture on the clipboard. Copy one, then paste again.", fault);
});

// Only a page that came over HTTPS or from this machine may ask for the clipboard.
if (navigator.clipboard?.read) {
  byId("paste").hidden = false;
  byId("paste").addEventListener("click", pasteFromClipboard);
}

// The browser knows the scheme and the host that it reached; behind a proxy the service may not.
const command = byId("curl");
command.textContent = command.textContent.replaceAll(/https?:\/\/[^/]+/g, location.origin);
byId("copy").addEventListener("click", async ({ target }) => {
  target.textContent = (await copy(command)) ? "Copied" : "Press Ctrl+C";
  setTimeout(() => (target.textContent = "Copy"), 2000);
});

function readFiles(files) {
  if (files.length > 1) complain(`${files.length} files came; one is read at a time. Send one.`, fault);
  else if (files.length) readPicture(() => files[0], fault);
}

async function fetchSample(digit) {
  const response = await fetch(`/static/samples/${digit}.png`);
  return response.blob();
}

async function pasteFromClipboard() {
  try {
    for (const item of await navigator.clipboard.read()) {
      const type = item.types.find((one) => one.startsWith("image/"));
      if (type) return readPicture(() => item.getType(type), fault);
    }
    complain("There is no picture on the clipboard. Copy one, then paste again.", fault);
  } catch {
    complain("The browser did not hand the clipboard over. Press Ctrl+V instead.", fault);
  }
}

// Without the right to the clipboard the line is selected, ready for Ctrl+C.
async function copy(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(element);
    return false;
  }
}
