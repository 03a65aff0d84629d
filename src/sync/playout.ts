// Keeps what is played in step with when it is due, by the least audible means: small errors bend the playback ratio,
// large ones are handed to time-scaling. Never both on the same error. Pure.

/** Errors below this are trimmed, larger ones are not the resampler's. */
const TRIM_BELOW_MS = 10;
/** The most the trim bends the ratio. */
const MAX_TRIM_PPM = 200;
/** Trim for each ms of error: full at the largest error it works on. */
const TRIM_PPM_PER_MS = MAX_TRIM_PPM / TRIM_BELOW_MS;

/**
 * Playout clock of one stream: where the samples handed out so far end, against where the due times say they should.
 */
export class PhaseTrim {
  readonly #msPerTick: number;
  #ticks = 0;
  #dueMs = 0;
  #ratio = 1;
  #errorMs = 0;
  #begun = false;

  /** @param clockRate ticks a second */
  constructor(clockRate: number) {
    this.#msPerTick = 1000 / clockRate;
  }

  /** How much later than due the next frame would play, ms. */
  get errorMs(): number {
    return this.#errorMs;
  }

  /** What to add to the playback ratio, ppm. */
  get ppm(): number {
    return this.#errorMs * TRIM_PPM_PER_MS;
  }

  /**
   * The next frame is handed out.
   * @param ticks its unwrapped timestamp
   * @param dueMs when it was due, local ms
   * @returns ms of media that time-scaling must add before this frame (> 0) or take out of it (< 0); 0 while the error
   *   is small enough for the trim
   */
  next(ticks: number, dueMs: number): number {
    let stretchMs = 0;
    if (this.#begun) {
      const playedMs = ((ticks - this.#ticks) * this.#msPerTick) / this.#ratio;
      this.#errorMs += playedMs - (dueMs - this.#dueMs);
      if (Math.abs(this.#errorMs) >= TRIM_BELOW_MS) {
        stretchMs = -this.#errorMs;
        this.#errorMs = 0;
      }
    }
    this.#begun = true;
    this.#ticks = ticks;
    this.#dueMs = dueMs;
    return stretchMs;
  }

  /** The ratio at which that frame, and what follows up to the next, is played: input consumed per output made. */
  play(ratio: number): void {
    this.#ratio = ratio;
  }

  /** Another timeline begins. */
  reset(): void {
    this.#begun = false;
    this.#errorMs = 0;
    this.#ratio = 1;
  }
}
