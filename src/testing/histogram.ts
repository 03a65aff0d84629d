// Percentiles of millions of values in bounded memory: counts in bins of equal width.

/** What a {@link Histogram} knows of its values. */
export interface Spread {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p999: number;
  readonly max: number;
}

/** Counts values from 0 on; percentiles are exact to one bin, mean and maximum exact. */
export class Histogram {
  readonly #binWidth: number;
  readonly #bins: Uint32Array;
  #count = 0;
  #sum = 0;
  #max = 0;

  /** @param limit values above it share the last bin */
  constructor(binWidth: number, limit: number) {
    this.#binWidth = binWidth;
    this.#bins = new Uint32Array(Math.ceil(limit / binWidth) + 1);
  }

  /** @param value 0 or more */
  add(value: number): void {
    const bin = Math.min(Math.floor(value / this.#binWidth), this.#bins.length - 1);
    this.#bins[bin] = (this.#bins[bin] as number) + 1;
    this.#count++;
    this.#sum += value;
    if (value > this.#max) this.#max = value;
  }

  /** All zero when nothing was added. */
  get spread(): Spread {
    const count = this.#count;
    const mean = count === 0 ? 0 : this.#sum / count;
    return { count, mean, p50: this.#at(0.5), p95: this.#at(0.95), p999: this.#at(0.999), max: this.#max };
  }

  #at(share: number): number {
    const wanted = Math.ceil(share * this.#count);
    let seen = 0;
    for (let bin = 0; bin < this.#bins.length && wanted > 0; bin++) {
      seen += this.#bins[bin] as number;
      if (seen >= wanted) return Math.min((bin + 1) * this.#binWidth, this.#max);
    }
    return 0;
  }
}
