// How much may be sent to one peer: puts together what the other side tells - when packets arrived, what it estimates
// itself, or just loss - into one rate, and asks for probes where more might pass. Sends and encodes nothing.
import type { TransportFeedback } from "../../rtp/rtcp/transport-cc.ts";
import type { Machine } from "../../runtime/machine.ts";
import { LossControl } from "./loss-control.ts";
import { LossRttRule } from "./loss-rtt-rule.ts";
import type { ProbeOrder } from "./probe-cluster.ts";
import { SendSideEstimate } from "./send-side-estimate.ts";
import type { HistoryCounters } from "./send-history.ts";

/** What was negotiated (`a=rtcp-fb`): arrival times of packets, the receiver's own estimate, or neither. */
export type FeedbackKind = "transport-cc" | "remb" | "none";

/** The rates an estimate moves between, kbit/s: `minKbps <= startKbps <= maxKbps`. */
export interface BandwidthOptions {
  readonly feedback: FeedbackKind;
  readonly minKbps: number;
  readonly startKbps: number;
  readonly maxKbps: number;
}

/** What an estimate is made of. */
export type BandwidthInput =
  /** A packet left at `nowMs` under this transport-wide number; `byteLength` as on the wire. */
  | {
      readonly type: "packet-sent";
      readonly sequenceNumber: number;
      readonly byteLength: number;
      readonly clusterId: number | undefined;
    }
  | { readonly type: "feedback"; readonly feedback: TransportFeedback }
  | { readonly type: "round-trip"; readonly roundTripMs: number }
  | { readonly type: "remb"; readonly kbps: number }
  /** A report block: share lost since the last one, 0 to 1, of so many packets as were sent since. */
  | { readonly type: "receiver-report"; readonly lossRate: number; readonly packets: number }
  /** Other bounds from now on. */
  | { readonly type: "bounds"; readonly minKbps: number; readonly maxKbps: number };

/**
 * The rate has changed by 1 % or more, or whether a long queue stands in the path; or a cluster shall be sent. While the
 * queue stands, whatever is sent faster than the rate finds no room in it.
 */
export type BandwidthOutput =
  { readonly type: "target"; readonly kbps: number; readonly queued: boolean } | ProbeOrder;

/** Changes below this share are kept to ourselves. */
const TOLD_SHARE = 0.01;

/** Round-trip time until one is known, ms. */
const DEFAULT_ROUND_TRIP_MS = 100;

type Report = Extract<BandwidthInput, { type: "receiver-report" }>;

/** One estimate for one peer. */
export class BandwidthEstimator implements Machine<BandwidthInput, BandwidthOutput> {
  readonly #outputs: BandwidthOutput[] = [];
  readonly #startKbps: number;
  readonly #sendSide: SendSideEstimate | undefined;
  readonly #rule: LossRttRule | undefined;
  /** Bounds what the receiver estimates; where arrival times are told, the send side has its own. */
  readonly #loss = new LossControl();
  #bounds: { readonly minKbps: number; readonly maxKbps: number };
  #toldKbps = NaN;
  #toldQueued = false;
  #rembKbps: number | undefined;
  #roundTripMs: number | undefined;

  constructor({ feedback, minKbps, startKbps, maxKbps }: BandwidthOptions) {
    this.#startKbps = startKbps;
    this.#bounds = { minKbps, maxKbps };
    if (feedback === "transport-cc") this.#sendSide = new SendSideEstimate(startKbps, this.#bounds);
    else if (feedback === "none") this.#rule = new LossRttRule(startKbps);
    this.#tell();
  }

  /** What may be sent to this peer in all, retransmissions and padding included, kbit/s. */
  get targetKbps(): number {
    const { minKbps, maxKbps } = this.#bounds;
    const ownKbps = this.#sendSide?.kbps ?? this.#rule?.kbps;
    // The receiver's estimate goes no further ahead of what arrives than ours would, so it may be taken as it comes.
    const kbps = Math.min(
      ownKbps ?? Infinity,
      this.#rembKbps ?? ownKbps ?? this.#startKbps,
      this.#loss.boundKbps,
    );
    return Math.min(maxKbps, Math.max(minKbps, kbps));
  }

  /** Of the feedback so far; undefined where none was negotiated. */
  get counters(): HistoryCounters | undefined {
    return this.#sendSide?.counters;
  }

  get deadlineMs(): number {
    return this.#sendSide?.silenceMs ?? Infinity;
  }

  poll(): BandwidthOutput | undefined {
    return this.#outputs.shift();
  }

  handle(input: BandwidthInput | { readonly type: "timeout" }, nowMs: number): void {
    switch (input.type) {
      case "packet-sent":
        this.#sendSide?.sent(input.sequenceNumber & 0xffff, input.byteLength, input.clusterId, nowMs);
        break;
      case "feedback":
        this.#sendSide?.hear(input.feedback, this.#roundTripMs ?? DEFAULT_ROUND_TRIP_MS, nowMs);
        break;
      case "round-trip":
        this.#roundTripMs = Math.max(0, input.roundTripMs);
        break;
      case "remb":
        this.#rembKbps = input.kbps;
        break;
      case "receiver-report":
        this.#report(input, nowMs);
        break;
      case "bounds":
        this.#bounds = { minKbps: input.minKbps, maxKbps: input.maxKbps };
        this.#sendSide?.bound(this.#bounds, nowMs);
        this.#rule?.clamp(input.minKbps, input.maxKbps);
        break;
      case "timeout":
        if (nowMs >= this.deadlineMs) this.#sendSide?.silence(nowMs);
    }
    for (let order = this.#sendSide?.pollProbe(); order !== undefined; order = this.#sendSide?.pollProbe()) {
      this.#outputs.push(order);
    }
    this.#tell();
  }

  #report({ lossRate, packets }: Report, nowMs: number): void {
    const roundTripMs = this.#roundTripMs ?? DEFAULT_ROUND_TRIP_MS;
    this.#sendSide?.report(lossRate, packets, roundTripMs, nowMs);
    this.#rule?.update(lossRate, this.#roundTripMs, nowMs);
    this.#rule?.clamp(this.#bounds.minKbps, this.#bounds.maxKbps);
    if (this.#sendSide !== undefined || this.#rule !== undefined) return;
    this.#loss.count(lossRate * packets, packets, nowMs);
    this.#loss.update(this.targetKbps, roundTripMs, nowMs);
    this.#loss.release(this.#rembKbps ?? this.#startKbps);
  }

  #tell(): void {
    const kbps = this.targetKbps;
    const queued = this.#sendSide?.queued ?? false;
    const isNear = Math.abs(kbps - this.#toldKbps) < this.#toldKbps * TOLD_SHARE;
    if (isNear && queued === this.#toldQueued) return;
    this.#toldKbps = kbps;
    this.#toldQueued = queued;
    this.#outputs.push({ type: "target", kbps, queued });
  }
}
