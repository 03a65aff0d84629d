// How regularly the frames of one medium of one stream come, against their capture times. Reads no clock.
import { RecentDelays } from "./recent-delays.ts";

/** The least delay within so long stands for it: what waited longer on its way says nothing of the clocks. */
const BUCKET_MS = 500;
/** Over 5 s a drift is seen well, and a former one forgotten. */
const BUCKETS = 10;
/** Fewer than these would take jitter for drift. */
const LEAST_BUCKETS = 4;
/** Nothing waits longer on its way: beyond, the capture times have stepped. */
const STEP_MS = 1000;
/** RFC 3550 section 6.4.1. */
const JITTER_SHARE = 1 / 16;

interface Least {
  atMs: number;
  delayMs: number;
}

/** Jitter and drift of one medium. */
export class TimingTrack {
  readonly delays = new RecentDelays();
  #lastDelayMs = Number.NaN;
  #jitterMs = 0;
  /** The last one is still being measured. */
  readonly #buckets: Least[] = [];
  #bucketFromMs = -Infinity;

  /**
   * A frame came.
   * @returns false when capture times have stepped by more than 1 s against arrivals, and everything begins anew
   */
  observe(captureMs: number, nowMs: number): boolean {
    const delayMs = nowMs - captureMs;
    const change = delayMs - this.#lastDelayMs;
    const stepped = Math.abs(change) > STEP_MS;
    if (stepped) this.#reset();
    else if (!Number.isNaN(change)) this.#jitterMs += (Math.abs(change) - this.#jitterMs) * JITTER_SHARE;
    this.#lastDelayMs = delayMs;
    this.delays.observe(delayMs, nowMs);
    this.#fill(delayMs, nowMs);
    return !stepped;
  }

  /** Interarrival jitter, ms: the mean change of the delay from frame to frame, as RFC 3550 section 6.4.1 has it. */
  get jitterMs(): number {
    return this.#jitterMs;
  }

  /**
   * Ms by which the least delay grows in a second, by least squares over the last 5 s; > 0 when frames come ever later.
   * Undefined in the first 2 s.
   */
  get driftMsPerS(): number | undefined {
    const done = this.#buckets.slice(0, -1);
    if (done.length < LEAST_BUCKETS) return undefined;
    const meanAt = done.reduce((sum, { atMs }) => sum + atMs, 0) / done.length;
    const meanDelay = done.reduce((sum, { delayMs }) => sum + delayMs, 0) / done.length;
    let covariance = 0;
    let variance = 0;
    for (const { atMs, delayMs } of done) {
      covariance += (atMs - meanAt) * (delayMs - meanDelay);
      variance += (atMs - meanAt) ** 2;
    }
    return (1000 * covariance) / variance;
  }

  #fill(delayMs: number, nowMs: number): void {
    const last = this.#buckets.at(-1);
    if (last === undefined || nowMs - this.#bucketFromMs >= BUCKET_MS) {
      this.#bucketFromMs = nowMs;
      this.#buckets.push({ atMs: nowMs, delayMs });
      if (this.#buckets.length > BUCKETS + 1) this.#buckets.shift();
    } else if (delayMs < last.delayMs) {
      last.atMs = nowMs;
      last.delayMs = delayMs;
    }
  }

  #reset(): void {
    this.#jitterMs = 0;
    this.#buckets.length = 0;
    this.delays.reset();
  }
}
