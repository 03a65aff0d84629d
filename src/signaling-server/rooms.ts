// Who is in which room, what waits for whom, and how a registration survives its socket. Writes what is to be sent
// into the hub's outputs; knows nothing of JSON-RPC requests and replies.
import type { JsonObject, JsonValue } from "../runtime/data.ts";
import { encodeNotification, utf8Bytes } from "../signaling/rpc.ts";
import type { RpcFailure } from "../signaling/rpc.ts";
import type { Capability, PeerLeftReason } from "../platform/signaling-channel.ts";
import { newSessionKey, sameKey } from "./auth.ts";
import type { HubOutput } from "./hub-io.ts";
import type { SignalingLimits } from "./limits.ts";

/** A peer in a room. It may be without a socket for a while. */
export interface Registration {
  readonly peerId: string;
  readonly room: string;
  /** Unix ms. */
  readonly announcedAt: number;
  readonly sessionKey: string;
  capabilities: Capability[];
  userData: JsonValue;
  /** Undefined between two sockets. */
  connection: number | undefined;
  /** Monotonic ms at which it ends without a socket; Infinity with one. */
  expiresMs: number;
  /** Messages go to the queue: there is no socket, or its first reply is still to come. */
  holding: boolean;
  queue: string[];
  queuedBytes: number;
  /** Offers that wait for an answer, by answerer and link. */
  readonly offers: Map<string, PendingOffer>;
}

interface PendingOffer {
  readonly requestId: string;
  /** The registration, not its id: another peer under the same id answers nothing. */
  readonly answerer: Registration;
  readonly expiresMs: number;
}

/** What an announcement asks for. */
export interface Registering {
  readonly peerId: string;
  readonly room: string;
  readonly capabilities: Capability[];
  readonly userData: JsonValue;
  readonly sessionKey: string | undefined;
}

/** What became of an announcement. */
export type Registered =
  | {
      readonly ok: true;
      readonly registration: Registration;
      readonly resumed: boolean;
      /** Socket that served the registration until now. */
      readonly replaced: number | undefined;
    }
  | { readonly ok: false; readonly failure: RpcFailure };

/** The rooms of one server. */
export class Rooms {
  readonly #limits: SignalingLimits;
  readonly #randomBytes: (length: number) => Uint8Array;
  readonly #outputs: HubOutput[];
  readonly #rooms = new Map<string, Map<string, Registration>>();
  readonly #detached = new Set<Registration>();
  #peers = 0;

  constructor(limits: SignalingLimits, randomBytes: (length: number) => Uint8Array, outputs: HubOutput[]) {
    this.#limits = limits;
    this.#randomBytes = randomBytes;
    this.#outputs = outputs;
  }

  get size(): number {
    return this.#rooms.size;
  }

  get peers(): number {
    return this.#peers;
  }

