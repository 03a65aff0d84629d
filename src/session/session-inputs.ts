// What waits to enter a session's pipeline, each peer apart, so that one that sends much keeps nobody else waiting. The
// only place where what comes from peers is dropped, and every drop is counted. Reads no clock.
import type { TransportData } from "../runtime/data.ts";
import { DataQueue, isMedia, sizeOf } from "./data-queue.ts";
import type { Held, QueueBounds } from "./data-queue.ts";
import type { SessionCounters } from "./session-counters.ts";

/** An input on its way. */
export interface SessionInput extends Held {
  /** Whom it came from; undefined for the program. */
  readonly peerId: string | undefined;
  /** Local monotonic ms at which it was offered. */
  readonly arrivedMs: number;
  /** Counts all inputs of the session. */
  readonly order: number;
}

/**
 * What became of an input. `waiting`: it is let in when there is room, which {@link SessionInputs.admitted} tells by the
 * ticket. `refused`: too much waits already.
 */
export type InputOffer =
  { readonly type: "taken" | "dropped" | "refused" } | { readonly type: "waiting"; readonly ticket: number };

/** Of each peer, and of the program. */
const BOUNDS: QueueBounds = {
  audioMs: 200,
  pictures: 4,
  others: 64,
  otherBytes: 32 * 1024 * 1024,
  total: Infinity,
};

/** What a peer may have waiting for room: nobody keeps what it sends for ever. */
const MAX_WAITING = 1_024;
const MAX_WAITING_BYTES = 32 * 1024 * 1024;

interface Waiting {
  readonly item: SessionInput;
  readonly ticket: number;
}

interface Lane {
  readonly queue: DataQueue<SessionInput>;
  readonly waiting: Waiting[];
  waitingBytes: number;
  nextSequence: number;
  /** Its peer has left: nothing more is let in, what is here still goes on. */
  leaving: boolean;
}

/** The lane of the program; no peer id is empty. */
const PROGRAM = "";

/** See the header. */
export class SessionInputs {
  readonly #sessionId: string;
  readonly #counters: SessionCounters;
  /** In the order of their turns. */
  readonly #lanes = new Map<string, Lane>([[PROGRAM, newLane()]]);
  #nextOrder = 0;
  #nextTicket = 1;
  /** Inputs from this one on stay while the session is paused. */
  #heldFrom = Infinity;
  #admitted: number[] = [];

  constructor(sessionId: string, counters: SessionCounters) {
    this.#sessionId = sessionId;
    this.#counters = counters;
  }

