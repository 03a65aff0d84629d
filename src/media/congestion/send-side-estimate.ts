// The estimate from arrival times: what a path carries, by its delay and its loss, whichever allows less
// (draft-ietf-rmcat-gcc-02), and by probes. Pure numbers.
import type { TransportFeedback } from "../../rtp/rtcp/transport-cc.ts";
import { AckedRate } from "./acked-rate.ts";
import { DelayTrend } from "./delay-trend.ts";
import type { PathUsage } from "./delay-trend.ts";
import { LossControl } from "./loss-control.ts";
import { PacketGroups } from "./packet-groups.ts";
import type { ProbeOrder } from "./probe-cluster.ts";
import { Probing } from "./probing.ts";
import { RateControl } from "./rate-control.ts";
import { SendHistory } from "./send-history.ts";
import type { HistoryCounters, PacketOutcome } from "./send-history.ts";
import { StandingDelay } from "./standing-delay.ts";

/** The rate of arrival now, for going down: longer would still hold what passed before the link got worse, ms. */
const ACKED_NOW_MS = 200;
/** Longer while the queue is short, as then the rate is not far off and jitter moves packets in and out of a window. */
const ACKED_CALM_MS = 500;
/** And of late, for what was proved: a few frames and what lies between them, ms. */
const ACKED_MEAN_MS = 800;

/** What is sent follows the rate so much later, as frames are coded and the pacer holds some of them, ms. */
const REACTION_MS = 150;

/** A queue longer than this is no longer short, ms. */
const LONG_QUEUE_MS = 60;

/** From this share of the most on, nothing is left to find: a probe at the most measures a little less than that. */
const NEAR_MOST = 0.95;

/** A growing delay is jitter as long as some packets come within so much of an empty path, ms. */
const STANDING_MS = 8;

/** Without a word about what is under way for so long, the path is taken to be worse than it was, ms ... */
const SILENCE_MS = 1_000;
/** ... by so much. */
const SILENCE_FACTOR = 0.7;

/** Until one is known. */
const FIRST_ROUND_TRIP_MS = 100;

/** Bounds the rate is kept in, kbit/s. */
export interface RateBounds {
  readonly minKbps: number;
  readonly maxKbps: number;
}

/** The estimate of one path whose receiver tells arrival times. */
export class SendSideEstimate {
  readonly #history = new SendHistory();
  readonly #groups = new PacketGroups();
  readonly #trend = new DelayTrend();
  readonly #standing = new StandingDelay();
  readonly #acked = new AckedRate();
  readonly #loss = new LossControl();
  readonly #probing = new Probing();
  readonly #rate: RateControl;
  #bounds: RateBounds;
  /** Since when nothing was heard of what is under way; Infinity when nothing is, or nothing was ever heard. */
  #silentSinceMs = Infinity;
  #begun = false;
  #heard = false;

  constructor(startKbps: number, bounds: RateBounds) {
    this.#rate = new RateControl(startKbps);
    this.#bounds = bounds;
  }

  /** Kbit/s, within the bounds. */
  get kbps(): number {
    return this.#clamp(Math.min(this.#rate.kbps, this.#loss.boundKbps));
  }

  /** A long queue stands in the path. */
  get queued(): boolean {
    return this.#standing.delayMs > LONG_QUEUE_MS;
  }

  /** When {@link silence} is due; Infinity for never. */
  get silenceMs(): number {
    return this.#silentSinceMs + SILENCE_MS;
  }

  get counters(): HistoryCounters {
    return this.#history.counters;
  }

  /** Clusters to be sent, in order. */
  pollProbe(): ProbeOrder | undefined {
    return this.#probing.poll();
  }

  bound(bounds: RateBounds, nowMs: number): void {
    this.#bounds = bounds;
    this.#rate.set(this.#clamp(this.#rate.kbps), nowMs);
  }

