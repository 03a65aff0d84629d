// The server as a machine: sockets by number, text in, text out. Frames and batches in order, rates, deadlines and
// the pause while a hook decides. Opens nothing, reads no clock.
import type { JsonObject } from "../runtime/data.ts";
import type { Machine } from "../runtime/machine.ts";
import { errorResponse, parseFrame, resultResponse } from "../signaling/rpc.ts";
import type { RpcFailure, RpcFrame, RpcMember } from "../signaling/rpc.ts";
import { originAllowed } from "./auth.ts";
import type { AuthVerdict } from "./auth.ts";
import { Connections, longerThan } from "./connections.ts";
import type { Connection, Work } from "./connections.ts";
import type { HubInput, HubOutput, HubStats } from "./hub-io.ts";
import type { SignalingLimits } from "./limits.ts";
import { callMethod, finishAnnounce } from "./methods.ts";
import { failed } from "./outcome.ts";
import type { MethodContext, Outcome } from "./outcome.ts";
import { Rooms } from "./rooms.ts";

/** What a frame is told that came while too many wait, in ms. */
const WAITING_RETRY_MS = 1_000;

/** Why the hub closes sockets (RFC 6455 section 7.4.1 below 4000). */
const CLOSE = {
  binary: 1003,
  abnormal: 1006,
  tooBig: 1009,
  notAnnounced: 4001,
  refused: 4003,
  idle: 4008,
  replaced: 4009,
  kicked: 4010,
  overRate: 4029,
} as const;

/** What a {@link Hub} needs to know beforehand. */
export interface HubOptions {
  readonly limits: SignalingLimits;
  /** As told by `server.info`. */
  readonly name: string;
  readonly version: string;
  readonly randomBytes: (length: number) => Uint8Array;
  /** Unix ms minus monotonic ms. */
  readonly wallOffsetMs: number;
  /** Whether `authenticate` outputs are answered; without, everybody may announce. */
  readonly authenticates: boolean;
  /** Origins whose pages may connect, in lower case; undefined: all. */
  readonly allowedOrigins?: readonly string[] | undefined;
}

