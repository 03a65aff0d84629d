// The hub's open sockets: what is known of each, how many come from one address, and when each wants attention.
import type { JsonObject } from "../runtime/data.ts";
import { utf8Bytes } from "../signaling/rpc.ts";
import type { RpcFrame, RpcMember } from "../signaling/rpc.ts";
import { RateBucket } from "./limits.ts";
import type { SignalingLimits } from "./limits.ts";
import type { Caller } from "./outcome.ts";
import type { Registering } from "./rooms.ts";

/** Frames of one socket that wait while the hook decides about an earlier one. */
const MAX_WAITING_FRAMES = 64;

/** One open socket. */
export interface Connection extends Caller {
  readonly ip: string;
  readonly bucket: RateBucket;
  /** Monotonic ms at which it must have announced; Infinity once it has. */
  announceByMs: number;
  lastMessageMs: number;
  /** Heard of since the last ping. */
  alive: boolean;
  work: Work | undefined;
  waiting: RpcFrame[];
  waitingLength: number;
}

/** A frame on its way through: members are worked off in order, replies leave together. */
export interface Work {
  readonly batch: boolean;
  readonly members: readonly RpcMember[];
  next: number;
  readonly replies: JsonObject[];
  /** The announcement that the hook decides about. */
  asking: { readonly ticket: number; readonly request: Registering; readonly deadlineMs: number } | undefined;
}

/** The open sockets by number. */
export class Connections implements Iterable<Connection> {
  readonly #limits: SignalingLimits;
  readonly #byId = new Map<number, Connection>();
  readonly #perIp = new Map<string, number>();

  constructor(limits: SignalingLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#byId.size;
  }

  get(id: number): Connection | undefined {
    return this.#byId.get(id);
  }

  has(connection: Connection): boolean {
    return this.#byId.get(connection.connection) === connection;
  }

  /** A copy: sockets may go while one iterates. */
  [Symbol.iterator](): Iterator<Connection> {
    return [...this.#byId.values()][Symbol.iterator]();
  }

  add(id: number, ip: string, origin: string | undefined, nowMs: number): Connection {
    const connection: Connection = {
      connection: id,
      ip,
      origin,
      registration: undefined,
      bucket: new RateBucket(this.#limits, nowMs),
      announceByMs: nowMs + this.#limits.announceTimeoutMs,
      lastMessageMs: nowMs,
      alive: true,
      work: undefined,
      waiting: [],
      waitingLength: 0,
    };
    this.#byId.set(id, connection);
    this.#perIp.set(ip, this.socketsFrom(ip) + 1);
    return connection;
  }

  remove(connection: Connection): void {
    this.#byId.delete(connection.connection);
    const sockets = this.socketsFrom(connection.ip) - 1;
    if (sockets > 0) this.#perIp.set(connection.ip, sockets);
    else this.#perIp.delete(connection.ip);
    connection.work = undefined;
    connection.waiting = [];
    connection.registration = undefined;
  }

  socketsFrom(ip: string): number {
    return this.#perIp.get(ip) ?? 0;
  }

  /** Keep a frame until those before it are done. @returns false when too much waits already */
  wait(connection: Connection, frame: RpcFrame, length: number): boolean {
    if (connection.waiting.length >= MAX_WAITING_FRAMES) return false;
    if (connection.waitingLength + length > this.#limits.frameBytes) return false;
    connection.waiting.push(frame);
    connection.waitingLength += length;
    return true;
  }

  /** When the socket wants attention next: its hook is late, it has not announced, or it is idle. */
  deadlineOf({ work, announceByMs, lastMessageMs }: Connection): number {
    if (work?.asking !== undefined) return work.asking.deadlineMs;
    return Math.min(announceByMs, lastMessageMs + this.#limits.idleTimeoutMs);
  }
}

/** Whether `text` has more than `maxBytes` in UTF-8. */
export function longerThan(text: string, maxBytes: number): boolean {
  if (text.length > maxBytes) return true;
  // UTF-8 has at most three bytes for each UTF-16 unit.
  return text.length * 3 > maxBytes && utf8Bytes(text) > maxBytes;
}
