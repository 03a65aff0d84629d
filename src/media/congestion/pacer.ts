// Spreads packets over time: a key frame of hundreds of packets leaves at 2.5 times the rate instead of all at once, or at
// the rate where a queue stands in the path,
// retransmissions before what is new, probes at the rate they ask for. Holds what waits, sends nothing itself.
import type { Machine } from "../../runtime/machine.ts";
import type { ProbeOrder } from "./probe-cluster.ts";

/** Frames differ in size: at this multiple of the rate those of twice the usual still leave before the next comes. */
const PACE_FACTOR = 2.5;

/** While a queue stands in the path, what goes faster than the rate is lost at its end: a key frame takes its time. */
const QUEUED_PACE_FACTOR = 1.05;

/** So much leaves at once, ms: fewer timers, and one group for the delay estimate. */
const BURST_MS = 5;

/** A timer that is later than this, ms, is made good for so much: the path is not to be flooded after a standstill. */
const MADE_GOOD_MS = 100;

/** Media that would wait longer than this before it leaves is dropped, ms. */
const MAX_QUEUE_MS = 2_000;

/** With so little waiting there is room for a key frame again, ms. */
const ROOM_MS = 500;

/** Retransmissions that would wait longer than this come too late: they are asked for again, ms. */
const MAX_RETRANSMISSION_MS = 500;

/** The bytes of one padding: RTX of a packet can be as long, padding alone cannot; shorter ones are mostly headers. */
const MIN_PADDING_BYTES = 100;
const MAX_PADDING_BYTES = 1_200;

/** Clusters that wait; more would be answered too late. */
const MAX_PROBES = 4;

/** Whatever the rate is said to be, packets go on leaving, kbit/s. */
const MIN_PACE_KBPS = 10;

/** A packet to be sent, with what the caller needs to send it. */
export interface PacedPacket<T> {
  readonly item: T;
  /** As on the wire. */
  readonly byteLength: number;
}

/** What goes in. All packets of a frame come one after the other. */
export type PacerInput<T> =
  | {
      readonly type: "media";
      readonly packet: PacedPacket<T>;
      /** Of the frame: any number that differs from the one before. */
      readonly frame: number;
      readonly isKeyframe: boolean;
    }
  | { readonly type: "retransmission"; readonly packet: PacedPacket<T> }
  /** `queued`: a long queue stands in the path; default false. */
  | { readonly type: "target"; readonly kbps: number; readonly queued?: boolean }
  | ProbeOrder;

/** What comes out. */
export type PacerOutput<T> =
  /** Send it now; `clusterId` goes to the bandwidth estimate. */
  | { readonly type: "send"; readonly item: T; readonly clusterId: number | undefined }
  /** Send about so many bytes now that carry nothing new: RTX of packets sent before, or padding. */
  | { readonly type: "padding"; readonly byteLength: number; readonly clusterId: number }
  /** Frames were dropped, and there is room again: the stream goes on at a key frame. */
  | { readonly type: "keyframe-needed" };

/** Dropped because they would have waited too long, in packets. */
export interface PacerCounters {
  readonly mediaDropped: number;
  readonly retransmissionsDropped: number;
}

interface QueuedPacket<T> extends PacedPacket<T> {
  readonly isKeyframe: boolean;
}

/** A cluster on its way out; packets are due by the time and not by the debt, so that a late timer is made good. */
interface Probe {
  readonly order: ProbeOrder;
  startMs: number;
  sentBytes: number;
  sentPackets: number;
}

/** Releases the packets of one peer. `T` is whatever the caller needs to send one. */
export class Pacer<T> implements Machine<PacerInput<T>, PacerOutput<T>> {
  readonly #outputs: PacerOutput<T>[] = [];
  readonly #counters = { mediaDropped: 0, retransmissionsDropped: 0 };
  readonly #retransmissions: QueuedPacket<T>[] = [];
  #media: QueuedPacket<T>[] = [];
  readonly #probes: Probe[] = [];
  #retransmissionBytes = 0;
  #mediaBytes = 0;
  #paceKbps: number;
  /** Bytes that left and that the rate has not made good yet. */
  #debtBytes = 0;
  #updatedMs = -Infinity;
  #frame = NaN;
  #frameAccepted = true;
  /** Frames were dropped and no key frame has come since; whether one was asked for. */
  #broken = false;
  #asked = false;

  constructor(targetKbps: number) {
    this.#paceKbps = pace(targetKbps);
  }