/** Rooms, sockets and their messages: all of a signaling server but the network. */
export class Hub implements Machine<HubInput, HubOutput> {
  readonly #options: HubOptions;
  readonly #limits: SignalingLimits;
  readonly #rooms: Rooms;
  readonly #outputs: HubOutput[] = [];
  readonly #connections: Connections;
  readonly #tickets = new Map<number, Connection>();
  readonly #refused = new Map<string, number>();
  readonly #closed = new Map<number, number>();
  #lastTicket = 0;
  #received = 0;
  #sent = 0;
  #ignored = 0;
  /** Not later than the first real deadline: activity moves deadlines away, and that is not tracked. */
  #deadlineMs = Infinity;
  #nextPingMs = Infinity;
  #nowMs = 0;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#limits = options.limits;
    this.#connections = new Connections(options.limits);
    this.#rooms = new Rooms(options.limits, options.randomBytes, this.#outputs);
  }

  get deadlineMs(): number {
    return this.#deadlineMs;
  }

  poll(): HubOutput | undefined {
    const output = this.#outputs.shift();
    if (output?.type === "send") this.#sent += 1;
    return output;
  }

  /** A snapshot of the counters. */
  stats(): HubStats {
    return Object.freeze({
      connections: this.#connections.size,
      peers: this.#rooms.peers,
      rooms: this.#rooms.size,
      received: this.#received,
      sent: this.#sent,
      ignored: this.#ignored,
      refused: Object.freeze(Object.fromEntries(this.#refused)),
      closed: Object.freeze(Object.fromEntries(this.#closed)),
    });
  }

  handle(input: HubInput | { readonly type: "timeout" }, nowMs: number): void {
    this.#nowMs = nowMs;
    if (input.type === "timeout") return this.#timeout();
    if (input.type === "open") return this.#open(input.connection, input.ip, input.origin);
    if (input.type === "kick") return this.#kick(input.room, input.peerId);
    if (input.type === "authenticated") return this.#decided(input.ticket, input.verdict);
    const connection = this.#connections.get(input.connection);
    if (connection === undefined) return;
    connection.alive = true;
    switch (input.type) {
      case "message":
        return this.#message(connection, input.text);
      case "binary":
        return this.#close(connection, CLOSE.binary, "text frames only");
      case "close":
        return this.#gone(connection, input.code);
      case "pong":
        return;
    }
  }

  #open(id: number, ip: string, origin: string | undefined): void {
    const connection = this.#connections.add(id, ip, origin, this.#nowMs);
    if (!originAllowed(origin, this.#options.allowedOrigins)) {
      return this.#close(connection, CLOSE.refused, "origin not allowed");
    }
    if (this.#connections.socketsFrom(ip) > this.#limits.socketsPerIp) {
      return this.#close(connection, CLOSE.overRate, "too many sockets from this address");
    }
    if (this.#nextPingMs === Infinity) this.#nextPingMs = this.#nowMs + this.#limits.keepaliveMs;
    this.#wakeBy(Math.min(this.#connections.deadlineOf(connection), this.#nextPingMs));
  }

  #message(connection: Connection, text: string): void {
    this.#received += 1;
    connection.lastMessageMs = this.#nowMs;
    if (longerThan(text, this.#limits.frameBytes))
      return this.#close(connection, CLOSE.tooBig, "frame too large");
    const frame = parseFrame(text, this.#limits.batch);
    const verdict = connection.bucket.take(
      frame.type === "unreadable" ? 1 : frame.members.length,
      this.#nowMs,
    );
    if (!verdict.allowed) {
      if (verdict.overForMs < this.#limits.overRateMs)
        return this.#refuse(connection, frame, verdict.retryAfterMs);
      return this.#close(connection, CLOSE.overRate, "too many messages");
    }
    if (!this.#connections.wait(connection, frame, text.length)) {
      return this.#refuse(connection, frame, WAITING_RETRY_MS);
    }
    this.#advance(connection);
  }

  /** Work off what waits, frame by frame, until nothing is left or the hook has to decide. */
  #advance(connection: Connection): void {
    for (;;) {
      const work = connection.work ?? this.#begin(connection);
      if (work === undefined || work.asking !== undefined) return;
      for (; work.next < work.members.length; work.next++) {
        const member = work.members[work.next];
        if (member !== undefined) this.#work(connection, work, member);
        if (work.asking !== undefined) return;
      }
      this.#finish(connection, work);
    }
  }

  /** Take the next frame that waits. */
  #begin(connection: Connection): Work | undefined {
    for (let frame = connection.waiting.shift(); frame !== undefined; frame = connection.waiting.shift()) {
      if (frame.type !== "unreadable") {
        const batch = frame.type === "batch";
        connection.work = { batch, members: frame.members, next: 0, replies: [], asking: undefined };
        return connection.work;
      }
      this.#send(connection, this.#refusal(null, { kind: frame.kind, message: frame.reason }));
    }
    connection.waitingLength = 0;
    return undefined;
  }

  #finish(connection: Connection, work: Work): void {
    connection.work = undefined;
    if (work.replies.length > 0) this.#send(connection, work.batch ? work.replies : work.replies[0]);
    const { registration } = connection;
    if (registration?.holding === true) this.#rooms.flush(registration);
  }

  #work(connection: Connection, work: Work, member: RpcMember): void {
    if (member.type === "result" || member.type === "error") {
      this.#ignored += 1;
      return;
    }
    if (member.type === "invalid") {
      work.replies.push(this.#refusal(member.id, { kind: "INVALID_REQUEST", message: member.reason }));
      return;
    }
    const outcome = this.#guarded(() =>
      callMethod(this.#context(), connection, member.method, member.params),
    );
    if (outcome.type !== "ask") return this.#reply(connection, work, member, outcome);
    this.#lastTicket += 1;
    const deadlineMs = this.#nowMs + this.#limits.authenticateTimeoutMs;
    work.asking = { ticket: this.#lastTicket, request: outcome.request, deadlineMs };
    this.#tickets.set(this.#lastTicket, connection);
    this.#outputs.push({ type: "authenticate", ticket: this.#lastTicket, question: outcome.question });
    this.#wakeBy(deadlineMs);
  }

  #reply(
    connection: Connection,
    work: Work,
    member: RpcMember,
    outcome: Exclude<Outcome, { type: "ask" }>,
  ): void {
    if (outcome.type === "registered") this.#registered(connection, outcome.replaced);
    const id = member.type === "request" ? member.id : undefined;
    if (outcome.type === "failure") {
      const refusal = this.#refusal(id ?? null, outcome.failure);
      if (id !== undefined) work.replies.push(refusal);
    } else if (id !== undefined) {
      work.replies.push(resultResponse(id, outcome.result));
    }
  }

  #registered(connection: Connection, replaced: number | undefined): void {
    connection.announceByMs = Infinity;
    const old = replaced === undefined ? undefined : this.#connections.get(replaced);
    if (old === undefined) return;
    old.registration = undefined;
    this.#close(old, CLOSE.replaced, "another socket goes on with this registration");
  }

  /** The hook has answered, or has been waited for long enough. */
  #decided(ticket: number, verdict: AuthVerdict | "late"): void {
    const connection = this.#tickets.get(ticket);
    const work = connection?.work;
    const member = work?.members[work.next];
    this.#tickets.delete(ticket);
    if (connection === undefined || work?.asking === undefined || member === undefined) return;
    const { request } = work.asking;
    work.asking = undefined;
    work.next += 1;
    const outcome = this.#guarded(() => {
      if (verdict === "allowed") return finishAnnounce(this.#context(), connection, request);
      return failed(AUTH_FAILURES[verdict]);
    });
    if (outcome.type !== "ask") this.#reply(connection, work, member, outcome);
    if (verdict !== "refused") return this.#advance(connection);
    this.#finish(connection, work);
    if (connection.registration !== undefined) this.#rooms.remove(connection.registration, "kicked");
    connection.registration = undefined;
    this.#close(connection, CLOSE.refused, "not authorized");
  }

  #guarded(run: () => Outcome): Outcome {
    try {
      return run();
    } catch (error) {
      this.#outputs.push({ type: "fault", error });
      return failed({ kind: "INTERNAL_ERROR", message: "internal error" });
    }
  }

  /** Answer every request of a frame with RATE_LIMITED, out of turn. */
  #refuse(connection: Connection, frame: RpcFrame, retryAfterMs: number): void {
    const data = { retry_after_ms: retryAfterMs };
    const failure: RpcFailure = { kind: "RATE_LIMITED", message: "too many messages", data };
    if (frame.type === "unreadable") return this.#send(connection, this.#refusal(null, failure));
    const replies: JsonObject[] = [];
    for (const member of frame.members) {
      const refusal = this.#refusal(member.type === "notification" ? null : member.id, failure);
      if (member.type === "request" || member.type === "invalid") replies.push(refusal);
    }
    if (replies.length > 0) this.#send(connection, frame.type === "batch" ? replies : replies[0]);
  }

  #refusal(id: string | number | null, failure: RpcFailure): JsonObject {
    this.#refused.set(failure.kind, (this.#refused.get(failure.kind) ?? 0) + 1);
    return errorResponse(id, failure);
  }

  #kick(room: string, peerId: string): void {
    const registration = this.#rooms.find(room, peerId);
    if (registration === undefined) return;
    const id = registration.connection;
    this.#rooms.remove(registration, "kicked");
    const connection = id === undefined ? undefined : this.#connections.get(id);
    if (connection === undefined) return;
    connection.registration = undefined;
    this.#close(connection, CLOSE.kicked, "kicked");
  }

  #timeout(): void {
    this.#rooms.expire(this.#nowMs);
    const pings = this.#nowMs >= this.#nextPingMs;
    for (const connection of this.#connections) {
      this.#checkDeadlines(connection);
      if (pings && this.#connections.has(connection)) this.#ping(connection);
    }
    if (pings)
      this.#nextPingMs = this.#connections.size === 0 ? Infinity : this.#nowMs + this.#limits.keepaliveMs;
    this.#deadlineMs = Math.min(this.#nextPingMs, this.#rooms.deadlineMs);
    for (const connection of this.#connections) this.#wakeBy(this.#connections.deadlineOf(connection));
  }

  #checkDeadlines(connection: Connection): void {
    const asking = connection.work?.asking;
    if (asking !== undefined) {
      if (asking.deadlineMs <= this.#nowMs) this.#decided(asking.ticket, "late");
    } else if (connection.announceByMs <= this.#nowMs) {
      this.#close(connection, CLOSE.notAnnounced, "not announced in time");
    } else if (connection.lastMessageMs + this.#limits.idleTimeoutMs <= this.#nowMs) {
      this.#close(connection, CLOSE.idle, "idle");
    }
  }

  #ping(connection: Connection): void {
    if (!connection.alive) {
      this.#count(CLOSE.abnormal);
      this.#outputs.push({ type: "terminate", connection: connection.connection });
      return this.#gone(connection, CLOSE.abnormal);
    }
    connection.alive = false;
    this.#outputs.push({ type: "ping", connection: connection.connection });
  }

  #close(connection: Connection, code: number, reason: string): void {
    this.#count(code);
    this.#outputs.push({ type: "close", connection: connection.connection, code, reason });
    const { connection: id, ip } = connection;
    this.#outputs.push({
      type: "log",
      message: "socket closed",
      fields: { connection: id, ip, code, reason },
    });
    this.#gone(connection, code);
  }

  #gone(connection: Connection, code: number): void {
    const { registration, work } = connection;
    if (work?.asking !== undefined) this.#tickets.delete(work.asking.ticket);
    this.#connections.remove(connection);
    if (registration === undefined) return;
    // Normal end, or a page that was left: nobody will come back with the key.
    if (code === 1000 || code === 1001) return this.#rooms.remove(registration, "closed");
    this.#rooms.detach(registration, this.#nowMs);
    this.#wakeBy(registration.expiresMs);
  }

  #count(code: number): void {
    this.#closed.set(code, (this.#closed.get(code) ?? 0) + 1);
  }

  #send(connection: Connection, value: JsonObject | JsonObject[] | undefined): void {
    if (!this.#connections.has(connection)) return;
    this.#outputs.push({ type: "send", connection: connection.connection, text: JSON.stringify(value) });
  }

  #context(): MethodContext {
    const { limits, name, version, authenticates, wallOffsetMs } = this.#options;
    const wallMs = this.#nowMs + wallOffsetMs;
    return { rooms: this.#rooms, limits, name, version, authenticates, nowMs: this.#nowMs, wallMs };
  }

  #wakeBy(atMs: number): void {
    this.#deadlineMs = Math.min(this.#deadlineMs, atMs);
  }
}

const AUTH_FAILURES: Record<Exclude<AuthVerdict, "allowed"> | "late", RpcFailure> = {
  refused: { kind: "UNAUTHORIZED", message: "not authorized to announce this id in this room" },
  failed: { kind: "INTERNAL_ERROR", message: "internal error" },
  late: { kind: "OPERATION_TIMEOUT", message: "authentication took too long" },
};
