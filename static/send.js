// Sends images one at a time. Only the newest image waits while a request is in flight.
// The service may stand under a path; this module is in its folder static/.
export const ROOT = new URL("..", import.meta.url);
const ADDRESS = new URL("predictlabel?details=1", ROOT);

// Longer than NGINX waits for the service (nginx/conf.d/local.conf): the connection is lost by then.
const TIMEOUT_MS = 35_000;
const MAX_RETRY_SECONDS = 10;

// A larger upload is aborted if a newer job arrives; smaller ones are sent before an abort would help.
const LARGE_BYTES = 200_000;

const MISUNDERSTOOD = "The answer could not be understood. Reload the page.";

// The service is starting, overloaded or restarting: the same request may succeed a little later.
const BUSY = [429, 502, 503, 504];

// Thrown by `job.picture()` if it cannot return an image. Its message is shown, without a retry.
export class PictureError extends Error {}

class BusyError extends Error {
  constructor(retryAfter) {
    super("The service is busy. Trying again…");
    this.seconds = Number(retryAfter);
  }
}

// Like `fetch`, but throws an error that causes a retry if the service is busy.
export async function request(address) {
  const response = await fetch(address);
  if (BUSY.includes(response.status)) throw new BusyError(response.headers.get("Retry-After"));
  return response;
}

// The API key, if the service needs one. It is forgotten when the page is closed.
let key = "";

export function setKey(text) {
  key = text;
}

// Posts an image by XMLHttpRequest, because `fetch` does not report the progress of an upload.
// Resolves with the request when the response has arrived; rejects if the connection is lost.
function post(picture, onProgress, signal) {
  const body = new FormData();
  body.append("image", picture);
  return new Promise((resolve, reject) => {
    const call = new XMLHttpRequest();
    call.open("POST", ADDRESS);
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
  // `on.result(result, job)`, `on.error(detail, job)`, `on.retry(sentence, job)`, `on.locked(job)`,
  // and `on.progress(part)` with 0 to 1 of a large upload.
  constructor(on) {
    this.on = on;
    this.newest = this.waiting = null;
    this.isRunning = false;
    this.wake = () => {};
    this.upload = new AbortController();
    addEventListener("online", () => this.wake());
  }

  // `job.picture()` returns the Blob; it is called for each try.
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
        const onProgress = (part) => job === this.newest && this.on.progress(part);
        const outcome = await predict(job, onProgress, this.upload.signal);
        if (job !== this.newest) tries = 0;
        else if ("result" in outcome) this.#deliver(outcome.result, job);
        else if (outcome.isLocked) this.on.locked(job);
        else if ("error" in outcome) this.on.error(outcome.error, job);
        else {
          tries += 1;
          this.on.retry(outcome.retry, job);
          const seconds = outcome.seconds || 2 ** (tries - 1);
          await this.#pause(Math.max(1, Math.min(MAX_RETRY_SECONDS, seconds)));
          if (job === this.newest) this.waiting = job;
        }
      }
    } finally {
      this.isRunning = false;
    }
  }

  // A result of an unexpected form throws here or while it is shown; then an error replaces it.
  #deliver(result, job) {
    try {
      check(result);
      this.on.result(result, job);
    } catch {
      this.on.error(MISUNDERSTOOD, job);
    }
  }

  #pause(seconds) {
    return new Promise((resolve) => {
      this.wake = resolve;
      setTimeout(resolve, seconds * 1000);
    });
  }
}

async function predict(job, onProgress, signal) {
  try {
    const call = await post(await job.picture(), onProgress, signal);
    if (BUSY.includes(call.status)) throw new BusyError(call.getResponseHeader("Retry-After"));
    if (call.status === 401) return { isLocked: true };
    const result = JSON.parse(call.responseText);
    if (call.status === 200) return { result };
    const detail = result?.detail;
    return { error: detail && typeof detail === "string" ? detail : MISUNDERSTOOD };
  } catch (error) {
    if (error instanceof BusyError) return { retry: error.message, seconds: error.seconds };
    if (error instanceof PictureError) return { error: error.message };
    // The response is not JSON: it is from a proxy, not from this service.
    if (error instanceof SyntaxError) return { error: MISUNDERSTOOD };
    return { retry: "The service cannot be reached. Trying again…", seconds: 0 };
  }
}

// Throws unless the result has everything that the page shows.
function check({ most_probable_label: label, predictions, details }) {
  const { verdict, candidates, milliseconds } = details;
  const pixels = [...details.input.flat(), ...details.saliency.flat()];
  const probabilities = predictions.map(({ probability }) => probability);
  const isWhole = pixels.length === 2 * 28 * 28 && probabilities.length === 10 && label in probabilities;
  const numbers = [...pixels, ...probabilities, ...candidates, ...Object.values(milliseconds)];
  const isKnown = ["digit", "unsure", "not_a_digit", "several_digits"].includes(verdict);
  if (!isWhole || !isKnown || numbers.some(isNaN)) throw new TypeError();
}