  /** When the first registration without a socket ends. */
  get deadlineMs(): number {
    let earliest = Infinity;
    for (const { expiresMs } of this.#detached) earliest = Math.min(earliest, expiresMs);
    return earliest;
  }

  find(room: string, peerId: string): Registration | undefined {
    return this.#rooms.get(room)?.get(peerId);
  }

  /** Enter a room, or go on with the registration that the key belongs to. */
  register(request: Registering, connection: number, wallMs: number): Registered {
    const existing = this.find(request.room, request.peerId);
    if (existing === undefined) return this.#enter(request, connection, wallMs);
    if (!sameKey(existing.sessionKey, request.sessionKey)) {
      const message = "the peer id is taken in this room";
      const data = { registered_at: existing.announcedAt };
      return { ok: false, failure: { kind: "PEER_ID_TAKEN", message, data } };
    }
    const replaced = existing.connection;
    existing.capabilities = request.capabilities;
    existing.userData = request.userData;
    existing.connection = connection;
    existing.expiresMs = Infinity;
    existing.holding = true;
    this.#detached.delete(existing);
    return { ok: true, registration: existing, resumed: true, replaced };
  }

  /** New capabilities and user data under the same id; the room is told. */
  update(registration: Registration, capabilities: Capability[], userData: JsonValue): void {
    registration.capabilities = capabilities;
    registration.userData = userData;
    this.#announce(registration);
  }

  /** What others see of the room. */
  others(registration: Registration): JsonObject[] {
    const members = [...(this.#rooms.get(registration.room)?.values() ?? [])];
    return members.filter((member) => member !== registration).map(entryWire);
  }

  /** The socket is gone, the registration stays for a while. */
  detach(registration: Registration, nowMs: number): void {
    registration.connection = undefined;
    registration.holding = true;
    registration.expiresMs = nowMs + this.#limits.resumeMs;
    this.#detached.add(registration);
  }

  /** Out of the room, and the others are told. */
  remove(registration: Registration, reason: PeerLeftReason): void {
    const room = this.#rooms.get(registration.room);
    if (room?.get(registration.peerId) !== registration) return;
    room.delete(registration.peerId);
    this.#peers -= 1;
    if (room.size === 0) this.#rooms.delete(registration.room);
    this.#detached.delete(registration);
    registration.connection = undefined;
    // Offers of others may still point here: nothing heavy stays behind.
    registration.queue = [];
    registration.offers.clear();
    this.#broadcast(registration, "peer.left", { peer_id: registration.peerId, reason });
  }

  /** Remove the registrations that nobody came back for. */
  expire(nowMs: number): void {
    for (const registration of [...this.#detached]) {
      if (registration.expiresMs <= nowMs) this.remove(registration, "timeout");
    }
  }

  /** Send to a peer, or keep it for its return. @returns false when there is no room to keep it */
  deliver(target: Registration, text: string): boolean {
    if (!target.holding && target.connection !== undefined) {
      this.#outputs.push({ type: "send", connection: target.connection, text });
      return true;
    }
    const bytes = utf8Bytes(text);
    if (target.queue.length >= this.#limits.resumeMessages) return false;
    if (target.queuedBytes + bytes > this.#limits.resumeBytes) return false;
    target.queue.push(text);
    target.queuedBytes += bytes;
    return true;
  }

  /** Send what was kept; from now on messages go straight to the socket. */
  flush(registration: Registration): void {
    const { connection, queue } = registration;
    if (connection === undefined) return;
    registration.holding = false;
    registration.queue = [];
    registration.queuedBytes = 0;
    for (const text of queue) this.#outputs.push({ type: "send", connection, text });
  }

  /** Whether an offer may be made now; a newer one replaces that of the same pair and link. */
  checkOffer(
    offerer: Registration,
    answerer: Registration,
    link: string,
    requestId: string,
    nowMs: number,
  ): RpcFailure | undefined {
    const key = `${answerer.peerId}/${link}`;
    for (const [name, { expiresMs }] of offerer.offers) if (expiresMs <= nowMs) offerer.offers.delete(name);
    const pending = offerer.offers.get(key);
    if (pending === undefined && offerer.offers.size >= this.#limits.pendingOffers) {
      return { kind: "LIMIT_EXCEEDED", message: "too many offers wait for an answer" };
    }
    if (pending?.answerer !== answerer || pending.requestId !== requestId) return undefined;
    return { kind: "NEGOTIATION_IN_PROGRESS", message: "an offer with this request_id waits for its answer" };
  }

  /** Note an offer that was forwarded. */
  placeOffer(
    offerer: Registration,
    answerer: Registration,
    link: string,
    requestId: string,
    nowMs: number,
  ): void {
    const expiresMs = nowMs + this.#limits.offerMs;
    offerer.offers.set(`${answerer.peerId}/${link}`, { requestId, answerer, expiresMs });
  }

  /** Use up the offer that an answer belongs to (same pair, same request). @returns false when none waits */
  takeOffer(offerer: Registration, answerer: Registration, requestId: string, nowMs: number): boolean {
    for (const [key, offer] of offerer.offers) {
      if (offer.answerer !== answerer || offer.requestId !== requestId || offer.expiresMs <= nowMs) continue;
      return offerer.offers.delete(key);
    }
    return false;
  }

  #enter(request: Registering, connection: number, wallMs: number): Registered {
    const room = this.#rooms.get(request.room);
    if (room === undefined && this.#rooms.size >= this.#limits.rooms)
      return full("the server has no room left");
    if (room !== undefined && room.size >= this.#limits.peersPerRoom) return full("the room is full");
    const registration: Registration = {
      peerId: request.peerId,
      room: request.room,
      announcedAt: Math.floor(wallMs),
      sessionKey: newSessionKey(this.#randomBytes),
      capabilities: request.capabilities,
      userData: request.userData,
      connection,
      expiresMs: Infinity,
      holding: false,
      queue: [],
      queuedBytes: 0,
      offers: new Map(),
    };
    if (room === undefined) this.#rooms.set(request.room, new Map([[request.peerId, registration]]));
    else room.set(request.peerId, registration);
    this.#peers += 1;
    this.#announce(registration);
    return { ok: true, registration, resumed: false, replaced: undefined };
  }

  #announce(registration: Registration): void {
    this.#broadcast(registration, "peer.announced", entryWire(registration));
  }

  /** Presence is not kept for peers without a socket: on their return they get the whole list. */
  #broadcast(about: Registration, method: string, params: JsonObject): void {
    const text = encodeNotification(method, params);
    for (const member of this.#rooms.get(about.room)?.values() ?? []) {
      if (member === about || member.connection === undefined) continue;
      this.#outputs.push({ type: "send", connection: member.connection, text });
    }
  }
}

function full(message: string): Registered {
  return { ok: false, failure: { kind: "LIMIT_EXCEEDED", message } };
}

function entryWire({ peerId, capabilities, userData, announcedAt }: Registration): JsonObject {
  return { peer_id: peerId, capabilities: [...capabilities], user_data: userData, announced_at: announcedAt };
}
