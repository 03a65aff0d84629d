// Lets so many events through in a second and no more, whatever a peer sends. Pure.

const SECOND_MS = 1_000;

/** Counts within seconds that begin with the first event after the one before. */
export class RateLimit {
  readonly #perSecond: number;
  #sinceMs = -Infinity;
  #count = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Whether one more event fits into the second. */
  allows(nowMs: number): boolean {
    if (nowMs - this.#sinceMs >= SECOND_MS) {
      this.#sinceMs = nowMs;
      this.#count = 0;
    }
    return ++this.#count <= this.#perSecond;
  }
}
