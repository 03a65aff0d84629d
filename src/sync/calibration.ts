// The difference of two clocks of the same host from repeated comparisons: their median. Pure.

/** Comparisons that count. */
const WINDOW = 9;

/** Median of the last nine values, in the unit they came in. */
export class Calibration {
  readonly #values: number[] = [];
  #median = 0;
  #spread = 0;

  /** Values known, 0 to 9. */
  get count(): number {
    return this.#values.length;
  }

  /** 0 before the first value. */
  get median(): number {
    return this.#median;
  }

  /** Largest distance of a value from the median. */
  get spread(): number {
    return this.#spread;
  }

  /** Take a value; the oldest one makes room. */
  add(value: number): void {
    this.#values.push(value);
    if (this.#values.length > WINDOW) this.#values.shift();
    const sorted = [...this.#values].sort((a, b) => a - b);
    this.#median = sorted[sorted.length >> 1] as number;
    this.#spread = Math.max(this.#median - (sorted[0] as number), (sorted.at(-1) as number) - this.#median);
  }

  /** Forget all values. */
  reset(): void {
    this.#values.length = 0;
    this.#median = 0;
    this.#spread = 0;
  }
}
