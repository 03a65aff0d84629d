// RTP timestamps of one stream as times on the sender's wall clock, from whatever the sender tells: sender reports,
// beacons, capture times on frames. No network time enters. Pure.
import { isZeroNtp, ntpFromBigInt, ntpToUs } from "../rtp/ntp.ts";
import { Calibration } from "./calibration.ts";
import { CaptureTrack } from "./capture-track.ts";
import { ClockMap } from "./clock-map.ts";

/** Senders write abs-capture-time at least once a second; this far from a carrier it says nothing. */
const CAPTURE_REACH_S = 3;
/** Beacons come ten times as often as reports; a map this much older than the reports has lost its source. */
const BEACON_REACH_S = 20;
/** This close to a beacon its map is a measure for other clocks. */
const BEACON_FRESH_S = 5;
/** What an ordinary media clock may be off the nominal rate, away from a carrier. */
const USUAL_SKEW = 100e-6;
/** Two stamps of one clock part by more than this only when the clock was stepped, us. */
const STEP_US = 5000;

/**
 * The wall clock of one stream. Where beacons come, times are on the beacons' clock, the one that the clock exchange
 * compares with ours; other sources are calibrated to it. Ticks are unwrapped: exact integers of any size.
 */
export class StreamClock {
  readonly #clockRate: number;
  readonly #reports: ClockMap;
  readonly #beacons: ClockMap;
  readonly #captures: CaptureTrack;
  /** Clock of the reports, and of the captures, against that of the beacons. */
  readonly #reportOffset = new Calibration();
  readonly #captureOffset = new Calibration();
  #reportTicks = -Infinity;
  #beaconTicks = -Infinity;
  #referenceTs = 0;
  #referenceTicks = 0;
  #anchored = false;
  #anchorTicks = 0;
  #anchorUs = 0;
  #unwrapping = false;
  #steps = 0;

  /** @param clockRate ticks a second */
  constructor(clockRate: number) {
    this.#clockRate = clockRate;
    this.#reports = new ClockMap(clockRate);
    this.#beacons = new ClockMap(clockRate);
    this.#captures = new CaptureTrack(clockRate);
  }

  /** Whether the sender has told anything. */
  get mapped(): boolean {
    return this.#reports.count + this.#beacons.count + this.#captures.count > 0;
  }

  /** Whether beacons tell the time: then nothing else is on the clock that the exchange compares. */
  get hasBeacons(): boolean {
    return this.#beacons.count > 0;
  }

  /** How often the sender's clock has been stepped so far. */
  get steps(): number {
    return this.#steps;
  }

  /** Whether a frame has come, so that there is at least its arrival. */
  get anchored(): boolean {
    return this.#anchored;
  }

  /** Ticks of the newest frame. */
  get newestTicks(): number {
    return this.#referenceTicks;
  }

  /** Unwrapped ticks of a timestamp within 2^31 of the newest frame's. */
  ticksOf(rtpTimestamp: number): number {
    return this.#referenceTicks + ((rtpTimestamp - this.#referenceTs) | 0);
  }

