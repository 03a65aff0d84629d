// Turns drift estimates into a playback ratio that may be trusted and heard: significance first, then a slow slew.
// Reads no clock; the resampler asks for the ratio of each block.
import { TransportError } from "../errors/errors.ts";
import type { ClockDriftEstimate } from "../wasm/clock-drift.ts";

/** An estimate counts when it lies this many standard errors away from 0. */
const SIGNIFICANT_ERRORS = 2;
/** With a larger standard error, doing nothing is the better guess: real clocks differ by some 10 to 50 ppm. */
const MAX_ERROR_PPM = 20;
/** The range of the estimator; inside what a manual correction allows. */
const MAX_CORRECTION_PPM = 1500;
/** Changes of pitch this slow are not heard, and a wrong estimate does little before the next. */
const SLEW_PPM_PER_MS = 5 / 1000;
/** A manual correction fades in over this time. */
const RAMP_MS = 100;
const LEAST_FACTOR = 0.99;
const LARGEST_FACTOR = 1.01;

/** What the gate needs of an estimate. */
export type DriftReading = Pick<ClockDriftEstimate, "driftPpm" | "standardErrorPpm">;

/**
 * The playback ratio of one medium: input consumed per output made, over the nominal rate; above 1 when the sender's
 * clock is fast. Starts at 1. Automatic until the first `apply`, from then on manual until `reset`.
 */
export class DriftCorrection {
  #fromPpm = 0;
  #toPpm = 0;
  #sinceMs = 0;
  #ppmPerMs = SLEW_PPM_PER_MS;
  #manualFactor: number | undefined;

  /**
   * Take in an estimate. Beyond two standard errors and with one below 20 ppm it becomes the target, within two of them
   * the target is 0; one that says too little, or none (null), changes nothing. The ratio moves towards the target by
   * 5 ppm a second.
   * @param nowMs local monotonic ms
   * @throws TransportError `INVALID_DATA` when `nowMs` is not a finite number
   */
  update(estimate: DriftReading | null, nowMs: number): void {
    checkTime(nowMs);
    if (estimate === null || this.#manualFactor !== undefined) return;
    const { driftPpm, standardErrorPpm } = estimate;
    if (!(standardErrorPpm < MAX_ERROR_PPM)) return;
    const significant = Math.abs(driftPpm) > SIGNIFICANT_ERRORS * standardErrorPpm;
    const bounded = Math.min(Math.max(driftPpm, -MAX_CORRECTION_PPM), MAX_CORRECTION_PPM);
    this.#moveTo(significant ? bounded : 0, SLEW_PPM_PER_MS, nowMs);
  }

  /**
   * The ratio at a moment; `nowMs` is not before that of the last change.
   * @param nowMs local monotonic ms
   * @throws TransportError `INVALID_DATA` when `nowMs` is not a finite number
   */
  ratioAt(nowMs: number): number {
    checkTime(nowMs);
    return 1 + this.#ppmAt(nowMs) * 1e-6;
  }

  /**
   * Correct by hand: the ratio goes to `factor` in a straight line over 100 ms and stays there; estimates change nothing
   * until `reset`. The factor that holds already does nothing.
   * @param factor 0.99 to 1.01
   * @param nowMs local monotonic ms
   * @throws TransportError `INVALID_CORRECTION_FACTOR` for another factor, `INVALID_DATA` when `nowMs` is not finite
   */
  apply(factor: number, nowMs: number): void {
    if (!(factor >= LEAST_FACTOR && factor <= LARGEST_FACTOR)) {
      const message = `factor must be ${LEAST_FACTOR} to ${LARGEST_FACTOR}, got ${String(factor)}`;
      throw new TransportError("INVALID_CORRECTION_FACTOR", message);
    }
    checkTime(nowMs);
    if (factor === this.#manualFactor) return;
    this.#manualFactor = factor;
    const toPpm = (factor - 1) * 1e6;
    this.#moveTo(toPpm, Math.abs(toPpm - this.#ppmAt(nowMs)) / RAMP_MS, nowMs);
  }

  /** Back to 1 at once, and automatic. Idempotent. */
  reset(): void {
    this.#fromPpm = this.#toPpm = 0;
    this.#manualFactor = undefined;
  }

  #moveTo(toPpm: number, ppmPerMs: number, nowMs: number): void {
    this.#fromPpm = this.#ppmAt(nowMs);
    this.#toPpm = toPpm;
    this.#sinceMs = nowMs;
    this.#ppmPerMs = ppmPerMs;
  }

  #ppmAt(nowMs: number): number {
    const distance = this.#toPpm - this.#fromPpm;
    const moved = Math.max(nowMs - this.#sinceMs, 0) * this.#ppmPerMs;
    return moved >= Math.abs(distance) ? this.#toPpm : this.#fromPpm + Math.sign(distance) * moved;
  }
}

function checkTime(nowMs: number): void {
  if (Number.isFinite(nowMs)) return;
  throw new TransportError("INVALID_DATA", `nowMs must be a finite number of milliseconds, got ${nowMs}`);
}
