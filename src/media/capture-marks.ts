// Which frames of an outgoing stream carry their capture time: enough for receivers to interpolate between them. Pure.

/** Ticks per microsecond of Opus' RTP clock (RFC 7587 section 4.1). */
const TICKS_PER_US = 48_000 / 1_000_000;

/** Receivers want one a second; twice as many leave them that when one is lost. In ticks. */
const INTERVAL_TICKS = 24_000;

/** How far the capture time may part from what receivers extrapolate before they are told, us. */
const TOLERANCE_US = 1000;

/** Remembers the last frame that carried its capture time. */
export class CaptureMarks {
  #position = NaN;
  #captureUs = NaN;

  /**
   * Whether this frame should carry its capture time: none has yet, the last one is half a second back, or the relation
   * of position and capture time has changed since by more than 1 ms.
   *
   * @param position ticks of the 48 kHz clock
   * @param captureUs capture of the first sample, Unix us
   */
  isDue(position: number, captureUs: number): boolean {
    const ticks = position - this.#position;
    const partedUs = Math.abs(captureUs - this.#captureUs - ticks / TICKS_PER_US);
    return !(ticks < INTERVAL_TICKS && partedUs <= TOLERANCE_US);
  }

  /** This frame has been sent with its capture time. */
  mark(position: number, captureUs: number): void {
    this.#position = position;
    this.#captureUs = captureUs;
  }

  /** The frames go to somebody new: the next one is due. */
  reset(): void {
    this.mark(NaN, NaN);
  }
}
