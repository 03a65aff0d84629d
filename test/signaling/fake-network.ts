// A platform for the client under test: virtual time, and sockets whose other end is the test, or a hub.
import { expect } from "vitest";
import { TransportError } from "../../src/errors/errors.ts";
import type { Platform, Socket, SocketEvents } from "../../src/platform/platform.ts";
import type { JsonObject } from "../../src/runtime/data.ts";
import { ScopedLogger } from "../../src/runtime/logger.ts";
import { SignalingClient } from "../../src/signaling/signaling.ts";
import type { SignalingClientOptions } from "../../src/signaling/signaling.ts";
import type { ClientEvent } from "../../src/signaling/presence.ts";
import type { SignalingEvents } from "../../src/platform/signaling-channel.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

/** A socket as the server sees it: the test plays the server. */
export class FakeSocket implements Socket {
  readonly url: string;
  /** What the client has sent, parsed. */
  readonly sent: JsonObject[] = [];
  /** How the client closed it. */
  closedWith: number | undefined;
  readonly #events: SocketEvents;
  #open = false;

  constructor(url: string, events: SocketEvents) {
    this.url = url;
    this.#events = events;
  }

  send(text: string): void {
    if (this.#open) this.sent.push(JSON.parse(text) as JsonObject);
  }

  close(code?: number): void {
    this.closedWith = code ?? 1005;
    this.#open = false;
  }

  accept(): void {
    this.#open = true;
    this.#events.open();
  }

  text(text: string): void {
    this.#events.message(text);
  }

  frame(frame: unknown): void {
    this.text(JSON.stringify(frame));
  }

  notice(method: string, params: unknown): void {
    this.frame({ jsonrpc: "2.0", method, params });
  }

  /** Answer the newest request of a method. */
  answer(method: string, result: unknown): void {
    this.frame({ jsonrpc: "2.0", id: this.last(method).id, result });
  }

  refuse(method: string, code: number, data?: JsonObject, message = "no"): void {
    this.frame({ jsonrpc: "2.0", id: this.last(method).id, error: { code, message, data } });
  }

  end(code: number, reason = ""): void {
    this.#open = false;
    this.#events.close(code, reason);
  }

  last(method: string): JsonObject {
    const found = this.sent.filter((message) => message.method === method).at(-1);
    if (found === undefined) throw new Error(`${method} was not sent: ${JSON.stringify(this.sent)}`);
    return found;
  }
}

export class FakeNetwork {
  readonly clock = new VirtualClock();
  readonly sockets: FakeSocket[] = [];
  readonly lines: string[] = [];
  readonly platform: Pick<Platform, "openSocket" | "clock" | "randomBytes">;

  constructor() {
    const random = new SeededRandom("client");
    this.platform = {
      clock: this.clock,
      randomBytes: (length) => random.bytes(length),
      openSocket: (url, events) => {
        const socket = new FakeSocket(url, events);
        this.sockets.push(socket);
        return socket;
      },
    };
  }

  /** The newest socket. */
  get socket(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error("no socket was opened");
    return socket;
  }

  client(options: Partial<SignalingClientOptions> = {}): SignalingClient {
    const log = (message: string, fields: JsonObject): void => {
      this.lines.push(`${message} ${JSON.stringify(fields)}`);
    };
    const logger = new ScopedLogger({ debug: log, info: log, warn: log, error: log }, "debug", {});
    return new SignalingClient({
      url: "ws://server.example/path",
      platform: this.platform,
      logger,
      ...options,
    });
  }

  /** A client with an open socket. */
  async connected(options: Partial<SignalingClientOptions> = {}): Promise<SignalingClient> {
    const client = this.client(options);
    const connecting = client.connect();
    this.socket.accept();
    await connecting;
    return client;
  }

  /** A client that has announced itself as alice, with bob in the room. */
  async announced(options: Partial<SignalingClientOptions> = {}): Promise<SignalingClient> {
    const client = await this.connected(options);
    const announcing = client.announce(ALICE);
    await this.clock.run(0);
    this.socket.answer("peer.announce", registered());
    await announcing;
    return client;
  }
}

export const ALICE = {
  peerId: "alice",
  room: "default",
  capabilities: ["audio" as const, "data" as const],
  authToken: "s3cr3t",
};

/** What a description or a candidate belongs to. */
export const EXCHANGE = { requestId: "q1", connectionId: "c1", link: "media" };
/** A candidate. */
export const PLACE = { candidate: "candidate:1", sdpMid: "0", sdpMLineIndex: null, usernameFragment: null };

/** A peer as it stands in lists. */
export function entry(peerId: string): JsonObject {
  return { peer_id: peerId, capabilities: ["audio"], user_data: null, announced_at: 5 };
}

/** Result of an announcement. */
export function registered(more: JsonObject = {}): JsonObject {
  return {
    status: "registered",
    peer_id: "alice",
    room: "default",
    protocol_version: 1,
    server_time: "2026-01-01T00:00:00.000Z",
    session_key: "key-1",
    resumed: false,
    peers: [entry("bob")],
    limits: { batch: 32 },
    ...more,
  };
}

const EVENTS = [
  "stateChange",
  "peerAnnounced",
  "peerLeft",
  "offer",
  "answer",
  "iceCandidate",
  "peerDisconnected",
  "disconnected",
  "reconnected",
] as const satisfies (keyof SignalingEvents)[];

/** Everything a client emits from now on, in order. */
export function record(client: SignalingClient): ClientEvent[] {
  const events: ClientEvent[] = [];
  for (const name of EVENTS) client.on(name, (value) => events.push({ name, value } as ClientEvent));
  return events;
}

export function namesOf(events: readonly { name: string }[]): string[] {
  return events.map(({ name }) => name);
}

/** Let the socket come back and be accepted. */
export async function comeBack(net: FakeNetwork, withinMs = 1000): Promise<void> {
  const sockets = net.sockets.length;
  await net.clock.run(withinMs);
  expect(net.sockets.length).toBe(sockets + 1);
  net.socket.accept();
  await net.clock.run(0);
}

/** The error a promise rejects with. */
export async function errorOf(promise: Promise<unknown>): Promise<TransportError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof TransportError) return error;
  throw new Error(`expected a TransportError, got ${String(error)}`);
}

/** Its code. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  return (await errorOf(promise)).code;
}
