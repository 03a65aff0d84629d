// Outputs on their way to peers, as a machine: in order for each stream and each peer, so that a peer which cannot be
// reached keeps nobody else waiting. What is not media is tried again, and given up while its peer is unreachable.
// Sends nothing and reads no clock.
import { TransportError } from "../errors/errors.ts";
import type { RuntimeData, TransportData } from "../runtime/data.ts";
import type { Machine } from "../runtime/machine.ts";
import { DataQueue, isMedia } from "./data-queue.ts";
import type { Held, QueueBounds } from "./data-queue.ts";
import { DeliveryHealth } from "./delivery-health.ts";
import type { QualityTier } from "./quality-tiers.ts";
import type { SessionCounters } from "./session-counters.ts";

/** Peers that get an output in the same form. */
export interface OutputTarget {
  readonly peers: readonly string[];
  /** Of the route by which they get it; undefined for no tier in particular. */
  readonly tier?: QualityTier | undefined;
}

/** What happens to deliveries. */
export type DeliveriesInput =
  /** @property ticket comes back with `room` when more may follow */
  | {
      readonly type: "output";
      readonly ticket: number;
      readonly value: TransportData;
      readonly targets: readonly OutputTarget[];
    }
  /** @property failures by peer; a peer without one has been reached */
  | { readonly type: "settled"; readonly id: number; readonly failures: ReadonlyMap<string, TransportError> }
  /** Nothing goes to this peer any more. */
  | { readonly type: "release"; readonly peerId: string }
  /** The peer can be reached again. */
  | { readonly type: "recovered"; readonly peerId: string }
  | { readonly type: "clear" };

/** What deliveries ask for and tell. */
export type DeliveriesOutput =
  | ({ readonly type: "deliver"; readonly id: number; readonly value: TransportData } & OutputTarget)
  | { readonly type: "room"; readonly ticket: number }
  /** The first failure after a success, and whether other data than media is given up for a while. */
  | {
      readonly type: "failed";
      readonly peerId: string;
      readonly error: TransportError;
      readonly suspended: boolean;
    }
  /** Nothing is under way any more. */
  | { readonly type: "idle" };

/** Media of one stream that waits at most; data that waits makes the pipeline wait. */
const MEDIA_BOUNDS: QueueBounds = {
  audioMs: Infinity,
  pictures: 4,
  others: 64,
  otherBytes: Infinity,
  total: 64,
};
const DATA_BOUNDS: QueueBounds = { ...MEDIA_BOUNDS, others: Infinity, total: Infinity };

/** Outputs in a lane from which on whoever made the last one has to wait; as many as wait between nodes. */
const CROWDED = 16;

/** Longest time for one delivery, ms, besides the time that audio lasts: it is paced. */
const TIMEOUT_MS = 10_000;

const MAX_TRIES = 3;
/** Ms before the second try; before each later one twice as long. */
const RETRY_MS = 100;

/** A peer that takes nothing for so long is not tried with the next thing at once. */
const TIMEOUT_WEIGHT = 5;

interface Parcel extends Held {
  readonly target: OutputTarget;
}

interface Lane {
  readonly key: string;
  readonly media: boolean;
  readonly queue: DataQueue<Parcel>;
  /** What is under way, or waits for its next try. */
  current: Parcel | undefined;
  /** Of the try under way; 0 while none is. */
  id: number;
  tries: number;
  /** When the try under way is given up, or the next one begins. */
  deadlineMs: number;
}

/** Who made an output, and waits until no lane that it is in is crowded. */
interface Room {
  readonly ticket: number;
  readonly lanes: readonly Lane[];
}

/** See the header. */
export class Deliveries implements Machine<DeliveriesInput, DeliveriesOutput> {
  readonly #counters: SessionCounters;
  readonly #lanes = new Map<string, Lane>();
  readonly #health = new Map<string, DeliveryHealth>();
  /** Peers whose last delivery failed. */
  readonly #failing = new Set<string>();
  #rooms: Room[] = [];
  readonly #outputs: DeliveriesOutput[] = [];
  #nextId = 1;

  constructor(counters: SessionCounters) {
    this.#counters = counters;
  }

