// Pictures in, answers out: one request at a time, and only the newest picture waits for its turn.
const ADDRESS = "/predictlabel?details=1";

// Longer than NGINX lets the service take; a connection that is silent beyond that is gone.
const TIMEOUT_MS = 35_000;
const MAX_RETRY_SECONDS = 10;

const MISUNDERSTOOD = "The answer could not be understood. Reload the page.";

// Starting, overloaded or restarting: the same request may be answered a little later.
const BUSY = [429, 502, 503, 504];

export class Sender {
  // `on.answer(answer, job)`, `on.fault(detail, job)`, `on.retry(sentence, job)`.
  constructor(on) {
    this.on = on;
    this.newest = this.waiting = null;
    this.isRunning = false;
    this.wake = () => {};
    addEventListener("online", () => this.wake());
  }

  // `job.picture()` makes the Blob when its turn has come.
  send(job) {
    this.newest = this.waiting = job;
    this.wake();
    if (!this.isRunning) this.#run();
  }

  // Forgets what waits, and drops the answer that is on its way.
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
        const result = await ask(job);
        if (job !== this.newest) tries = 0;
        else if ("answer" in result) this.#deliver(result.answer, job);
        else if ("fault" in result) this.on.fault(result.fault, job);
        else {
          tries += 1;
          this.on.retry(result.retry, job);
          const seconds = result.seconds || 2 ** (tries - 1);
          await this.#pause(Math.max(1, Math.min(MAX_RETRY_SECONDS, seconds)));
          if (job === this.newest) this.waiting = job;
        }
      }
    } finally {
      this.isRunning = false;
    }
  }

  // An answer of another form throws, here or where it is shown: then none of it is left standing.
  #deliver(answer, job) {
    try {
      check(answer);
      this.on.answer(answer, job);
    } catch {
      this.on.fault(MISUNDERSTOOD, job);
    }
  }

  #pause(seconds) {
    return new Promise((resolve) => {
      this.wake = resolve;
      setTimeout(resolve, seconds * 1000);
    });
  }
}

async function ask(job) {
  try {
    const body = new FormData();
    body.append("image", await job.picture());
    const response = await fetch(ADDRESS, { method: "POST", body, signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (BUSY.includes(response.status)) {
      return { retry: "The service is busy. Trying again…", seconds: Number(response.headers.get("Retry-After")) };
    }
    const answer = await response.json();
    if (response.ok) return { answer };
    const detail = answer?.detail;
    return { fault: detail && typeof detail === "string" ? detail : MISUNDERSTOOD };
  } catch (error) {
    // What answered is not this service: a proxy's own page, in HTML.
    if (error instanceof SyntaxError) return { fault: MISUNDERSTOOD };
    return { retry: "The service cannot be reached. Trying again…", seconds: 0 };
  }
}

// Throws unless all is there that the page shows.
function check({ most_probable_label: label, predictions, details }) {
  const { verdict, candidates, milliseconds } = details;
  const cells = [...details.input.flat(), ...details.saliency.flat()];
  const shares = predictions.map(({ probability }) => probability);
  const isWhole = cells.length === 2 * 28 * 28 && shares.length === 10 && label in shares;
  const numbers = [...cells, ...shares, ...candidates, ...Object.values(milliseconds)];
  const isKnown = ["digit", "unsure", "not_a_digit"].includes(verdict);
  if (!isWhole || !isKnown || numbers.some(isNaN)) throw new TypeError();
}