  /** The RTP timestamp of unwrapped ticks, u32. */
  timestampOf(ticks: number): number {
    return (this.#referenceTs + ticks - this.#referenceTicks) >>> 0;
  }

  /**
   * A frame came, and is believed.
   * @param arrivalUs on the receiver's wall clock; that of the first one serves until the sender tells better
   */
  observeFrame(rtpTimestamp: number, arrivalUs: number): void {
    const ticks = this.ticksOf(rtpTimestamp);
    if (!this.#anchored) {
      this.#anchored = true;
      this.#anchorTicks = ticks;
      this.#anchorUs = arrivalUs;
    } else if (ticks < this.#referenceTicks) return;
    this.#moveReference(rtpTimestamp, ticks);
  }

  /** A sender report. @param us its NTP time, Unix us. @returns whether the map uses it */
  addReport(rtpTimestamp: number, us: number): boolean {
    const ticks = this.#place(rtpTimestamp);
    const fate = this.#reports.add(ticks, us);
    if (fate !== "used" && fate !== "step") return false;
    if (fate === "step") this.#steps++;
    this.#reportTicks = ticks;
    const isFresh = Math.abs(ticks - this.#beaconTicks) <= BEACON_FRESH_S * this.#clockRate;
    if (this.#beacons.count === 0 || !isFresh) return true;
    if (fate === "step") this.#reportOffset.reset();
    this.#reportOffset.add(us - this.#beacons.wallUs(ticks));
    return true;
  }

  /** A beacon. @param us its capture time, Unix us. @returns whether the map uses it */
  addBeacon(rtpTimestamp: number, us: number): boolean {
    const ticks = this.#place(rtpTimestamp);
    const fate = this.#beacons.add(ticks, us);
    if (fate !== "used" && fate !== "step") return false;
    if (fate === "step") {
      this.#steps++;
      this.#reportOffset.reset();
      this.#captureOffset.reset();
    }
    this.#beaconTicks = ticks;
    if (this.#reaches(ticks)) this.#captureOffset.add(this.#captures.captureUs(ticks) - us);
    return true;
  }

  /** A frame carries its capture time. @param us Unix us on the sender's capture clock */
  addCapture(rtpTimestamp: number, us: number): void {
    const ticks = this.#place(rtpTimestamp);
    if (this.#reaches(ticks) && Math.abs(us - this.#captures.captureUs(ticks)) > STEP_US) {
      // Across a step of the capture clock neither interpolation nor the old calibration holds.
      this.#steps++;
      this.#captures.reset();
      this.#captureOffset.reset();
    }
    this.#captures.add(ticks, us);
  }

  /** The sender's wall clock at `ticks`, Unix us, by the best source at hand. Meaningless unless {@link mapped}. */
  wallUs(ticks: number): number {
    if (this.#usesCaptures(ticks)) return this.#captures.captureUs(ticks) - this.#captureOffset.median;
    if (this.#usesBeacons(ticks)) return this.#beacons.wallUs(ticks);
    if (this.#reports.count > 0) return this.#reports.wallUs(ticks) - this.#reportOffset.median;
    return this.#captures.captureUs(ticks);
  }

  /** How far off {@link wallUs} may be against the sender's own clock, us. */
  residualUs(ticks: number): number {
    if (this.#usesCaptures(ticks)) {
      const awayTicks = Math.max(0, ticks - this.#captures.newestTicks);
      return this.#captureOffset.spread + (USUAL_SKEW * awayTicks * 1e6) / this.#clockRate;
    }
    if (this.#usesBeacons(ticks)) return this.#beacons.residualUs(ticks);
    if (this.#reports.count > 0) return this.#reports.residualUs(ticks) + this.#reportOffset.spread;
    return STEP_US;
  }

  /** The time at which a frame with `ticks` would have come if it travelled as the first one did, receiver's clock, us. */
  anchorUs(ticks: number): number {
    return this.#anchorUs + ((ticks - this.#anchorTicks) * 1e6) / this.#clockRate;
  }

  /** Forget everything: another timeline begins. */
  reset(): void {
    this.#reports.reset();
    this.#beacons.reset();
    this.#captures.reset();
    this.#reportOffset.reset();
    this.#captureOffset.reset();
    this.#reportTicks = this.#beaconTicks = -Infinity;
    this.#anchored = this.#unwrapping = false;
  }

  // Only frames move the reference, for two forged reports could carry it round the circle; before the first frame
  // there is nothing else to go by.
  #place(rtpTimestamp: number): number {
    const ticks = this.ticksOf(rtpTimestamp);
    if (!this.#unwrapping) this.#moveReference(rtpTimestamp, ticks);
    return ticks;
  }

  #moveReference(rtpTimestamp: number, ticks: number): void {
    this.#unwrapping = true;
    this.#referenceTs = rtpTimestamp | 0;
    this.#referenceTicks = ticks;
  }

  #reaches(ticks: number): boolean {
    return Math.abs(ticks - this.#captures.newestTicks) <= CAPTURE_REACH_S * this.#clockRate;
  }

  #usesCaptures(ticks: number): boolean {
    return this.#reaches(ticks) && (this.#beacons.count === 0 || this.#captureOffset.count > 0);
  }

  #usesBeacons(ticks: number): boolean {
    if (this.#beacons.count === 0) return false;
    const silentTicks = Math.max(this.#reportTicks, ticks) - this.#beaconTicks;
    const replaced = this.#reportOffset.count > 0 && this.#reportTicks > this.#beaconTicks;
    return !(replaced && silentTicks > BEACON_REACH_S * this.#clockRate);
  }
}

/** As `ntpToUs`; undefined for zero, which means no time at all, since it may come from the network. */
export function unixUsOf(ntp: bigint): number | undefined {
  return isZeroNtp(ntpFromBigInt(ntp)) ? undefined : ntpToUs(ntp);
}
