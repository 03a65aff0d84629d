// Clock drift of one medium of one peer over the WebAssembly kernel: RTP timestamps and times go in, the speed of the
// sender's media clock against ours comes out, with its standard error. Sets no timer and reads no clock.
import { TransportError } from "../errors/errors.ts";
import type { Arena } from "./arena.ts";
import { DRIFT_ERROR, DRIFT_MAX_BIN_MS, DRIFT_SLOPE, DRIFT_SPAN_MS } from "./generated/layout.ts";
import { arithmeticKernels } from "./instantiate.ts";
import { MediaTimeline } from "./media-timeline.ts";
import { claimRegion, releaseRegion } from "./regions.ts";
import type { Region } from "./regions.ts";

const DEFAULT_CLOCK_RATE = 48_000;
const MIN_CLOCK_RATE = 1000;
const MAX_CLOCK_RATE = 384_000;
const DEFAULT_THRESHOLD_PPM = 100;
const LEAST_OBSERVATIONS = 10;
/** Real clocks differ by up to 450 ppm and a little more; what lies beyond is held here. */
const MAX_DRIFT_PPM = 1500;
/** No clock is so wrong: another clock rate than the stated one, or no clock at all. */
const ABSURD_DRIFT_PPM = 10_000;
const LEAST_FACTOR = 0.99;
const LARGEST_FACTOR = 1.01;
/** Standard error at which the confidence is one half. */
const HALF_CONFIDENCE_PPM = 50;
/** Standard error below which an estimate may be applied. */
const CONVERGED_PPM = 20;
/** A queue on the path takes seconds to come and go; in less time its slope passes for drift. */
const CONVERGED_SPAN_MS = 10_000;
/** Stands for "nothing is known". */
const UNKNOWN_ERROR_PPM = 1e6;

/** 128 bins at most: the estimate looks back over six to eight minutes; older drift says little about today's. */
const MAX_BIN_MS = 4000;
/** The last 24 to 32 s, held against the whole to notice that a clock has changed its rate. */
const RECENT_BIN_MS = 250;
const RECENT_SPAN_MS = 15_000;
/** The recent past counts for itself when so sure, and so many standard errors away from the whole. */
const RATE_STEP_ERROR_PPM = 10;
const RATE_STEP_ERRORS = 5;
/** What the temperature of a room does to a clock is no step. */
const LEAST_RATE_STEP_PPM = 1;

/** Two capture times in a row that differ by more from the ones before are a step of the sender's clock. */
const CAPTURE_STEP_MS = 100;
/** Capture times absent for this long (several sender reports) leave the field to arrivals. */
const CAPTURE_TIMEOUT_MS = 30_000;
/** Units of a 64-bit NTP timestamp in a millisecond. */
const NTP_UNITS_PER_MS = 2 ** 32 / 1000;
const NTP_BITS = 64;

/** What to do about a drift: nothing, watch it, correct it, or doubt it. */
export type DriftAction = "none" | "monitor" | "adjust" | "investigate";

interface Fit {
  readonly ppm: number;
  readonly standardErrorPpm: number;
  readonly spanMs: number;
}

const UNKNOWN: Fit = { ppm: 0, standardErrorPpm: UNKNOWN_ERROR_PPM, spanMs: 0 };

/** Speed of a sender's media clock against the local one. */
export interface ClockDriftEstimate {
  /** Parts per million, within +-1500; > 0: the sender's clock is fast. */
  readonly driftPpm: number;
  /** Standard error of `driftPpm`; 1e6 when nothing is known yet. */
  readonly standardErrorPpm: number;
  /** Observations since the start or the last reset. */
  readonly sampleCount: number;
  /** Playback rate that keeps pace with the sender: 1 + driftPpm * 1e-6, within 0.99 to 1.01. */
  readonly correctionFactor: number;
  /** 0 to 1: 1 / (1 + standardErrorPpm / 50). */
  readonly confidence: number;
  /**
   * `investigate` below a confidence of 0.5 or beyond 10,000 ppm (before the clamp); else `none` below half the
   * threshold, `monitor` below it, `adjust` from it on.
   */
  readonly recommendedAction: DriftAction;
  /** The estimate rests on 10 s or more and its standard error is below 20 ppm. */
  readonly converged: boolean;
}

