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

  /** See {@link Clock.rate}. */
  get rate(): number {
    return this.#rate * (this.#clock.rate ?? 1);
  }

  now(): LocalMs {
    return this.#startMs + this.#elapsedMs();
  }

  wallNow(): WallMs {
    return this.#wallStartMs + this.#elapsedMs();
  }

  setTimer(atMs: LocalMs, callback: () => void): () => void {
    return this.#clock.setTimer(this.trueAt(atMs) + ROUNDING_MS, callback);
  }

  /** What `wallNow()` shows when `now()` shows `localMs`. */
  wallAt(localMs: LocalMs): WallMs {
    return this.#wallStartMs + (localMs - this.#startMs);
  }

  /** True time, on the other clock's `now()`, at which `now()` shows `localMs`. */
  trueAt(localMs: LocalMs): number {
    return this.#trueStartMs + (localMs - this.#startMs) / this.#rate;
  }

  /** True time, on the other clock's `now()`, at which `wallNow()` shows `wallMs`. */
  trueAtWall(wallMs: WallMs): number {
    return this.#trueStartMs + (wallMs - this.#wallStartMs) / this.#rate;
  }

  #elapsedMs(): number {
    return (this.#clock.now() - this.#trueStartMs) * this.#rate;
  }
}
