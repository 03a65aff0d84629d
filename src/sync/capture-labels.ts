// Capture times as frames carry them out: they follow the mapping without steps, and say so when they cannot. Pure.

/** A step of the mapping beyond this opens a new epoch, us. */
const STEP_US = 5000;
/** What the clocks may legitimately run apart between two frames, as a share. */
const MAX_SKEW = 1500e-6;
/**
 * Smaller corrections enter at this rate, which is beyond any skew: 5 ms of them take some three seconds. Faster, what is
 * put together by labels would bend audibly whenever an estimate moves.
 */
const SLEW = 2000e-6;

/** Labels of one stream, frame by frame. Within an epoch they rise with the media time. */
export class CaptureLabels {
  readonly #usPerTick: number;
  #ticks = 0;
  #labelUs = 0;
  #lagUs = 0;
  #epoch = 0;
  #begun = false;

  /** @param clockRate ticks a second */
  constructor(clockRate: number) {
    this.#usPerTick = 1e6 / clockRate;
  }

  /** Grows when labels step by more than 5 ms, and when the stream begins anew. */
  get epoch(): number {
    return this.#epoch;
  }

  /** What the last label still owes to the mapping, us, not negative. */
  get lagUs(): number {
    return this.#lagUs;
  }

  /**
   * The label of the next frame.
   * @param ticks unwrapped, rising from call to call
   * @param targetUs what the mapping says
   */
  next(ticks: number, targetUs: number): number {
    if (!this.#begun) return this.#step(ticks, targetUs);
    const elapsedUs = (ticks - this.#ticks) * this.#usPerTick;
    const differenceUs = targetUs - this.#labelUs - elapsedUs;
    const sizeUs = Math.abs(differenceUs);
    if (elapsedUs < 0 || sizeUs > STEP_US + MAX_SKEW * elapsedUs) {
      this.#epoch++;
      return this.#step(ticks, targetUs);
    }
    const slewUs = SLEW * elapsedUs;
    const changeUs = sizeUs <= slewUs ? differenceUs : Math.sign(differenceUs) * slewUs;
    this.#ticks = ticks;
    this.#labelUs += elapsedUs + changeUs;
    this.#lagUs = sizeUs - Math.abs(changeUs);
    return this.#labelUs;
  }

  /** The stream begins anew: the next label owes nothing to the last. */
  reset(): void {
    if (this.#begun) this.#epoch++;
    this.#begun = false;
    this.#lagUs = 0;
  }

  #step(ticks: number, targetUs: number): number {
    this.#begun = true;
    this.#ticks = ticks;
    this.#labelUs = targetUs;
    this.#lagUs = 0;
    return targetUs;
  }
}
