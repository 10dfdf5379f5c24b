// Other sources of pictures: file, camera, drag and drop, clipboard, and samples.
import { readPicture, showError } from "./page.js";
import { PictureError, ROOT, request } from "./send.js";

const byId = (id) => document.getElementById(id);
const root = document.documentElement;
const output = byId("picture-error");

// Larger photos are reduced, because 4 MB take minutes from a phone with a weak signal. If the
// longer side is MAX_SIDE pixels, a digit of 1/30 of it keeps 50 pixels, which is enough.
const LARGE_BYTES = 1_000_000;
const MAX_SIDE = 1_600;
// Types of photos. They are never transparent, so a JPEG file can replace them.
const PHOTOS = ["image/jpeg", "image/heic", "image/heif"];

const NOT_ON_CLIPBOARD = "The clipboard does not contain a picture. Copy one, then paste again.";

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const { name, value } = event.submitter ?? {};
  if (name === "sample") readPicture(() => fetchSample(value), byId("sample-error"));
});

for (const id of ["image", "camera"]) {
  byId(id).addEventListener("change", ({ target }) => {
    readFiles([...target.files]);
    // Without this, choosing the same file again would not cause an event.
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
  else showError("The dropped item is not a file. Save the picture, then drop the file.", output);
});

addEventListener("paste", (event) => {
  const files = [...event.clipboardData.files];
  if (files.length) readFiles(files);
  else showError(NOT_ON_CLIPBOARD, output);
});

// Browsers allow access to the clipboard only over HTTPS or from this machine.
if (navigator.clipboard?.read) {
  byId("paste").hidden = false;
  byId("paste").addEventListener("click", pasteFromClipboard);
}

// Shows the browser's address, because a proxy may hide it from the service.
const command = byId("curl");
command.textContent = command.textContent.replaceAll(/https?:\S+?\/(?=static\/samples|predictlabel$)/g, ROOT.href);
byId("copy").addEventListener("click", async ({ target }) => {
  target.textContent = (await copy(command)) ? "Copied" : "Press Ctrl+C";
  setTimeout(() => (target.textContent = "Copy"), 2000);
});

function readFiles(files) {
  if (files.length > 1) showError(`You chose ${files.length} files. Choose one.`, output);
  else if (files.length) readPicture(async () => reduce(await readBlob(() => files[0])), output);
}

// Returns a large photo upright, with a longer side of `MAX_SIDE`; other files unchanged.
async function reduce(file) {
  if (file.size <= LARGE_BYTES || !PHOTOS.includes(file.type)) return file;
  try {
    const photo = await createImageBitmap(file);
    const scale = MAX_SIDE / Math.max(photo.width, photo.height);
    if (scale >= 1) return file;
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(photo.width * scale);
    canvas.height = Math.round(photo.height * scale);
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(photo, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.9));
  } catch {
    return file; // The browser cannot decode it, but the service may.
  }
}

async function fetchSample(name) {
  const response = await request(new URL(`static/samples/${name}.png`, ROOT));
  if (!response.ok) throw new PictureError("The sample could not be loaded. Reload the page.");
  return response.blob();
}

// Reads one byte of a file, because sending an unreadable file fails like a lost connection. In
// Chromium a deleted file has size 0, and only reading the whole file fails.
async function readBlob(get) {
  try {
    const blob = await get();
    await (blob.size ? blob.slice(0, 1) : blob).arrayBuffer();
    return blob;
  } catch {
    throw new PictureError("The browser cannot read the picture. Save it again, then choose it again.");
  }
}

async function pasteFromClipboard() {
  try {
    for (const item of await navigator.clipboard.read()) {
      const type = item.types.find((one) => one.startsWith("image/"));
      if (type) return readPicture(() => readBlob(() => item.getType(type)), output);
    }
    showError(NOT_ON_CLIPBOARD, output);
  } catch {
    showError("The browser did not allow access to the clipboard. Press Ctrl+V instead.", output);
  }
}

// If the browser does not allow access to the clipboard, selects the line for Ctrl+C.
async function copy(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(element);
    return false;
  }
}
