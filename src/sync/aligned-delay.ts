// How long after its capture the audio of one peer comes: the span of the last seconds. Pure.

/** Long enough to see the jitter of a path, short enough to follow a change of it. */
const BUCKET_MS = 1000;

/** Least and largest delay of one peer over the last one to two seconds. */
export class AlignedDelay {
  #bucketMs = -Infinity;
  #least = Infinity;
  #largest = 0;
  #leastBefore = Infinity;
  #largestBefore = 0;

  /**
   * A frame came.
   * @param delayMs local ms from its capture to `nowMs`; negative ones, as wrong clocks make them, count as 0
   */
  observe(delayMs: number, nowMs: number): void {
    if (nowMs - this.#bucketMs >= BUCKET_MS) {
      this.#leastBefore = this.#least;
      this.#largestBefore = this.#largest;
      this.#least = Infinity;
      this.#largest = 0;
      this.#bucketMs = nowMs;
    }
    const delay = Math.max(0, delayMs);
    this.#least = Math.min(this.#least, delay);
    this.#largest = Math.max(this.#largest, delay);
  }

  /** Ms; Infinity before the first frame. */
  get leastMs(): number {
    return Math.min(this.#least, this.#leastBefore);
  }

  /** Ms; 0 before the first frame. */
  get largestMs(): number {
    return Math.max(this.#largest, this.#largestBefore);
  }

  /** Forget everything: the capture times have stepped. */
  reset(): void {
    this.#bucketMs = -Infinity;
    this.#least = this.#leastBefore = Infinity;
    this.#largest = this.#largestBefore = 0;
  }
}
