// Sends images one at a time. Only the newest image waits while a request is in flight.
const ADDRESS = "/predictlabel?details=1";

// Longer than NGINX waits for the service (nginx/conf.d/local.conf): the connection is lost by then.
const TIMEOUT_MS = 35_000;
const MAX_RETRY_SECONDS = 10;

const MISUNDERSTOOD = "The answer could not be understood. Reload the page.";

// The service is starting, overloaded or restarting: the same request may succeed a little later.
const BUSY = [429, 502, 503, 504];

// Thrown by `job.picture()` if it cannot return an image. Its message is shown, without a retry.
export class PictureError extends Error {}

class BusyError extends Error {
  constructor(response) {
    super("The service is busy. Trying again…");
    this.seconds = Number(response.headers.get("Retry-After"));
  }
}

// Like `fetch`, but throws an error that causes a retry if the service is busy.
export async function request(address, options) {
  const response = await fetch(address, options);
  if (BUSY.includes(response.status)) throw new BusyError(response);
  return response;
}

export class Sender {
  // `on.result(result, job)`, `on.error(detail, job)`, `on.retry(sentence, job)`.
  constructor(on) {
    this.on = on;
    this.newest = this.waiting = null;
    this.isRunning = false;
    this.wake = () => {};
    addEventListener("online", () => this.wake());
  }

  // `job.picture()` returns the Blob; it is called for each try.
  send(job) {
    this.newest = this.waiting = job;
    this.wake();
    if (!this.isRunning) this.#run();
  }

  // Discards the waiting job and the response to the current request.
  cancel() {
    this.newest = this.waiting = null;
    this.wake();
  }

  async #run() {
    this.isRunning = true;
    let tries = 0;
    try {
      while (this.waiting) {
        const job = this.waiting;
        this.waiting = null;
        const outcome = await predict(job);
        if (job !== this.newest) tries = 0;
        else if ("result" in outcome) this.#deliver(outcome.result, job);
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

async function predict(job) {
  try {
    const body = new FormData();
    body.append("image", await job.picture());
    const response = await request(ADDRESS, { method: "POST", body, signal: AbortSignal.timeout(TIMEOUT_MS) });
    const result = await response.json();
    if (response.ok) return { result };
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