  get counters(): PacerCounters {
    return { ...this.#counters };
  }

  /** How long what is queued takes to leave, ms. */
  get queueMs(): number {
    return ((this.#mediaBytes + this.#retransmissionBytes) * 8) / this.#paceKbps;
  }

  get deadlineMs(): number {
    const probe = this.#probes[0];
    if (probe !== undefined) return dueMs(probe);
    if (this.#next() === undefined) return Infinity;
    return this.#updatedMs + (this.#debtBytes * 8) / this.#paceKbps;
  }

  poll(): PacerOutput<T> | undefined {
    return this.#outputs.shift();
  }

  handle(input: PacerInput<T> | { readonly type: "timeout" }, nowMs: number): void {
    this.#makeGood(nowMs);
    switch (input.type) {
      case "media":
        this.#enqueue(input.packet, input.frame, input.isKeyframe);
        break;
      case "retransmission":
        this.#enqueueRetransmission(input.packet);
        break;
      case "target":
        this.#paceKbps = pace(input.kbps, input.queued);
        break;
      case "probe":
        if (this.#probes.length < MAX_PROBES)
          this.#probes.push({ order: input, startMs: nowMs, sentBytes: 0, sentPackets: 0 });
        break;
      case "timeout":
    }
    this.#release(nowMs);
    if (!this.#broken || this.#asked || this.queueMs > ROOM_MS) return;
    this.#asked = true;
    this.#outputs.push({ type: "keyframe-needed" });
  }

  #enqueue({ item, byteLength }: PacedPacket<T>, frame: number, isKeyframe: boolean): void {
    if (frame !== this.#frame) {
      this.#frame = frame;
      this.#frameAccepted = this.#accepts(isKeyframe);
    }
    if (!this.#frameAccepted) {
      this.#counters.mediaDropped++;
      return;
    }
    this.#media.push({ item, byteLength, isKeyframe });
    this.#mediaBytes += byteLength;
  }

  /** A frame goes in whole or not at all: half of one is of no use. */
  #accepts(isKeyframe: boolean): boolean {
    if (this.queueMs > MAX_QUEUE_MS) {
      this.#broken = true;
      this.#asked = false;
      this.#dropDeltas();
      return false;
    }
    if (this.#broken && !isKeyframe) return false;
    this.#broken = false;
    return true;
  }

  // A key frame on its way out stays, however long it takes: dropped, the next one would fare no better.
  #dropDeltas(): void {
    const kept = this.#media.filter(({ isKeyframe }) => isKeyframe);
    this.#counters.mediaDropped += this.#media.length - kept.length;
    this.#media = kept;
    this.#mediaBytes = kept.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  #enqueueRetransmission({ item, byteLength }: PacedPacket<T>): void {
    if ((this.#retransmissionBytes * 8) / this.#paceKbps > MAX_RETRANSMISSION_MS) {
      this.#counters.retransmissionsDropped++;
      return;
    }
    this.#retransmissions.push({ item, byteLength, isKeyframe: false });
    this.#retransmissionBytes += byteLength;
  }

  #makeGood(nowMs: number): void {
    if (nowMs <= this.#updatedMs) return;
    const goodBytes = (this.#paceKbps * (nowMs - this.#updatedMs)) / 8;
    // A late timer is made good: what waited for it leaves at once. Time in which nothing waited is not saved up.
    const leastBytes = this.#next() === undefined ? 0 : -(this.#paceKbps * MADE_GOOD_MS) / 8;
    this.#debtBytes = Math.max(leastBytes, this.#debtBytes - goodBytes);
    this.#updatedMs = nowMs;
  }

  #release(nowMs: number): void {
    this.#releaseProbes(nowMs);
    if (this.#probes.length > 0) return;
    const burstBytes = (this.#paceKbps * BURST_MS) / 8;
    while (this.#debtBytes < burstBytes && this.#next() !== undefined) this.#send(undefined);
  }

  #releaseProbes(nowMs: number): void {
    for (let probe = this.#probes[0]; probe !== undefined; probe = this.#probes[0]) {
      const { byteLength, packets } = probe.order;
      while (probe.sentBytes < byteLength || probe.sentPackets < packets) {
        if (dueMs(probe) > nowMs) return;
        probe.sentPackets++;
        probe.sentBytes += this.#next() === undefined ? this.#pad(probe) : this.#send(probe.order.clusterId);
      }
      this.#probes.shift();
      // The next cluster begins when the last packet of this one has had its time.
      const following = this.#probes[0];
      if (following !== undefined) following.startMs = dueMs(probe);
    }
  }

  /** @returns its bytes */
  #pad({ order, sentBytes, sentPackets }: Probe): number {
    const { packets, clusterId } = order;
    const part = (order.byteLength - sentBytes) / Math.max(1, packets - sentPackets + 1);
    const byteLength = Math.ceil(Math.min(MAX_PADDING_BYTES, Math.max(MIN_PADDING_BYTES, part)));
    this.#debtBytes += byteLength;
    this.#outputs.push({ type: "padding", byteLength, clusterId });
    return byteLength;
  }

  /** @returns its bytes */
  #send(clusterId: number | undefined): number {
    const retransmission = this.#retransmissions.shift();
    const packet = retransmission ?? this.#media.shift();
    if (packet === undefined) return 0;
    const { item, byteLength } = packet;
    if (retransmission === undefined) this.#mediaBytes -= byteLength;
    else this.#retransmissionBytes -= byteLength;
    this.#debtBytes += byteLength;
    this.#outputs.push({ type: "send", item, clusterId });
    return byteLength;
  }

  #next(): QueuedPacket<T> | undefined {
    return this.#retransmissions[0] ?? this.#media[0];
  }
}

function pace(targetKbps: number, queued = false): number {
  return Math.max(MIN_PACE_KBPS, targetKbps * (queued ? QUEUED_PACE_FACTOR : PACE_FACTOR));
}

function dueMs({ order, startMs, sentBytes }: Probe): number {
  return startMs + (sentBytes * 8) / order.kbps;
}