/** Settings of a {@link ClockDriftEstimator}. */
export interface ClockDriftOptions {
  /** Ticks a second of the RTP timestamps, 1000 to 384,000. Default 48000. */
  clockRate?: number;
  /** Drift from which `adjust` is recommended, ppm, above 0. Default 100. */
  thresholdPpm?: number;
  /** Where it lives. Default: a pool of this realm. */
  arena?: Arena;
}

/**
 * Drift of one medium, robust against queueing, bursts and route changes: the slope through the least delays of short
 * bins (Theil-Sen, within pieces between level shifts). Looks back over the last six to eight minutes, or less: when the
 * last half minute contradicts them, they are forgotten. So ask every second or so. One estimator for each medium of a
 * peer; `reset()` for a new SSRC; `close()` gives the memory back.
 *
 * With capture times the media clock is put against them, next to free of network noise; without, against arrivals.
 * While capture times keep coming, observations without one count but add no point; 30 s after the last, arrivals serve
 * again. Both never stand in one piece, so an unknown offset between them does no harm.
 */
export class ClockDriftEstimator {
  readonly peerId: string;
  readonly #clockRate: number;
  readonly #thresholdPpm: number;
  readonly #region: Region;
  readonly #arena: Arena;
  /** Addresses of the two kernels. */
  readonly #whole: number;
  readonly #recent: number;
  readonly #timeline: MediaTimeline;
  #sampleCount = 0;
  #capture: { originNtp: bigint; lastMs: number; lastD: number; suspect: boolean } | undefined;
  #stale = true;
  #fitted: Fit = UNKNOWN;
  #closed = false;

  /**
   * @throws TransportError `INVALID_CONFIG` for an option out of range, `LIMIT_EXCEEDED` when the arena is full,
   *   `NOT_SUPPORTED` where WebAssembly is missing
   */
  constructor(peerId: string, options: ClockDriftOptions = {}) {
    const { clockRate = DEFAULT_CLOCK_RATE, thresholdPpm = DEFAULT_THRESHOLD_PPM, arena } = options;
    const rateInRange = clockRate >= MIN_CLOCK_RATE && clockRate <= MAX_CLOCK_RATE;
    if (!Number.isInteger(clockRate) || !rateInRange) {
      const range = `an integer from ${MIN_CLOCK_RATE} to ${MAX_CLOCK_RATE}`;
      throw new TransportError("INVALID_CONFIG", `clockRate must be ${range}, got ${clockRate}`);
    }
    if (!(Number.isFinite(thresholdPpm) && thresholdPpm > 0)) {
      throw new TransportError("INVALID_CONFIG", `thresholdPpm must be above 0, got ${thresholdPpm}`);
    }
    this.peerId = peerId;
    this.#clockRate = clockRate;
    this.#thresholdPpm = thresholdPpm;
    this.#timeline = new MediaTimeline(clockRate);
    const kernelBytes = arithmeticKernels().driftBytes();
    this.#region = claimRegion(2 * kernelBytes, arena);
    this.#arena = this.#region.arena;
    this.#reserveScratch();
    this.#whole = this.#region.address;
    this.#recent = this.#whole + kernelBytes;
    this.#clear();
  }

  /** Whether `close()` has been called. Every method but `close` throws `ALREADY_SHUTDOWN` from then on. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Observations since the start or the last reset; ones that contradict the others do not count. */
  get sampleCount(): number {
    return this.#sampleCount;
  }

  /** Ticks of the sender's media clock in one second of ours; the nominal rate until there is an estimate. */
  get senderRate(): number {
    return this.#clockRate * (1 + (this.estimateDrift()?.driftPpm ?? 0) * 1e-6);
  }

  /** Ticks of the media clock in one second as the receiver counts them: the nominal rate. */
  get receiverRate(): number {
    return this.#clockRate;
  }

