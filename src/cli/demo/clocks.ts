// Time in a run: one true clock for all its processes, and for each peer an artificial one that is off and runs at its
// own rate, as the clocks of different machines do. What is measured is judged by the true one.
import type { Clock, LocalMs, WallMs } from "../../runtime/time.ts";

/** Longest delay setTimeout obeys (2^31 - 1 ms); beyond it, Node fires at once. */
const MAX_TIMEOUT_MS = 0x7fff_ffff;
const NS_PER_MS = 1e6;

/** Where a run's clock is zero; the same in each of its processes. */
export interface RunOrigin {
  /** On CLOCK_MONOTONIC, which the processes of a machine share (`process.hrtime`), ns. */
  monotonicNs: bigint;
  /** Unix ms. */
  unixMs: number;
}

/** This very moment as the origin of a run. */
export function originNow(): RunOrigin {
  return { monotonicNs: process.hrtime.bigint(), unixMs: performance.timeOrigin + performance.now() };
}

/**
 * True time: ms since the run began. Not from `performance.timeOrigin`, which each process reads from a wall clock that
 * may have been stepped between the starts of two processes.
 */
export class RunClock implements Clock {
  readonly #origin: RunOrigin;
  /** The origin on the scale of `performance.now()`, which shows the same clock and is asked thousands of times a second. */
  readonly #zeroMs: number;

  constructor(origin: RunOrigin) {
    this.#origin = origin;
    const sinceOriginMs = (): number => Number(process.hrtime.bigint() - origin.monotonicNs) / NS_PER_MS;
    // Of several readings the one with the least time between the two clocks.
    this.#zeroMs = Math.max(...Array.from({ length: 5 }, () => performance.now() - sinceOriginMs()));
  }

  now(): LocalMs {
    return performance.now() - this.#zeroMs;
  }

  wallNow(): WallMs {
    return this.#origin.unixMs + this.now();
  }

  setTimer(atMs: LocalMs, callback: () => void): () => void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const arm = (): void => {
      const delayMs = Math.min(Math.max(Math.ceil(atMs - this.now()), 0), MAX_TIMEOUT_MS);
      // Timeouts count in whole milliseconds and may fire up to one of them early.
      timer = setTimeout(() => (this.now() < atMs ? arm() : callback()), delayMs);
    };
    arm();
    return () => clearTimeout(timer);
  }
}

/** How far the artificial clocks may be off. */
export interface ClockSpread {
  /** Offsets lie between minus and plus this, ms. */
  offsetMs: number;
  /** Skews lie between minus and plus this, ppm. */
  skewPpm: number;
}

/**
 * The error of the clock of peer `index` of `count`: from one end of the spread to the other, the same in every run.
 * Offsets rise with the index, skews go up and down, so that neither follows from the other.
 */
export function clockErrorOf(index: number, count: number, spread: ClockSpread): ClockSpread {
  const share = count < 2 ? 0 : index / (count - 1);
  // 0, last, 1, last - 1, ...: neighbours differ by nearly the whole spread.
  const zigzag = index % 2 === 0 ? index / 2 : count - (index + 1) / 2;
  const skewShare = count < 2 ? 0 : zigzag / (count - 1);
  return { offsetMs: spread.offsetMs * (2 * share - 1), skewPpm: spread.skewPpm * (2 * skewShare - 1) };
}
