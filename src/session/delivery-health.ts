// Whether it is worth trying to reach a peer: a circuit that opens after failures in a row, and lets one try through
// after a while. Reads no clock.

/** Failures in a row after which nothing is sent for a while. */
const MAX_FAILURES = 5;

/** Ms for which nothing is sent. */
const OPEN_MS = 30_000;

/** Successes in a row after which all is well again. */
const MIN_SUCCESSES = 2;

/** `closed`: all goes through. `open`: nothing. `halfOpen`: one at a time, on trial. */
export type CircuitState = "closed" | "open" | "halfOpen";

/** See the header. */
export class DeliveryHealth {
  #state: CircuitState = "closed";
  #failures = 0;
  #successes = 0;
  #retryAtMs = 0;

  /** The state at `nowMs`. */
  state(nowMs: number): CircuitState {
    if (this.#state === "open" && nowMs >= this.#retryAtMs) {
      this.#state = "halfOpen";
      this.#successes = 0;
    }
    return this.#state;
  }

  succeeded(nowMs: number): void {
    this.#failures = 0;
    if (this.state(nowMs) === "halfOpen" && ++this.#successes >= MIN_SUCCESSES) this.reset();
  }

  /** @param weight how many failures this one counts for */
  failed(nowMs: number, weight = 1): void {
    const state = this.state(nowMs);
    if (state === "open") return;
    this.#failures += weight;
    if (state === "closed" && this.#failures < MAX_FAILURES) return;
    this.#state = "open";
    this.#retryAtMs = nowMs + OPEN_MS;
  }

  /** As if nothing had ever failed. */
  reset(): void {
    this.#state = "closed";
    this.#failures = 0;
    this.#successes = 0;
  }
}
