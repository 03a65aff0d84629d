// What the plots remember: the newest values of many series, taken at common times. Pure; memory is bounded.

/** One value of a series. */
export interface HistoryPoint {
  /** Ms of the run. */
  readonly atMs: number;
  readonly value: number;
}

/** How much a {@link History} remembers. */
export interface HistoryOptions {
  /** Times remembered; older ones are forgotten. */
  slots: number;
  /** Series remembered; what comes after them is left out. */
  maxSeries: number;
}

/** See the header. */
export class History {
  readonly #times: Float64Array;
  readonly #series = new Map<string, Float32Array>();
  readonly #maxSeries: number;
  /** Times taken so far; the next one goes to the slot of this number. */
  #count = 0;

  constructor({ slots, maxSeries }: HistoryOptions) {
    this.#times = new Float64Array(slots);
    this.#maxSeries = maxSeries;
  }

  /** Names of what has a value in memory. */
  get names(): string[] {
    return [...this.#series.keys()];
  }

  /** Ms of the run of the newest and the oldest time; undefined before the first. */
  get span(): { firstMs: number; lastMs: number } | undefined {
    if (this.#count === 0) return undefined;
    const slots = this.#times.length;
    const oldest = Math.max(0, this.#count - slots);
    return {
      firstMs: this.#times[oldest % slots] as number,
      lastMs: this.#times[(this.#count - 1) % slots] as number,
    };
  }

  /**
   * Take the values of one time. A time before the last one begins a new history.
   *
   * @param atMs ms of the run
   * @param values by name; what is no finite number, or is missing, is a gap in its series
   */
  push(atMs: number, values: ReadonlyMap<string, number>): void {
    if (!Number.isFinite(atMs)) return;
    if (atMs < (this.span?.lastMs ?? -Infinity)) this.#clear();
    const slot = this.#count % this.#times.length;
    this.#times[slot] = atMs;
    this.#count++;
    for (const name of values.keys()) this.#add(name);
    for (const [name, series] of this.#series) {
      const value = values.get(name) ?? NaN;
      series[slot] = Number.isFinite(value) ? value : NaN;
      if (series.every(Number.isNaN)) this.#series.delete(name);
    }
  }

  /** A series from old to new, gaps as NaN; nothing of a name that is not known. */
  points(name: string): HistoryPoint[] {
    const series = this.#series.get(name);
    if (series === undefined) return [];
    const slots = this.#times.length;
    const oldest = Math.max(0, this.#count - slots);
    return Array.from({ length: this.#count - oldest }, (_, i) => {
      const slot = (oldest + i) % slots;
      return { atMs: this.#times[slot] as number, value: series[slot] as number };
    });
  }

  #add(name: string): void {
    if (this.#series.has(name) || this.#series.size >= this.#maxSeries) return;
    this.#series.set(name, new Float32Array(this.#times.length).fill(NaN));
  }

  #clear(): void {
    this.#series.clear();
    this.#count = 0;
  }
}
