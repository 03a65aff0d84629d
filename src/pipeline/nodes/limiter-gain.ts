// How far a limiter turns sound down at each sample, knowing what comes: never less than the loudest of the samples to
// come asks for, and without a step. Pure.
//
// The least gain asked for within the look-ahead, let back up slowly, is averaged over the look-ahead. Every gain in an
// average over the samples from one to its output has that one in its window, so their mean is no larger than it asked.

/** Gains are multiples of 1/ONE, so that sums of thousands of them are exact and a running sum never drifts. */
const ONE = 2 ** 30;
/** What is nearer to its aim is there (-96 dB): an exponential never is. */
const NEAR = ONE / 2 ** 16;

/** See the header. */
export class LimiterGain {
  /** Samples between the push of what a sample asks for and the gain for it. */
  readonly lookahead: number;
  /** Share of the way back that is made with each sample. */
  readonly #release: number;
  /** Of the last samples, those that none after them asks less than: values rise, the first is the least of all. */
  readonly #least: Int32Array;
  readonly #leastAt: Float64Array;
  #first = 0;
  #count = 0;
  /** The gains averaged, as a ring. */
  readonly #gains: Int32Array;
  #sum = 0;
  #current = ONE;
  #pushed = 0;

  /**
   * @param lookahead samples, from 0
   * @param releaseFrames samples in which 63 % of a reduction is taken back; 0: all at once
   */
  constructor(lookahead: number, releaseFrames: number) {
    const width = lookahead + 1;
    this.lookahead = lookahead;
    this.#release = releaseFrames > 0 ? 1 - Math.exp(-1 / releaseFrames) : 1;
    this.#least = new Int32Array(width);
    this.#leastAt = new Float64Array(width);
    this.#gains = new Int32Array(width);
    this.clear();
  }

  /** Begin anew: nothing was loud. */
  clear(): void {
    this.#count = 0;
    this.#gains.fill(ONE);
    this.#sum = ONE * this.#gains.length;
    this.#current = ONE;
    this.#pushed = 0;
  }

  /**
   * @param wanted largest gain that the next sample allows, 0 to 1
   * @returns gain for the sample that came `lookahead` before it
   */
  push(wanted: number): number {
    const aim = this.#leastOf(Math.floor(wanted * ONE));
    const next = Math.floor(this.#current + (aim - this.#current) * this.#release);
    this.#current = aim <= next || aim - next < NEAR ? aim : next;
    const slot = this.#pushed % this.#gains.length;
    this.#sum += this.#current - (this.#gains[slot] as number);
    this.#gains[slot] = this.#current;
    this.#pushed++;
    return this.#sum / (ONE * this.#gains.length);
  }

  /** The least of this and the `lookahead` gains before it. */
  #leastOf(wanted: number): number {
    const width = this.#least.length;
    if (this.#count > 0 && (this.#leastAt[this.#first] as number) <= this.#pushed - width) {
      this.#first = (this.#first + 1) % width;
      this.#count--;
    }
    while (this.#count > 0 && (this.#least[(this.#first + this.#count - 1) % width] as number) >= wanted)
      this.#count--;
    const slot = (this.#first + this.#count) % width;
    this.#least[slot] = wanted;
    this.#leastAt[slot] = this.#pushed;
    this.#count++;
    return this.#least[this.#first] as number;
  }
}
