// Unwraps the RTP timestamps of one medium next to the clock of their arrival, and tells a jump from a pause. Numbers
// only; holds no media.

/** RTP and arrival advance differing by more than this, twice in a row, is another timeline. */
const JUMP_MS = 1000;
/** By so much two clocks may part while nothing comes: the widest drift that is estimated. */
const MAX_DRIFT = 1500e-6;
/** RTP timestamps have 32 bits. */
const TICK_CIRCLE = 2 ** 32;
/** Beyond, a number of ticks is no longer whole; no pause lasts 800 years. */
const MAX_TICKS = 2 ** 52;

/** What an observation did to the timeline. */
export type TimelineStep = "continued" | "suspect" | "restarted";

/** Where a medium stands, on its own clock and on ours, both in ms since the first observation. */
export class MediaTimeline {
  readonly #ticksPerMs: number;
  #started = false;
  #suspect = false;
  #originMs = 0;
  #elapsedMs = 0;
  #timestamp = 0;
  /** Whole, so that no rounding adds up over the hours. */
  #ticks = 0;

  /** @param clockRate ticks per second */
  constructor(clockRate: number) {
    this.#ticksPerMs = clockRate / 1000;
  }

  /** Arrival of the last observation that did not contradict the others, ms since the first. */
  get elapsedMs(): number {
    return this.#elapsedMs;
  }

  /** RTP timestamp of the same observation, nominal ms since the first. */
  get mediaMs(): number {
    return this.#ticks / this.#ticksPerMs;
  }

  /**
   * Follow one observation. Timestamps may come out of order and pauses may outlast the circle of timestamps: the turn
   * nearest to the time that has passed is taken.
   * @param timestamp u32
   * @param arrivalMs local monotonic ms, finite
   * @returns `suspect` when media and arrival part by more than 1 s: that one changes nothing; the second such in a
   *   row begins another timeline, `restarted`
   */
  follow(timestamp: number, arrivalMs: number): TimelineStep {
    if (!this.#started) {
      this.#begin(timestamp, arrivalMs);
      return "continued";
    }
    if (this.#advance(timestamp, arrivalMs)) {
      this.#suspect = false;
      return "continued";
    }
    if (!this.#suspect) {
      this.#suspect = true;
      return "suspect";
    }
    this.#begin(timestamp, arrivalMs);
    return "restarted";
  }

  /** Forget everything but the clock rate. */
  reset(): void {
    this.#started = false;
  }

  #begin(timestamp: number, arrivalMs: number): void {
    this.#started = true;
    this.#suspect = false;
    this.#originMs = arrivalMs;
    this.#elapsedMs = 0;
    this.#timestamp = timestamp;
    this.#ticks = 0;
  }

  #advance(timestamp: number, arrivalMs: number): boolean {
    const elapsedMs = arrivalMs - this.#originMs;
    const sinceLastMs = elapsedMs - this.#elapsedMs;
    const expected = sinceLastMs * this.#ticksPerMs;
    if (!(Math.abs(expected) < MAX_TICKS)) return false;
    const onCircle = (timestamp - this.#timestamp) | 0;
    const ticks = onCircle + Math.round((expected - onCircle) / TICK_CIRCLE) * TICK_CIRCLE;
    const apartMs = Math.abs(sinceLastMs - ticks / this.#ticksPerMs);
    if (apartMs > JUMP_MS + MAX_DRIFT * Math.abs(sinceLastMs)) return false;
    this.#elapsedMs = elapsedMs;
    this.#timestamp = timestamp;
    this.#ticks += ticks;
    return true;
  }
}
