// How fast one medium's clock runs against ours: from arrivals always, and from capture times where clocks were
// compared. Reads no clock.
import { ntpToBigInt, unixUsToNtp } from "../rtp/ntp.ts";
import type { Arena } from "../wasm/arena.ts";
import { ClockDriftEstimator } from "../wasm/clock-drift.ts";
import type { ClockDriftEstimate } from "../wasm/clock-drift.ts";
import { allOrNone } from "./all-or-none.ts";

/** Two estimates of one thing agree within this many standard errors of their difference. */
const AGREEMENT_ERRORS = 3;
/** And this much besides, ppm: on wide jitter the standard error of arrivals is too small (seen: 7 ppm at 1.9). */
const AGREEMENT_PPM = 10;
/** What NTP timestamps reach, Unix us: a capture time outside is no measurement. */
const LATEST_US = 4e15;

/** Settings of a {@link LaneDrift}. */
export interface LaneDriftOptions {
  readonly peerId: string;
  /** Ticks a second. */
  readonly clockRate: number;
  /** See `SyncConfig.driftCorrectionThresholdPpm`. */
  readonly thresholdPpm: number;
  readonly arena: Arena | undefined;
}

/** Drift of one medium from two sources, told as one estimate. */
export class LaneDrift {
  readonly #arrivals: ClockDriftEstimator;
  readonly #captures: ClockDriftEstimator;

  /** @throws TransportError `LIMIT_EXCEEDED` when the arena is full */
  constructor({ peerId, clockRate, thresholdPpm, arena }: LaneDriftOptions) {
    const options = { clockRate, thresholdPpm, ...(arena === undefined ? {} : { arena }) };
    const make = (): ClockDriftEstimator => new ClockDriftEstimator(peerId, options);
    [this.#arrivals, this.#captures] = allOrNone(make, make);
  }

  /** A frame came. */
  observeArrival(rtpTimestamp: number, receivedAtMs: number): void {
    this.#arrivals.addObservation(rtpTimestamp, null, receivedAtMs);
  }

  /** The sender told when a timestamp was captured. @param captureUs on the receiver's clock, Unix us */
  observeCapture(rtpTimestamp: number, captureUs: number, receivedAtMs: number): void {
    if (!(captureUs > 0 && captureUs < LATEST_US)) return;
    this.#captures.addObservation(rtpTimestamp, ntpToBigInt(unixUsToNtp(captureUs)), receivedAtMs);
  }

  /**
   * The estimate from arrivals, or that from capture times when it is the surer one and agrees: within 3 standard errors
   * and 10 ppm. Comparing clocks has noise of its own.
   * @returns null below 10 observations
   */
  estimate(): ClockDriftEstimate | null {
    const arrivals = this.#arrivals.estimateDrift();
    const captures = this.#captures.estimateDrift();
    if (arrivals === null || captures === null || !captures.converged) return arrivals;
    const errorPpm = Math.hypot(arrivals.standardErrorPpm, captures.standardErrorPpm);
    const agree =
      Math.abs(arrivals.driftPpm - captures.driftPpm) <= AGREEMENT_ERRORS * errorPpm + AGREEMENT_PPM;
    return agree && captures.standardErrorPpm < arrivals.standardErrorPpm ? captures : arrivals;
  }

  /** Another timeline begins. */
  reset(): void {
    this.#arrivals.reset();
    this.#captures.reset();
  }

  /** Give the memory back. Idempotent. */
  close(): void {
    this.#arrivals.close();
    this.#captures.close();
  }
}