  /** Outputs that wait or are under way, each counted for every lane it is in. */
  get length(): number {
    let length = 0;
    for (const { queue, current } of this.#lanes.values()) length += queue.length + (current ? 1 : 0);
    return length;
  }

  get deadlineMs(): number {
    let deadlineMs = Infinity;
    for (const lane of this.#lanes.values()) deadlineMs = Math.min(deadlineMs, lane.deadlineMs);
    return deadlineMs;
  }

  poll(): DeliveriesOutput | undefined {
    return this.#outputs.shift();
  }

  handle(input: DeliveriesInput | { readonly type: "timeout" }, nowMs: number): void {
    const busy = this.#lanes.size > 0;
    switch (input.type) {
      case "output":
        this.#accept(input.value, input.targets, input.ticket, nowMs);
        break;
      case "settled":
        for (const lane of this.#lanes.values()) {
          if (lane.id === input.id) this.#settled(lane, input.failures, nowMs);
        }
        break;
      case "release":
        this.#release(input.peerId);
        break;
      case "recovered":
        this.#health.get(input.peerId)?.reset();
        break;
      case "clear":
        for (const lane of this.#lanes.values()) this.#empty(lane, "ended");
        break;
      case "timeout":
        for (const lane of this.#lanes.values()) if (nowMs >= lane.deadlineMs) this.#expired(lane, nowMs);
    }
    this.#tellRoom();
    if (busy && this.#lanes.size === 0) this.#outputs.push({ type: "idle" });
  }

  #accept(value: TransportData, targets: readonly OutputTarget[], ticket: number, nowMs: number): void {
    const media = isMedia(value.data);
    const lanes = targets.flatMap((target) =>
      media
        ? [this.#enter(mediaKey(value, target), { value, target }, nowMs)]
        : target.peers.map((peer) =>
            this.#enter(`to ${peer}`, { value, target: { ...target, peers: [peer] } }, nowMs),
          ),
    );
    this.#rooms.push({ ticket, lanes });
  }

  #enter(key: string, parcel: Parcel, nowMs: number): Lane {
    const media = isMedia(parcel.value.data);
    const lane = this.#lanes.get(key) ?? newLane(key, media);
    this.#lanes.set(key, lane);
    lane.queue.offer(parcel);
    for (const { item, reason } of lane.queue.takeDropped()) this.#dropped(item, reason);
    this.#next(lane, nowMs);
    return lane;
  }

  /** Begin with the next output of a lane that has nothing under way. */
  #next(lane: Lane, nowMs: number): void {
    while (lane.current === undefined) {
      const queued = lane.queue.shift();
      if (queued === undefined) {
        this.#lanes.delete(lane.key);
        return;
      }
      const peers = queued.target.peers.filter((peer) => this.#counters.has(peer));
      const parcel = { ...queued, target: { ...queued.target, peers } };
      if (peers.length === 0) {
        this.#dropped(queued, "ended");
        continue;
      }
      if (!lane.media && this.#suspended(parcel, nowMs)) {
        this.#dropped(parcel, "undelivered");
        continue;
      }
      lane.current = parcel;
      lane.tries = 0;
      this.#try(lane, parcel, nowMs);
    }
  }

  #try(lane: Lane, { value, target }: Parcel, nowMs: number): void {
    lane.id = this.#nextId++;
    lane.tries++;
    lane.deadlineMs = nowMs + TIMEOUT_MS + durationMs(value.data);
    this.#outputs.push({ type: "deliver", id: lane.id, value, ...target });
  }

  #expired(lane: Lane, nowMs: number): void {
    const parcel = lane.current;
    if (parcel === undefined) return;
    if (lane.id === 0) return this.#try(lane, parcel, nowMs);
    const error = new TransportError(
      "OPERATION_TIMEOUT",
      `an output was not sent within ${TIMEOUT_MS / 1000} s`,
    );
    for (const peerId of parcel.target.peers) this.#failed(parcel, peerId, error, nowMs, TIMEOUT_WEIGHT);
    this.#done(lane, nowMs);
  }

  #settled(lane: Lane, failures: ReadonlyMap<string, TransportError>, nowMs: number): void {
    const parcel = lane.current as Parcel;
    const { peers } = parcel.target;
    const [failure] = peers.map((peer) => failures.get(peer));
    if (!lane.media && failure?.retryable === true && lane.tries < MAX_TRIES) {
      lane.id = 0;
      lane.deadlineMs = nowMs + RETRY_MS * 2 ** (lane.tries - 1);
      return;
    }
    for (const peerId of peers) {
      const error = failures.get(peerId);
      if (error !== undefined) this.#failed(parcel, peerId, error, nowMs, 1);
      else this.#reached(parcel, peerId, nowMs);
    }
    this.#done(lane, nowMs);
  }

  #done(lane: Lane, nowMs: number): void {
    lane.current = undefined;
    lane.id = 0;
    lane.deadlineMs = Infinity;
    this.#next(lane, nowMs);
  }

