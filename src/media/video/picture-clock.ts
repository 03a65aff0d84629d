// Where outgoing pictures stand on the 90 kHz clock of RTP: in step with their capture times, and with real time where
// those jump. Pure: time is a parameter.

const TICKS_PER_MS = 90;

/** Capture times that run ahead of real time, or behind it, by more than this from one picture to the next have jumped. */
const JUMP_MS = 1000;

/** Pictures overtake each other on their way from several threads by less than this; beyond, time was set back. */
const BACK_TICKS = 100 * TICKS_PER_MS;

/** Positions of the pictures of one stream. */
export class PictureClock {
  readonly #originMs: number;
  /** A capture time and its position; undefined before the first picture. */
  #anchor: { readonly captureUs: number; readonly position: number } | undefined;
  #lastCaptureUs = 0;
  #lastMs = 0;
  #last = -1;

  /** @param originMs local ms of position 0; clocks that take turns in feeding a link have the same */
  constructor(originMs: number) {
    this.#originMs = originMs;
  }

  /** The last position. */
  get last(): number {
    return this.#last;
  }

  /** Later positions are beyond this one. */
  pass(position: number): void {
    this.#last = Math.max(this.#last, position);
  }

  /**
   * The position of the next picture, ticks without wrap, beyond all earlier ones.
   *
   * @param captureUs on any clock that runs about as fast as real time
   */
  place(captureUs: number, nowMs: number): number {
    let position = this.#follow(captureUs, nowMs);
    if (position === undefined) {
      position = this.#timePassed(nowMs);
      this.#anchor = { captureUs, position };
    }
    this.#lastCaptureUs = captureUs;
    this.#lastMs = nowMs;
    this.#last = Math.max(this.#last + 1, position);
    return this.#last;
  }

  /** Where the capture time belongs; undefined when it has jumped. */
  #follow(captureUs: number, nowMs: number): number | undefined {
    if (this.#anchor === undefined) return undefined;
    const aheadMs = (captureUs - this.#lastCaptureUs) / 1000 - (nowMs - this.#lastMs);
    if (Math.abs(aheadMs) > JUMP_MS) return undefined;
    const { captureUs: anchorUs, position } = this.#anchor;
    const ticks = position + Math.round(((captureUs - anchorUs) / 1000) * TICKS_PER_MS);
    return ticks < this.#last - BACK_TICKS ? undefined : ticks;
  }

  #timePassed(nowMs: number): number {
    if (this.#anchor === undefined) return Math.round((nowMs - this.#originMs) * TICKS_PER_MS);
    return this.#last + Math.round((nowMs - this.#lastMs) * TICKS_PER_MS);
  }
}
