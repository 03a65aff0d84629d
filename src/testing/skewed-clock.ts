// The clock of one simulated machine: off by some time and running at its own rate, as every machine's is.
import type { Clock, LocalMs, WallMs } from "../runtime/time.ts";

/** Divided and multiplied again, a moment may come out a hair early; a timer must not. */
const ROUNDING_MS = 1e-6;

/** How a machine's clock differs from true time. */
export interface ClockError {
  /** Wall clock minus true time at the start, ms. Default 0. */
  offsetMs?: number;
  /** > 0: runs fast, ppm; both its clocks do. Default 0. */
  skewPpm?: number;
  /** What its monotonic clock shows at the start, ms. Default: what true time shows. */
  startMs?: number;
}

/** A clock derived from another that stands for true time. Timers are set there. */
export class SkewedClock implements Clock {
  readonly #clock: Clock;
  readonly #rate: number;
  readonly #trueStartMs: number;
  readonly #startMs: number;
  readonly #wallStartMs: number;

  constructor(clock: Clock, { offsetMs = 0, skewPpm = 0, startMs = clock.now() }: ClockError) {
    this.#clock = clock;
    this.#rate = 1 + skewPpm * 1e-6;
    this.#trueStartMs = clock.now();
    this.#startMs = startMs;
    this.#wallStartMs = clock.wallNow() + offsetMs;
  }

  now(): LocalMs {
    return this.#startMs + this.#elapsedMs();
  }

  wallNow(): WallMs {
    return this.#wallStartMs + this.#elapsedMs();
  }

  setTimer(atMs: LocalMs, callback: () => void): () => void {
    const trueMs = this.#trueStartMs + (atMs - this.#startMs) / this.#rate;
    return this.#clock.setTimer(trueMs + ROUNDING_MS, callback);
  }

  #elapsedMs(): number {
    return (this.#clock.now() - this.#trueStartMs) * this.#rate;
  }
}