  /**
   * Take in one packet, frame or sender report. Timestamps may come out of order and wrap. When RTP and arrival part by
   * more than 1 s on two observations in a row, everything begins anew; a step of the capture clock alone begins a new
   * piece.
   * @param rtpTimestamp u32
   * @param ntp 64-bit NTP time of that timestamp on the sender's wall clock, less the clock offset when it is known (an
   *   uncorrected one measures the media clock against the sender's own wall clock); null or 0 for none
   * @param receivedAtMs local monotonic ms
   * @throws TransportError `INVALID_DATA` when a number is not finite or `ntp` is not a bigint of 64 bits
   */
  addObservation(rtpTimestamp: number, ntp: bigint | null, receivedAtMs: number): void {
    this.#open();
    checkFinite("rtpTimestamp", rtpTimestamp);
    checkFinite("receivedAtMs", receivedAtMs);
    checkNtp(ntp);
    const step = this.#timeline.follow(rtpTimestamp >>> 0, receivedAtMs);
    if (step === "suspect") return;
    if (step === "restarted") this.#clear();
    this.#sampleCount++;
    if (ntp === null || ntp === 0n) this.#addArrival();
    else this.#addCapture(ntp);
  }

  /**
   * The drift as of now; computed when new points have come since the last call, else free.
   * @returns null below 10 observations
   */
  estimateDrift(): ClockDriftEstimate | null {
    this.#open();
    if (this.#sampleCount < LEAST_OBSERVATIONS) return null;
    if (this.#stale) this.#fitted = this.#fit();
    this.#stale = false;
    const { ppm, standardErrorPpm, spanMs } = this.#fitted;
    const driftPpm = clamp(ppm, -MAX_DRIFT_PPM, MAX_DRIFT_PPM);
    const confidence = 1 / (1 + standardErrorPpm / HALF_CONFIDENCE_PPM);
    return {
      driftPpm,
      standardErrorPpm,
      sampleCount: this.#sampleCount,
      correctionFactor: clamp(1 + driftPpm * 1e-6, LEAST_FACTOR, LARGEST_FACTOR),
      confidence,
      recommendedAction: driftAction(ppm, confidence, this.#thresholdPpm),
      converged: standardErrorPpm < CONVERGED_PPM && spanMs >= CONVERGED_SPAN_MS,
    };
  }

  /** Forget all observations. Idempotent. */
  reset(): void {
    this.#open();
    this.#timeline.reset();
    this.#clear();
  }

  /** Give the memory back. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    releaseRegion(this.#region);
  }

  // Later the arena may be full: better to know now.
  #reserveScratch(): void {
    try {
      this.#arena.scratch(this.#arena.kernels.driftScratchBytes());
    } catch (error) {
      releaseRegion(this.#region);
      throw error;
    }
  }

  #clear(): void {
    const { kernels } = this.#arena;
    kernels.initDrift(this.#whole, 1000 / this.#clockRate, MAX_BIN_MS);
    kernels.initDrift(this.#recent, 1000 / this.#clockRate, RECENT_BIN_MS);
    this.#sampleCount = 0;
    this.#capture = undefined;
    this.#stale = true;
  }

  #addArrival(): void {
    const { elapsedMs, mediaMs } = this.#timeline;
    if (this.#capture !== undefined) {
      // Next to capture times an arrival only adds noise.
      if (elapsedMs - this.#capture.lastMs < CAPTURE_TIMEOUT_MS) return;
      this.#capture = undefined;
      this.#cut();
    }
    this.#keep(elapsedMs - mediaMs);
  }

  #addCapture(ntp: bigint): void {
    const { elapsedMs, mediaMs } = this.#timeline;
    let capture = this.#capture;
    let d = capture === undefined ? 0 : ntpDistanceMs(ntp, capture.originNtp) - mediaMs;
    if (capture !== undefined && steps(d - capture.lastD, elapsedMs - capture.lastMs)) {
      // One stray capture time is passed over, two are a step of the sender's clock.
      if (!capture.suspect) {
        capture.suspect = true;
        return;
      }
      capture = undefined;
    }
    if (capture === undefined) {
      this.#cut();
      capture = { originNtp: ntp, lastMs: 0, lastD: 0, suspect: false };
      d = -mediaMs;
      this.#capture = capture;
    }
    capture.lastMs = elapsedMs;
    capture.lastD = d;
    capture.suspect = false;
    this.#keep(d);
  }

  #keep(d: number): void {
    const { kernels } = this.#arena;
    const { elapsedMs, mediaMs } = this.#timeline;
    kernels.addDrift(this.#whole, elapsedMs, mediaMs, d);
    if (kernels.addDrift(this.#recent, elapsedMs, mediaMs, d) !== 0) this.#stale = true;
  }

  #cut(): void {
    this.#arena.kernels.cutDrift(this.#whole);
    this.#arena.kernels.cutDrift(this.#recent);
    this.#stale = true;
  }

  #fit(): Fit {
    const whole = this.#fitOf(this.#whole);
    const recent = this.#fitOf(this.#recent);
    if (!rateStepped(whole, recent)) return whole;
    this.#arena.bytes.copyWithin(this.#whole, this.#recent, 2 * this.#recent - this.#whole);
    this.#arena.doubles[(this.#whole + DRIFT_MAX_BIN_MS) >> 3] = MAX_BIN_MS;
    return recent;
  }

  #fitOf(drift: number): Fit {
    const { kernels, doubles } = this.#arena;
    const scratch = this.#arena.scratch(kernels.driftScratchBytes());
    if (kernels.estimateDrift(drift, scratch) === 0) return UNKNOWN;
    const result = (offset: number): number => doubles[(drift + offset) >> 3] as number;
    return {
      ppm: (1 / (1 + result(DRIFT_SLOPE)) - 1) * 1e6,
      standardErrorPpm: Math.min(result(DRIFT_ERROR) * 1e6, UNKNOWN_ERROR_PPM),
      spanMs: result(DRIFT_SPAN_MS),
    };
  }

  #open(): void {
    if (!this.#closed) return;
    throw new TransportError("ALREADY_SHUTDOWN", "the drift estimator is closed", {
      suggestion: "Create a new ClockDriftEstimator.",
    });
  }
}

function rateStepped(whole: Fit, recent: Fit): boolean {
  if (recent.spanMs < RECENT_SPAN_MS || recent.standardErrorPpm > RATE_STEP_ERROR_PPM) return false;
  const apart = Math.abs(recent.ppm - whole.ppm);
  const error = Math.hypot(recent.standardErrorPpm, whole.standardErrorPpm);
  return apart > Math.max(RATE_STEP_ERRORS * error, LEAST_RATE_STEP_PPM);
}

function driftAction(driftPpm: number, confidence: number, thresholdPpm: number): DriftAction {
  const drift = Math.abs(driftPpm);
  if (confidence < 0.5 || drift > ABSURD_DRIFT_PPM) return "investigate";
  if (drift < thresholdPpm / 2) return "none";
  return drift < thresholdPpm ? "monitor" : "adjust";
}

function steps(changeMs: number, apartMs: number): boolean {
  return Math.abs(changeMs) > CAPTURE_STEP_MS + MAX_DRIFT_PPM * 1e-6 * Math.abs(apartMs);
}

/** Signed; eras wrap. */
function ntpDistanceMs(ntp: bigint, earlier: bigint): number {
  return Number(BigInt.asIntN(NTP_BITS, ntp - earlier)) / NTP_UNITS_PER_MS;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}

function checkFinite(name: string, value: number): void {
  if (Number.isFinite(value)) return;
  throw new TransportError("INVALID_DATA", `${name} must be a finite number, got ${value}`);
}

function checkNtp(ntp: bigint | null): void {
  if (ntp === null || (typeof ntp === "bigint" && BigInt.asUintN(NTP_BITS, ntp) === ntp)) return;
  throw new TransportError("INVALID_DATA", `ntp must be a bigint of 64 bits or null, got ${String(ntp)}`);
}