  #reached({ value }: Parcel, peerId: string, nowMs: number): void {
    this.#counters.delivered(peerId);
    this.#failing.delete(peerId);
    if (!isMedia(value.data)) this.#health.get(peerId)?.succeeded(nowMs);
  }

  #failed({ value }: Parcel, peerId: string, error: TransportError, nowMs: number, weight: number): void {
    this.#counters.dropped("undelivered", value.data.type, peerId);
    if (!this.#counters.has(peerId)) return; // it has left meanwhile
    let suspended = false;
    if (!isMedia(value.data)) {
      const health = this.#health.get(peerId) ?? new DeliveryHealth();
      this.#health.set(peerId, health);
      const before = health.state(nowMs);
      health.failed(nowMs, weight);
      suspended = before !== "open" && health.state(nowMs) === "open";
    }
    if (suspended || !this.#failing.has(peerId)) {
      this.#outputs.push({ type: "failed", peerId, error, suspended });
    }
    this.#failing.add(peerId);
  }

  #suspended({ target }: Parcel, nowMs: number): boolean {
    return target.peers.every((peer) => this.#health.get(peer)?.state(nowMs) === "open");
  }

  #release(peerId: string): void {
    const lane = this.#lanes.get(`to ${peerId}`);
    if (lane !== undefined) this.#empty(lane, "ended");
    this.#health.delete(peerId);
    this.#failing.delete(peerId);
  }

  #empty(lane: Lane, reason: "ended"): void {
    const { current } = lane;
    for (const parcel of [...(current ? [current] : []), ...lane.queue.clear()])
      this.#dropped(parcel, reason);
    lane.current = undefined;
    this.#lanes.delete(lane.key);
  }

  #dropped({ value, target }: Parcel, reason: "full" | "awaitingKeyframe" | "ended" | "undelivered"): void {
    for (const peerId of target.peers) this.#counters.dropped(reason, value.data.type, peerId);
  }

  #tellRoom(): void {
    const isCrowded = ({ lanes }: Room): boolean => lanes.some(({ queue }) => queue.length >= CROWDED);
    const crowded = this.#rooms.filter(isCrowded);
    if (crowded.length === this.#rooms.length) return;
    for (const room of this.#rooms) {
      if (!isCrowded(room)) this.#outputs.push({ type: "room", ticket: room.ticket });
    }
    this.#rooms = crowded;
  }
}

function newLane(key: string, media: boolean): Lane {
  const queue = new DataQueue<Parcel>(media ? MEDIA_BOUNDS : DATA_BOUNDS);
  return { key, media, queue, current: undefined, id: 0, tries: 0, deadlineMs: Infinity };
}

/**
 * Of one stream of one output to the same peers in the same quality. What goes back to the peer it was made from is a
 * stream of that peer's own.
 */
function mediaKey({ data, metadata }: TransportData, { peers, tier }: OutputTarget): string {
  const { output_id: output = "", target_peer: target = "", source_peer: source } = metadata;
  const [only, ...others] = peers;
  const own = others.length === 0 && only === source ? source : target;
  return JSON.stringify([data.type, output, data.streamId ?? "", own, tier ?? ""]);
}

function durationMs(data: RuntimeData): number {
  return data.type === "audio" ? (data.samples.length / data.channels / data.sampleRate) * 1_000 : 0;
}
