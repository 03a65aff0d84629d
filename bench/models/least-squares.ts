// Ordinary least squares over all packets: what one writes first to measure a clock drift. Centred, in one pass
// (Welford 1962), so that it loses nothing to rounding.

/** Slope of arrival over media time. */
export class LeastSquares {
  #count = 0;
  #meanX = 0;
  #meanD = 0;
  #sxx = 0;
  #sxd = 0;

  /** @param mediaMs media time and `delayMs` arrival minus media time, both since the first packet */
  add(mediaMs: number, delayMs: number): void {
    this.#count++;
    const x = mediaMs - this.#meanX;
    this.#meanX += x / this.#count;
    this.#meanD += (delayMs - this.#meanD) / this.#count;
    this.#sxx += x * (mediaMs - this.#meanX);
    this.#sxd += x * (delayMs - this.#meanD);
  }

  /** Ppm by which the media clock is fast; 0 before the second packet. */
  get driftPpm(): number {
    return this.#sxx === 0 ? 0 : (1 / (1 + this.#sxd / this.#sxx) - 1) * 1e6;
  }
}
