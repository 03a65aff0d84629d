// Finds out which written picture a coded one that leaves was made of: browsers do not say so of video, only its RTP
// timestamp. That counts from a start nobody knows, on the clock that the browser stamps written pictures with. The least
// delayed of many pictures tells where it starts, to within the encoder's best time; and the latest picture written before
// is the one. Pure.

/** Written pictures remembered; an encoder is never so far behind. */
const MAX_WRITTEN = 64;
/** Departures that the start is estimated from: some seconds of them. */
const MAX_DEPARTURES = 16;
/** Ticks of video's RTP clock per ms. */
const TICKS_PER_MS = 90;
/** A departure that is so far off, ms, belongs to another count of timestamps. */
const RESTART_MS = 1_000;

/** A coded picture that has left. */
export interface Departure {
  ssrc: number;
  rtpTimestamp: number;
  /** When it came out of the encoder, on the page's monotonic clock. */
  leftMs: number;
}

/** See the header. All times but captures are on the page's monotonic clock. */
export class SentPictures {
  readonly #written: { atMs: number; captureMs: number }[] = [];
  /** How far each departure is behind the timestamps, ms. */
  readonly #delays: number[] = [];
  #ssrc = 0;
  #reference = 0;

  /** A picture has been handed to the browser. @param captureMs Unix ms, as the program says */
  written(atMs: number, captureMs: number): void {
    this.#written.push({ atMs, captureMs });
    if (this.#written.length > MAX_WRITTEN) this.#written.shift();
  }

  /** What was written is not sent any more. */
  forget(): void {
    this.#written.length = 0;
  }

  /**
   * When the picture that has left was captured.
   * @param timeOrigin Unix ms at which the page's clock began
   * @returns Unix ms; where nothing was written, when the browser has got it
   */
  captureOf(departure: Departure, timeOrigin: number): number {
    const takenMs = this.#takenMs(departure);
    for (let at = this.#written.length - 1; at >= 0; at--) {
      const picture = this.#written[at];
      if (picture !== undefined && picture.atMs <= takenMs) return picture.captureMs;
    }
    return takenMs + timeOrigin;
  }

  /** When the browser has got the picture, as far as departures tell: at most the encoder's best time too late. */
  #takenMs({ ssrc, rtpTimestamp, leftMs }: Departure): number {
    if (ssrc !== this.#ssrc) this.#restart(ssrc, rtpTimestamp);
    let stampMs = this.#stampMs(rtpTimestamp);
    const last = this.#delays.at(-1);
    if (last !== undefined && Math.abs(leftMs - stampMs - last) > RESTART_MS) {
      this.#restart(ssrc, rtpTimestamp);
      stampMs = 0;
    }
    this.#delays.push(leftMs - stampMs);
    if (this.#delays.length > MAX_DEPARTURES) this.#delays.shift();
    return stampMs + Math.min(...this.#delays);
  }

  /** Ms since the reference, which moves along so that the 32 bits never run out. */
  #stampMs(rtpTimestamp: number): number {
    const ticks = (rtpTimestamp - this.#reference) | 0;
    if (Math.abs(ticks) > 2 ** 30) {
      const movedMs = ticks / TICKS_PER_MS;
      this.#reference = rtpTimestamp;
      for (let at = 0; at < this.#delays.length; at++) this.#delays[at] = (this.#delays[at] ?? 0) + movedMs;
      return 0;
    }
    return ticks / TICKS_PER_MS;
  }

  #restart(ssrc: number, rtpTimestamp: number): void {
    this.#ssrc = ssrc;
    this.#reference = rtpTimestamp;
    this.#delays.length = 0;
  }
}
