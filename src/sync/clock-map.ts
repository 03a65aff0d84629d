// A straight line through (RTP ticks, sender's wall clock) pairs of one stream: the mapping of RFC 3550 section 6.4.1
// with its noise taken out. No network time enters. Pure.

/** Pairs the line goes through. */
const WINDOW = 20;
/** The line's rate may differ from the nominal one by this much: real crystals do, by 450 ppm and more. */
const MAX_SKEW = 1500e-6;
/** How wrong the stamps of an ordinary sender are, us: half of a millisecond clock. */
const STAMP_NOISE_US = 500;
/** How far a media clock is off, as a share: most by tens of ppm, some by hundreds. */
const USUAL_SKEW = 300e-6;
/** With few pairs close together noise would pass for skew: this much spread is believed to be at the nominal rate. */
const PRIOR_SPREAD_US2 = (STAMP_NOISE_US / USUAL_SKEW) ** 2;
/** Pairs this many standard errors off the line are outliers. */
const OUTLIER_SIGMAS = 3;
/** A residual that two pairs share within this, beyond what is an outlier, is a step of the sender's clock, us. */
const SAME_STEP_US = 4 * STAMP_NOISE_US;

/** What became of a pair. `step`: it confirmed that the sender's clock was stepped, and a new piece began. */
export type PairFate = "used" | "old" | "outlier" | "step";

/** Piecewise linear map of one source of pairs. Ticks are unwrapped integers, times Unix us; both exact in a double. */
export class ClockMap {
  readonly #usPerTick: number;
  /** Ring of the piece's pairs, as ticks and as deviation from the nominal rate, us, both from the origin. */
  readonly #ticks = new Float64Array(WINDOW);
  readonly #deviations = new Float64Array(WINDOW);
  #count = 0;
  #next = 0;
  #originTicks = 0;
  #originUs = 0;
  #lastTicks = -Infinity;
  #lastUs = -Infinity;
  /** The last pair if it was an outlier. */
  #suspect: { ticks: number; us: number } | undefined;
  // The line: deviation = #level + #skew * (us since the origin at the nominal rate - #centreUs).
  #level = 0;
  #skew = 0;
  #centreUs = 0;
  #sigmaUs = 0;
  #skewError = USUAL_SKEW;
  #worstUs = 0;

  /** @param clockRate ticks a second */
  constructor(clockRate: number) {
    this.#usPerTick = 1e6 / clockRate;
  }

  /** Pairs in the piece, 0 to 20. */
  get count(): number {
    return this.#count;
  }

  /** Take a pair, in the order in which they came; an older one than the last would pull the line back. */
  add(ticks: number, us: number): PairFate {
    if (this.#count > 0 && ticks <= this.#lastTicks && us <= this.#lastUs) return "old";
    // Media time that stands still or goes back while the clock goes on is a step, judged below as any other.
    if (this.#count > 0 && this.#isOutlier(ticks, us)) return this.#doubt(ticks, us);
    this.#suspect = undefined;
    this.#use(ticks, us);
    return "used";
  }

  /** The sender's wall clock at `ticks`, Unix us. Meaningless while `count` is 0. */
  wallUs(ticks: number): number {
    const nominalUs = (ticks - this.#originTicks) * this.#usPerTick;
    return this.#originUs + nominalUs + this.#level + this.#skew * (nominalUs - this.#centreUs);
  }

  /** How far off {@link wallUs} may be at `ticks`, us: the worst pair of the piece, and what the rate leaves open. */
  residualUs(ticks: number): number {
    const awayUs = Math.abs((ticks - this.#originTicks) * this.#usPerTick - this.#centreUs);
    return this.#worstUs + this.#usPerTick + this.#skewError * awayUs;
  }

  /** Forget all pairs. */
  reset(): void {
    this.#count = 0;
    this.#next = 0;
    this.#suspect = undefined;
    this.#lastTicks = -Infinity;
    this.#lastUs = -Infinity;
  }

  #isOutlier(ticks: number, us: number): boolean {
    const awayUs = (ticks - this.#originTicks) * this.#usPerTick - this.#centreUs;
    const expectedUs = Math.hypot(Math.max(this.#sigmaUs, STAMP_NOISE_US), this.#skewError * awayUs);
    return Math.abs(us - this.wallUs(ticks)) > OUTLIER_SIGMAS * expectedUs;
  }

  // One pair off the line is a fault; a second one that is off by the same is the sender's clock, stepped.
  #doubt(ticks: number, us: number): PairFate {
    const suspect = this.#suspect;
    this.#suspect = { ticks, us };
    if (suspect === undefined || (ticks <= suspect.ticks && us <= suspect.us)) return "outlier";
    const apartUs = us - suspect.us - (ticks - suspect.ticks) * this.#usPerTick;
    const allowedUs = SAME_STEP_US + MAX_SKEW * Math.abs(ticks - suspect.ticks) * this.#usPerTick;
    if (Math.abs(apartUs) > allowedUs) return "outlier";
    this.reset();
    this.#use(suspect.ticks, suspect.us);
    this.#use(ticks, us);
    return "step";
  }

  #use(ticks: number, us: number): void {
    if (this.#count === 0) {
      this.#originTicks = ticks;
      this.#originUs = us;
    }
    this.#lastTicks = ticks;
    this.#lastUs = us;
    const awayTicks = ticks - this.#originTicks;
    this.#ticks[this.#next] = awayTicks;
    this.#deviations[this.#next] = us - this.#originUs - awayTicks * this.#usPerTick;
    this.#next = (this.#next + 1) % WINDOW;
    this.#count = Math.min(this.#count + 1, WINDOW);
    this.#fit();
  }

  // Least squares on deviations around their mean: sums over microseconds since 1970 would leave no digits.
  #fit(): void {
    const n = this.#count;
    let meanTicks = 0;
    let meanDeviation = 0;
    for (let i = 0; i < n; i++) {
      meanTicks += (this.#ticks[i] as number) / n;
      meanDeviation += (this.#deviations[i] as number) / n;
    }
    let spread = 0;
    let shared = 0;
    for (let i = 0; i < n; i++) {
      const x = ((this.#ticks[i] as number) - meanTicks) * this.#usPerTick;
      spread += x * x;
      shared += x * ((this.#deviations[i] as number) - meanDeviation);
    }
    const skew = shared / (spread + PRIOR_SPREAD_US2);
    this.#skew = Math.max(-MAX_SKEW, Math.min(MAX_SKEW, skew));
    this.#level = meanDeviation;
    this.#centreUs = meanTicks * this.#usPerTick;
    this.#judge(spread);
  }

  #judge(spread: number): void {
    let squares = 0;
    let worst = 0;
    for (let i = 0; i < this.#count; i++) {
      const x = (this.#ticks[i] as number) * this.#usPerTick - this.#centreUs;
      const rest = Math.abs((this.#deviations[i] as number) - this.#level - this.#skew * x);
      squares += rest * rest;
      if (rest > worst) worst = rest;
    }
    this.#sigmaUs = this.#count > 2 ? Math.sqrt(squares / (this.#count - 2)) : 0;
    this.#worstUs = worst;
    this.#skewError = Math.max(this.#sigmaUs, STAMP_NOISE_US) / Math.sqrt(spread + PRIOR_SPREAD_US2);
  }
}
