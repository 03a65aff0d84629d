// When what has failed is tried again: soon at first, then less and less often. Pure: time is a parameter.

const FIRST_MS = 1000;
const LONGEST_MS = 30_000;

/** See the header. */
export class RetryDelay {
  #delayMs = FIRST_MS;
  #dueMs = -Infinity;

  /** Whether to try now. */
  isDue(nowMs: number): boolean {
    return nowMs >= this.#dueMs;
  }

  failed(nowMs: number): void {
    this.#dueMs = nowMs + this.#delayMs;
    this.#delayMs = Math.min(LONGEST_MS, 2 * this.#delayMs);
  }

  /** It works: a later failure is a first one. */
  worked(): void {
    this.#delayMs = FIRST_MS;
  }
}
