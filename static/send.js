// Sends images one at a time. Only the newest image waits while a request is in flight.
import { toReadings } from "./result.js";

// Address of the service, which may be under a path. This file is in static/.
export const ROOT = new URL("..", import.meta.url);

// NGINX responds earlier (nginx/conf.d/local.conf), or the connection is lost.
const TIMEOUT_MS = 35_000;
const MAX_RETRY_SECONDS = 10;

// A newer job aborts only larger uploads, because smaller uploads end soon.
const LARGE_BYTES = 200_000;

const MISUNDERSTOOD = "The answer could not be understood. Reload the page.";

// After these statuses the same request may succeed a little later.
const BUSY = [429, 502, 503, 504];

// `job.picture()` throws this. The message is shown, without a retry.
export class PictureError extends Error {}

class BusyError extends Error {
  constructor(retryAfter) {
    super("The service is busy. Trying again…");
    this.seconds = Number(retryAfter);
  }
}

// Like `fetch`, but throws a BusyError if the service is busy.
export async function request(address) {
  const response = await fetch(address);
  if (BUSY.includes(response.status)) throw new BusyError(response.headers.get("Retry-After"));
  return response;
}

// The API key, if the service needs one. Closing the page discards it.
let key = "";

export function setKey(text) {
  key = text;
}

// Posts an image by XMLHttpRequest, because `fetch` does not report the progress of an upload.
function post(path, picture, onProgress, signal) {
  const body = new FormData();
  body.append("image", picture);
  return new Promise((resolve, reject) => {
    const call = new XMLHttpRequest();
    call.open("POST", new URL(`${path}?details=1`, ROOT));
    if (key) call.setRequestHeader("X-API-Key", key);
    call.timeout = TIMEOUT_MS;
    call.onload = () => resolve(call);
    call.onerror = call.ontimeout = call.onabort = () => reject(new TypeError());
    if (picture.size > LARGE_BYTES) {
      call.upload.onprogress = ({ loaded, total }) => onProgress(loaded / total);
      signal.addEventListener("abort", () => call.abort());
    }
    call.send(body);
  });
}

export class Sender {
  // `on` has `onResult(result, job)`, `onError(detail, job, isBlank)`, `onRetry(sentence, job)`,
  // `onLocked(job)`, and `onProgress(part)`: the sent part of a large upload, 0 to 1.
  constructor(on) {
    this.on = on;
    this.newest = this.waiting = null;
    this.isRunning = false;
    this.wake = () => {};
    this.upload = new AbortController();
    addEventListener("online", () => this.wake());
  }

  // Each try calls `job.picture()` for the Blob. `job.isDrawing` is true for a drawing.
  send(job) {
    this.newest = this.waiting = job;
    this.#stop();
    if (!this.isRunning) this.#run();
  }

  // Discards the waiting job and the response to the current request.
  cancel() {
    this.newest = this.waiting = null;
    this.#stop();
  }

  #stop() {
    this.upload.abort();
    this.wake();
  }

  async #run() {
    this.isRunning = true;
    let tries = 0;
    try {
      while (this.waiting) {
        const job = this.waiting;
        this.waiting = null;
        this.upload = new AbortController();
        const isNewest = () => job === this.newest;
        const onProgress = (part) => isNewest() && this.on.onProgress(part);
        const onDigit = (result) => isNewest() && this.#deliver(result, job);
        const outcome = await predict(job, { isNewest, onProgress, onDigit, signal: this.upload.signal });
        if (job !== this.newest) tries = 0;
        else if ("result" in outcome) this.#deliver(outcome.result, job);
        else if (outcome.isLocked) this.on.onLocked(job);
        else if ("error" in outcome) this.on.onError(outcome.error, job, outcome.isBlank);
        else {
          tries += 1;
          this.on.onRetry(outcome.retry, job);
          const seconds = outcome.seconds || 2 ** (tries - 1);
          await this.#pause(Math.max(1, Math.min(MAX_RETRY_SECONDS, seconds)));
          if (job === this.newest) this.waiting = job;
        }
      }
    } finally {
      this.isRunning = false;
    }
  }

  // Checking or showing an unexpected result throws. Then an error is shown instead.
  #deliver(result, job) {
    try {
      check(result);
      this.on.onResult(result, job);
    } catch {
      this.on.onError(MISUNDERSTOOD, job);
    }
  }

  #pause(seconds) {
    return new Promise((resolve) => {
      this.wake = resolve;
      setTimeout(resolve, seconds * 1000);
    });
  }
}

// Asks for one digit first. Asks for a number, too, if the verdict is not `digit`, and for every
// picture: a picture may have several lines, and the number's boxes show which part was read.
async function predict(job, { isNewest, onProgress, onDigit, signal }) {
  try {
    const picture = await job.picture();
    const result = await ask("predictlabel", picture, onProgress, signal);
    if (result.error || result.isLocked) return result;
    const isDigit = result.details?.verdict === "digit";
    if (!result.details || (isDigit && job.isDrawing) || !isNewest()) return { result };
    if (isDigit) onDigit(result);
    const number = await ask("predictnumber", picture, isDigit ? () => {} : onProgress, signal);
    // Without the number model, the service returns an error here.
    return { result: number.error ? result : { ...result, number } };
  } catch (error) {
    if (error instanceof BusyError) return { retry: error.message, seconds: error.seconds };
    if (error instanceof PictureError) return { error: error.message };
    // A response that is not JSON is from a proxy, not from this service.
    if (error instanceof SyntaxError) return { error: MISUNDERSTOOD };
    return { retry: "The service cannot be reached. Trying again…", seconds: 0 };
  }
}

// Returns the response, `{ error }` or `{ isLocked }`.
async function ask(path, picture, onProgress, signal) {
  const call = await post(path, picture, onProgress, signal);
  if (BUSY.includes(call.status)) throw new BusyError(call.getResponseHeader("Retry-After"));
  if (call.status === 401) return { isLocked: true };
  const response = JSON.parse(call.responseText);
  if (call.status === 200) return response ?? {};
  const detail = response?.detail;
  const isBlank = response?.type === "urn:dlflask:problem:blank-image";
  return { error: detail && typeof detail === "string" ? detail : MISUNDERSTOOD, isBlank };
}

// Throws unless the result has everything that the page shows.
function check(result) {
  const { most_probable_label: label, predictions, details } = result;
  const { verdict, candidates, milliseconds } = details;
  let isWhole = ["digit", "unsure", "not_a_digit", "several_digits"].includes(verdict) && label in predictions;
  const numbers = [...candidates, ...Object.values(milliseconds)];
  for (const { predictions, input, saliency = input, box } of toReadings(result)) {
    numbers.push(...(box ?? []));
    if (!predictions) continue;
    const pixels = [...input.flat(), ...saliency.flat()];
    numbers.push(...pixels, ...predictions.map(({ probability }) => probability));
    isWhole &&= pixels.length === 2 * 28 * 28 && predictions.length === 10;
  }
  if (!isWhole || numbers.some(isNaN)) throw new TypeError();
}