  /** A packet left. */
  sent(sequenceNumber: number, byteLength: number, clusterId: number | undefined, nowMs: number): void {
    if (!this.#begun) this.#probe(FIRST_ROUND_TRIP_MS, nowMs);
    this.#begun = true;
    this.#history.add(sequenceNumber, byteLength, nowMs, clusterId);
    if (this.#heard && this.#silentSinceMs === Infinity) this.#silentSinceMs = nowMs;
  }

  /** Feedback came. */
  hear(feedback: TransportFeedback, roundTripMs: number, nowMs: number): void {
    const outcomes = this.#history.match(feedback, nowMs);
    if (outcomes.length === 0) return;
    this.#heard = true;
    this.#silentSinceMs = this.#history.inFlightBytes > 0 ? nowMs : Infinity;
    for (const outcome of outcomes) this.#take(outcome, nowMs);
    const usedKbps = this.kbps;
    const situation = {
      usage: this.#usage,
      ackedKbps: this.#ackedKbps,
      meanAckedKbps: this.#acked.kbps(ACKED_MEAN_MS),
      roundTripMs,
      shortQueue: !this.queued,
    };
    const { decreasedMs } = this.#rate;
    this.#rate.update(situation, nowMs);
    if (this.#rate.decreasedMs !== decreasedMs) this.#loss.restart();
    this.#takeProbe(nowMs);
    this.#rate.set(this.#clamp(this.#rate.kbps), nowMs);
    this.#loss.update(usedKbps, roundTripMs, nowMs);
    this.#loss.release(this.#rate.kbps);
    this.#probe(roundTripMs, nowMs);
  }

  /** The receiver counts loss too; without arrival times it is all there is. */
  report(lossRate: number, packets: number, roundTripMs: number, nowMs: number): void {
    if (this.#heard) return;
    this.#loss.count(lossRate * packets, packets, nowMs);
    this.#loss.update(this.kbps, roundTripMs, nowMs);
  }

  /** Nothing was heard up to {@link silenceMs}. */
  silence(nowMs: number): void {
    // From the next packet on: one who sends nothing more hears nothing more.
    this.#silentSinceMs = Infinity;
    this.#rate.set(this.#clamp(this.#rate.kbps * SILENCE_FACTOR), nowMs);
  }

  get #usage(): PathUsage {
    const { usage } = this.#trend;
    return usage === "overusing" && this.#standing.delayMs < Math.max(STANDING_MS, this.#standing.spreadMs)
      ? "normal"
      : usage;
  }

  get #ackedKbps(): number | undefined {
    const kbps = this.#acked.kbps(ACKED_NOW_MS);
    if (kbps === undefined || this.queued) return kbps;
    return Math.max(kbps, this.#acked.kbps(ACKED_CALM_MS) ?? 0);
  }

  get #decreasedMs(): number {
    return Math.max(this.#rate.decreasedMs, this.#loss.decreasedMs);
  }

  #take(outcome: PacketOutcome, nowMs: number): void {
    const { byteLength, sentMs, arrivalMs } = outcome;
    // What was sent before the rate was lowered speaks of the rate before.
    if (sentMs > this.#decreasedMs + REACTION_MS) {
      if (outcome.late) this.#loss.count(-1, 0, nowMs);
      else this.#loss.count(arrivalMs === undefined ? 1 : 0, 1, nowMs);
    }
    if (arrivalMs === undefined) return;
    this.#standing.add(sentMs, arrivalMs);
    this.#acked.add(arrivalMs, byteLength);
    this.#probing.hear(outcome);
    const delta = this.#groups.add(sentMs, arrivalMs);
    if (delta !== undefined) this.#trend.add(delta);
  }

  #takeProbe(nowMs: number): void {
    const kbps = this.#probing.takeResult();
    if (kbps === undefined || kbps <= this.kbps || this.#usage === "overusing") return;
    // What was seen to pass overrules either reason for less.
    this.#rate.set(Math.max(kbps, this.#rate.kbps), nowMs);
    this.#loss.raise(kbps);
  }

  #probe(roundTripMs: number, nowMs: number): void {
    if (this.kbps >= NEAR_MOST * this.#bounds.maxKbps) return;
    const situation = {
      roundTripMs,
      kbps: this.kbps,
      maxKbps: this.#bounds.maxKbps,
      decreasedMs: this.#decreasedMs,
      congested: this.#usage === "overusing" || this.queued,
    };
    this.#probing.update(situation, nowMs);
  }

  #clamp(kbps: number): number {
    return Math.min(this.#bounds.maxKbps, Math.max(this.#bounds.minKbps, kbps));
  }
}
