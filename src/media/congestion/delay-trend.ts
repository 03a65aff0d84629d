// Tells from delay gradients whether a queue is growing somewhere on the path: a line is laid through the delays of the
// last groups, and its slope compared with a threshold that follows what is usual on this path (Carlucci et al. 2016,
// "Analysis and design of the Google congestion control", section 3; draft-ietf-rmcat-gcc-02 sections 5.3 and 5.4).
import type { GroupDelta } from "./packet-groups.ts";

/** What the path does: its queue grows, shrinks, or stands. */
export type PathUsage = "overusing" | "underusing" | "normal";

/** Groups under the line. */
const WINDOW = 20;

/** Weight of the past in the delay under the line: single groups jitter more than queues grow. */
const SMOOTHING = 0.9;

/** The slope is weighed by the groups seen, up to so many, so that a start is not judged by three groups ... */
const MAX_WEIGHT = 60;
/** ... and brought to the scale of the threshold. */
const SLOPE_GAIN = 4;

/** The threshold where it begins and its bounds (draft-ietf-rmcat-gcc-02 section 5.4, table). */
const START_THRESHOLD = 12.5;
const MIN_THRESHOLD = 6;
const MAX_THRESHOLD = 600;
/** How fast it follows a larger and a smaller slope, per ms. Falling slower, it would lose against TCP flows. */
const RISE_PER_MS = 0.0087;
const FALL_PER_MS = 0.039;
/** A slope this far beyond the threshold is a spike (a route change, a stall) and teaches it nothing. */
const SPIKE = 15;
/** A pause counts no more than this, ms. */
const MAX_ADAPT_MS = 100;

/** The slope must stay beyond the threshold for so long before that counts, ms. */
const OVERUSE_MS = 10;

/** The detector of one path. */
export class DelayTrend {
  readonly #arrivalsMs = new Float64Array(WINDOW);
  readonly #delaysMs = new Float64Array(WINDOW);
  #count = 0;
  #accumulatedMs = 0;
  #smoothedMs = 0;
  #threshold = START_THRESHOLD;
  #previousSlope = 0;
  #previousArrivalMs = NaN;
  #overMs = -1;
  #overGroups = 0;
  #usage: PathUsage = "normal";

  get usage(): PathUsage {
    return this.#usage;
  }

  /** Feed the next change between groups. */
  add({ delayMs, arrivalMs }: GroupDelta): void {
    this.#accumulatedMs += delayMs;
    this.#smoothedMs = SMOOTHING * this.#smoothedMs + (1 - SMOOTHING) * this.#accumulatedMs;
    this.#arrivalsMs[this.#count % WINDOW] = arrivalMs;
    this.#delaysMs[this.#count % WINDOW] = this.#smoothedMs;
    this.#count++;
    const elapsedMs = Number.isNaN(this.#previousArrivalMs) ? 0 : arrivalMs - this.#previousArrivalMs;
    this.#previousArrivalMs = arrivalMs;
    if (this.#count < WINDOW) return;
    const slope = this.#slope();
    const weighed = Math.min(this.#count, MAX_WEIGHT) * slope * SLOPE_GAIN;
    this.#judge(weighed, slope, elapsedMs);
    this.#adapt(Math.abs(weighed), elapsedMs);
    this.#previousSlope = slope;
  }

  #judge(weighed: number, slope: number, elapsedMs: number): void {
    if (weighed <= this.#threshold) {
      this.#overMs = -1;
      this.#overGroups = 0;
      this.#usage = weighed < -this.#threshold ? "underusing" : "normal";
      return;
    }
    // The first group beyond may have crossed half of the way: nobody knows when.
    this.#overMs = this.#overMs < 0 ? elapsedMs / 2 : this.#overMs + elapsedMs;
    this.#overGroups++;
    if (this.#overMs <= OVERUSE_MS || this.#overGroups <= 1 || slope < this.#previousSlope) return;
    this.#overMs = 0;
    this.#overGroups = 0;
    this.#usage = "overusing";
  }

  #adapt(size: number, elapsedMs: number): void {
    if (size > this.#threshold + SPIKE) return;
    const gain = size < this.#threshold ? FALL_PER_MS : RISE_PER_MS;
    const moved = this.#threshold + gain * (size - this.#threshold) * Math.min(elapsedMs, MAX_ADAPT_MS);
    this.#threshold = Math.min(MAX_THRESHOLD, Math.max(MIN_THRESHOLD, moved));
  }

  /** Least squares through delay over arrival: ms of queue a ms. */
  #slope(): number {
    let meanArrival = 0;
    let meanDelay = 0;
    for (let i = 0; i < WINDOW; i++) {
      meanArrival += (this.#arrivalsMs[i] as number) / WINDOW;
      meanDelay += (this.#delaysMs[i] as number) / WINDOW;
    }
    let covariance = 0;
    let variance = 0;
    for (let i = 0; i < WINDOW; i++) {
      const arrival = (this.#arrivalsMs[i] as number) - meanArrival;
      covariance += arrival * ((this.#delaysMs[i] as number) - meanDelay);
      variance += arrival * arrival;
    }
    return variance === 0 ? this.#previousSlope : covariance / variance;
  }
}