  /** Inputs that wait inside the bounds and outside. */
  get length(): number {
    let length = 0;
    for (const { queue, waiting } of this.#lanes.values()) length += queue.length + waiting.length;
    return length;
  }

  attach(peerId: string): void {
    const lane = this.#lanes.get(peerId);
    if (lane !== undefined) lane.leaving = false;
    else this.#lanes.set(peerId, newLane());
  }

  /** Nothing more comes from a peer; what has come still goes on. */
  detach(peerId: string): void {
    const lane = this.#lanes.get(peerId);
    if (lane === undefined) return;
    lane.leaving = true;
    this.#tidy(peerId, lane);
  }

  /** Drop media from now on and keep everything else; what came before goes on. */
  pause(): void {
    this.#heldFrom = Math.min(this.#heldFrom, this.#nextOrder);
  }

  resume(): void {
    this.#heldFrom = Infinity;
  }

  /**
   * Let an input in. Media of peers never waits: the oldest goes, counted. Media of the program waits as everything
   * else does. `session_id`, of peers `source_peer`, and where there is none a sequence number are set.
   *
   * @param peerId one that is attached; undefined for the program
   */
  offer(peerId: string | undefined, given: TransportData, nowMs: number): InputOffer {
    const lane = this.#lanes.get(peerId ?? PROGRAM);
    if (lane === undefined || lane.leaving) return { type: "refused" };
    const { data } = given;
    this.#counters.input(data.type, peerId);
    const media = isMedia(data);
    if (media && this.#heldFrom !== Infinity) {
      this.#counters.dropped("paused", data.type, peerId);
      lane.queue.noteMissing(data);
      return { type: "dropped" };
    }
    const value = this.#marked(lane, peerId, given);
    const item: SessionInput = { value, peerId, arrivedMs: nowMs, order: this.#nextOrder++ };
    const mayDrop = media && peerId !== undefined;
    if (mayDrop || (lane.waiting.length === 0 && lane.queue.hasRoom(value))) {
      const result = this.#enqueue(lane, item);
      if (result !== "full") return { type: result };
    }
    return this.#wait(lane, item);
  }

  /** The next input for the pipeline: peers take turns. Undefined when there is none, or all of them stay. */
  take(): SessionInput | undefined {
    for (const [key, lane] of this.#lanes) {
      const { queue } = lane;
      if ((queue.head?.order ?? Infinity) >= this.#heldFrom) continue;
      const item = queue.shift();
      if (item === undefined) continue;
      this.#admit(lane);
      // Its next turn comes after everybody else's.
      this.#lanes.delete(key);
      this.#lanes.set(key, lane);
      this.#tidy(key, lane);
      return item;
    }
    return undefined;
  }

  /** Tickets of inputs that have been let in, or dropped as late media, since the last call. */
  admitted(): readonly number[] {
    const admitted = this.#admitted;
    if (admitted.length > 0) this.#admitted = [];
    return admitted;
  }

  /** Drop everything, counted. @returns the tickets of those that waited */
  clear(): readonly number[] {
    const tickets: number[] = [];
    for (const lane of this.#lanes.values()) {
      const waiting = lane.waiting.splice(0);
      for (const { ticket } of waiting) tickets.push(ticket);
      lane.waitingBytes = 0;
      for (const { value, peerId } of [...lane.queue.clear(), ...waiting.map(({ item }) => item)]) {
        this.#counters.dropped("ended", value.data.type, peerId);
      }
    }
    return tickets;
  }

  #marked(
    lane: Lane,
    peerId: string | undefined,
    { data, sequence, metadata }: TransportData,
  ): TransportData {
    const position = sequence ?? lane.nextSequence;
    lane.nextSequence = position + 1;
    const source = peerId === undefined ? {} : { source_peer: peerId };
    return {
      data,
      sequence: position,
      metadata: { ...metadata, ...source, session_id: this.#sessionId },
    };
  }

  #enqueue(lane: Lane, item: SessionInput): "taken" | "dropped" | "full" {
    const result = lane.queue.offer(item);
    for (const { item: dropped, reason } of lane.queue.takeDropped()) {
      this.#counters.dropped(reason, dropped.value.data.type, dropped.peerId);
    }
    return result;
  }

  #wait(lane: Lane, item: SessionInput): InputOffer {
    const { peerId, value } = item;
    const bytes = peerId === undefined ? 0 : sizeOf(value.data);
    const flood = lane.waiting.length >= MAX_WAITING || lane.waitingBytes + bytes > MAX_WAITING_BYTES;
    if (peerId !== undefined && flood) {
      this.#counters.dropped("full", value.data.type, peerId);
      return { type: "refused" };
    }
    const ticket = this.#nextTicket++;
    lane.waiting.push({ item, ticket });
    lane.waitingBytes += bytes;
    return { type: "waiting", ticket };
  }

  #admit(lane: Lane): void {
    for (;;) {
      const [next] = lane.waiting;
      if (next === undefined || !lane.queue.hasRoom(next.item.value)) return;
      lane.waiting.shift();
      if (next.item.peerId !== undefined) lane.waitingBytes -= sizeOf(next.item.value.data);
      this.#enqueue(lane, next.item);
      this.#admitted.push(next.ticket);
    }
  }

  #tidy(key: string, { leaving, queue, waiting }: Lane): void {
    if (leaving && queue.length === 0 && waiting.length === 0) this.#lanes.delete(key);
  }
}

function newLane(): Lane {
  return { queue: new DataQueue(BOUNDS), waiting: [], waitingBytes: 0, nextSequence: 0, leaving: false };
}
