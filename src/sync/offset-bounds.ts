// What bounds of a clock offset, each at its time, prove of the rate at which two clocks run apart and of the offset
// now. Pure arithmetic; times and offsets in microseconds, rates as shares of time.

/** How much the rate of one clock against another changes within the window, as a share of time: 15 ppm. */
export const WANDER = 15e-6;
/** The most that two clocks run apart while nothing is known of their rates: crystals are far better than this. */
const MAX_RATE = 1500e-6;
/** Closer neighbours say little about the rate and much about jitter. */
const LEAST_SPAN_US = 5 * 1e6;
/** Clocks of computers differ by less than this as a rule. */
const USUAL_RATE = 300e-6;
/** Stamps are this coarse in browsers. */
const STAMP_ERROR_US = 100;

/** A bound of the offset at a time of ours. */
export interface Bound {
  readonly atUs: number;
  readonly offsetUs: number;
}

/** What exchanges prove: when a request left the offset was at most so much, when a reply came at least so much. */
export interface Bounds {
  most: Bound;
  least: Bound;
}

/** How fast the remote clock runs away from ours, and how wrong that is likely to be. */
export interface Rate {
  readonly rate: number;
  readonly error: number;
}

/** Before exchanges some seconds apart tell. */
export const UNKNOWN_RATE: Rate = { rate: 0, error: MAX_RATE };

/**
 * The mean of the slopes between any two segments, each weighted by how little is likely to be wrong with it. What lies
 * between the bounds is mostly the same delay in all segments; what one has beyond the narrowest is its likely error.
 */
export function rateOf(segments: readonly Bounds[]): Rate {
  const widths = segments.map(({ most, least }) => (most.offsetUs - least.offsetUs) / 2);
  const narrowestUs = Math.min(...widths);
  let weights = 1 / (USUAL_RATE * USUAL_RATE); // of rate 0, which is all that is known at first
  let sum = 0;
  let error = MAX_RATE;
  for (const [lateIndex, late] of segments.entries()) {
    for (let earlyIndex = 0; earlyIndex < lateIndex; earlyIndex++) {
      const early = segments[earlyIndex] as Bounds;
      const thereUs = late.most.atUs - early.most.atUs;
      const backUs = late.least.atUs - early.least.atUs;
      const spanUs = Math.min(thereUs, backUs);
      if (spanUs < LEAST_SPAN_US) continue;
      const excessUs = (widths[lateIndex] as number) + (widths[earlyIndex] as number) - 2 * narrowestUs;
      const pairError = (excessUs + STAMP_ERROR_US) / spanUs;
      const slopes =
        (late.most.offsetUs - early.most.offsetUs) / thereUs +
        (late.least.offsetUs - early.least.offsetUs) / backUs;
      const weight = 1 / (pairError * pairError);
      weights += weight;
      sum += (weight * slopes) / 2;
      error = Math.min(error, pairError);
    }
  }
  return { rate: sum / weights, error };
}

/** The offsets and rates that contradict no bound. */
export interface Proven {
  readonly mostUs: number;
  readonly leastUs: number;
  readonly fastest: number;
  readonly slowest: number;
}

/** Before the first exchange. */
export const NOTHING_PROVEN: Proven = {
  mostUs: Infinity,
  leastUs: -Infinity,
  fastest: MAX_RATE,
  slowest: -MAX_RATE,
};

/** Halvings of an interval of rates: down to a hundredth of a ppm. */
const HALVINGS = 18;

/**
 * What all bounds together prove of the offset at `nowUs`, if the rate changes no more than it may. At a given rate they
 * leave a gap between the highest of the lower bounds and the lowest of the upper ones, concave in the rate: the rates
 * with an open gap are an interval, at whose ends the offset takes its extremes.
 */
export function prove(segments: readonly Bounds[], nowUs: number): Proven {
  const inside = widest(segments, nowUs);
  const fastest = edge(segments, nowUs, inside, MAX_RATE);
  const slowest = edge(segments, nowUs, inside, -MAX_RATE);
  return {
    mostUs: mostAt(segments, nowUs, fastest),
    leastUs: leastAt(segments, nowUs, slowest),
    fastest,
    slowest,
  };
}

/** The least upper bound at a rate. */
function mostAt(segments: readonly Bounds[], nowUs: number, rate: number): number {
  let mostUs = Infinity;
  for (const { most } of segments) {
    mostUs = Math.min(mostUs, most.offsetUs + (rate + WANDER) * (nowUs - most.atUs));
  }
  return mostUs;
}

/** The greatest lower bound at a rate. */
function leastAt(segments: readonly Bounds[], nowUs: number, rate: number): number {
  let leastUs = -Infinity;
  for (const { least } of segments) {
    leastUs = Math.max(leastUs, least.offsetUs + (rate - WANDER) * (nowUs - least.atUs));
  }
  return leastUs;
}

function gapAt(segments: readonly Bounds[], nowUs: number, rate: number): number {
  return mostAt(segments, nowUs, rate) - leastAt(segments, nowUs, rate);
}

/** The rate at which the gap, concave in the rate, is widest. */
function widest(segments: readonly Bounds[], nowUs: number): number {
  let [low, high] = [-MAX_RATE, MAX_RATE];
  for (let halving = 0; halving < HALVINGS; halving++) {
    const step = (high - low) / 4;
    const middle = (low + high) / 2;
    const gapUs = gapAt(segments, nowUs, middle);
    if (gapAt(segments, nowUs, middle + step) > gapUs) low = middle;
    else if (gapAt(segments, nowUs, middle - step) > gapUs) high = middle;
    else [low, high] = [middle - step, middle + step];
  }
  return (low + high) / 2;
}

/** The last rate from `inside` towards `outside` with an open gap. */
function edge(segments: readonly Bounds[], nowUs: number, inside: number, outside: number): number {
  if (gapAt(segments, nowUs, outside) >= 0) return outside;
  let [open, shut] = [inside, outside];
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = (open + shut) / 2;
    if (gapAt(segments, nowUs, middle) >= 0) open = middle;
    else shut = middle;
  }
  return shut;
}
