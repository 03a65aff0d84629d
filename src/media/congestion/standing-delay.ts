// The queue that packets cannot avoid: the least delay of late against the least delay ever of late. Jitter moves single
// packets and leaves the least alone; a queue lifts them all. Pure numbers.

/** The least delay of now is that of this time and up to as much before, ms of arrival. */
const NOW_MS = 100;

/** The path itself is known by the least delay of so many pieces of time; clocks part by 2 ms in it at 200 ppm. */
const PIECE_MS = 1_000;
const PIECES = 10;

/** How fast the usual spread follows that of the last piece. */
const SPREAD_GAIN = 0.05;

/** Delay above that of the empty path. */
export class StandingDelay {
  #pieces: number[] = [];
  #pieceMs = NaN;
  #nowMs = NaN;
  #least = Infinity;
  #leastBefore = Infinity;
  #most = -Infinity;
  #spreadMs = 0;

  /** Feed a packet that came. Both clocks have origins of their own: only changes of the delay mean something. */
  add(sentMs: number, arrivalMs: number): void {
    const delayMs = arrivalMs - sentMs;
    if (!(Math.abs(arrivalMs - this.#pieceMs) < PIECE_MS)) {
      // A pause, or a clock that was set, ends the time line.
      if (!(Math.abs(arrivalMs - this.#pieceMs) < PIECE_MS * PIECES)) this.#pieces = [];
      this.#pieceMs = arrivalMs;
      this.#pieces.push(delayMs);
      if (this.#pieces.length > PIECES) this.#pieces.shift();
    }
    const last = this.#pieces.length - 1;
    this.#pieces[last] = Math.min(this.#pieces[last] as number, delayMs);
    if (!(Math.abs(arrivalMs - this.#nowMs) < NOW_MS)) {
      this.#nowMs = arrivalMs;
      if (this.#least < Infinity) this.#spreadMs += SPREAD_GAIN * (this.#most - this.#least - this.#spreadMs);
      this.#most = -Infinity;
      this.#leastBefore = this.#least;
      this.#least = Infinity;
    }
    this.#least = Math.min(this.#least, delayMs);
    this.#most = Math.max(this.#most, delayMs);
  }

  /** Ms, 0 or more; 0 before anything came. */
  get delayMs(): number {
    const nowMs = Math.min(this.#least, this.#leastBefore);
    return nowMs === Infinity ? 0 : Math.max(0, nowMs - Math.min(...this.#pieces));
  }

  /** By how much delays differ within 100 ms, usually, ms. */
  get spreadMs(): number {
    return this.#spreadMs;
  }
}
