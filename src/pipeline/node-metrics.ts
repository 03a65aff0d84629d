// What is counted of one node at work, and how long its work takes. Numbers only; whoever runs the node has the clock.

/** A node's figures since it was opened. */
export interface NodeMetrics {
  /** Inputs taken from its queue, the skipped ones among them. */
  readonly inputs: number;
  /** Outputs that went on, or had nowhere to go. */
  readonly outputs: number;
  /** Inputs, or final flushes, that ended in an error. */
  readonly errors: number;
  /** Inputs it never saw, because it was off after failures or still at work on one that had been given up. */
  readonly skipped: number;
  /** Further tries. */
  readonly retries: number;
  /** Inputs that waited when the pipeline was aborted. */
  readonly dropped: number;
  /** Outputs that came after their input had failed or been given up, or after the end: dropped. */
  readonly late: number;
  /** Outputs of a kind that no successor takes, of a node that is no output: dropped. */
  readonly unrouted: number;
  /** Inputs that wait now. */
  readonly queued: number;
  /** Time for one input, without waiting for those who come next: moving average (weight 0.1), ms; null before any. */
  readonly latencyMs: number | null;
  /** The same, 95th percentile of the last 256, ms. */
  readonly latencyP95Ms: number | null;
}

const EMA_WEIGHT = 0.1;
/** Latencies that the percentile is taken of. */
const WINDOW = 256;

/** See the header. */
export class NodeCounters {
  inputs = 0;
  outputs = 0;
  errors = 0;
  skipped = 0;
  retries = 0;
  dropped = 0;
  late = 0;
  unrouted = 0;
  readonly #latencies = new Float64Array(WINDOW);
  #measured = 0;
  #averageMs = 0;

  /** Note how long one input took. */
  took(ms: number): void {
    this.#averageMs = this.#measured === 0 ? ms : this.#averageMs + EMA_WEIGHT * (ms - this.#averageMs);
    this.#latencies[this.#measured % WINDOW] = ms;
    this.#measured++;
  }

  /** @param queued inputs that wait now */
  snapshot(queued: number): NodeMetrics {
    const { inputs, outputs, errors, skipped, retries, dropped, late, unrouted } = this;
    return {
      ...{ inputs, outputs, errors, skipped, retries, dropped, late, unrouted, queued },
      latencyMs: this.#measured === 0 ? null : this.#averageMs,
      latencyP95Ms: this.#percentile95(),
    };
  }

  #percentile95(): number | null {
    const sorted = this.#latencies.slice(0, Math.min(this.#measured, WINDOW)).sort();
    return sorted[Math.ceil(0.95 * sorted.length) - 1] ?? null;
  }
}
