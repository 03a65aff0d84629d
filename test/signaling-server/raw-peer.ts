// A client without any manners: raw text to a server and raw frames back, over a real socket or straight to the hub.
import type { JsonObject } from "../../src/runtime/data.ts";
import type { SignalingLimits } from "../../src/signaling-server/limits.ts";

/** One connection to a server under test. */
export interface RawPeer {
  sendText(text: string): void;
  sendBinary(): void;
  /** The next frame, parsed; fails when none comes. */
  next(): Promise<JsonObject>;
  /** The code the server closes with; fails when it does not. */
  closed(): Promise<number>;
  /** Go away without a closing handshake. */
  vanish(): void;
}

/** What the tests ask of a server. */
export interface WorldOptions {
  limits?: Partial<SignalingLimits>;
  authenticate?: (token: string | undefined, peerId: string, room: string) => boolean;
}

/** A server under test. */
export interface World {
  connect(): Promise<RawPeer>;
  stop(): Promise<void>;
}

/** A session description that passes the server's checks. */
export const SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n";

/** An array, as frames with a batch of replies are. */
export async function nextBatch(peer: RawPeer): Promise<JsonObject[]> {
  return (await peer.next()) as unknown as JsonObject[];
}

export function send(peer: RawPeer, message: unknown): void {
  peer.sendText(JSON.stringify(message));
}

/** Send a request and take the next frame as its answer. */
export function request(
  peer: RawPeer,
  method: string,
  params?: unknown,
  id: unknown = "r",
): Promise<JsonObject> {
  send(peer, { jsonrpc: "2.0", id, method, params });
  return peer.next();
}

export function notify(peer: RawPeer, method: string, params?: unknown): void {
  send(peer, { jsonrpc: "2.0", method, params });
}

/** The result of a request that must work. */
export async function ok(peer: RawPeer, method: string, params?: unknown): Promise<JsonObject> {
  const answer = await request(peer, method, params);
  if (answer.result === undefined) throw new Error(`${method} was refused: ${JSON.stringify(answer)}`);
  return answer.result as JsonObject;
}

export function announce(peer: RawPeer, peerId: string, more: JsonObject = {}): Promise<JsonObject> {
  return ok(peer, "peer.announce", { peer_id: peerId, capabilities: ["audio"], ...more });
}

/** Fails unless nothing has come before the answer to a ping: whatever was sent before has been handled then. */
export async function quiet(peer: RawPeer): Promise<void> {
  const answer = await request(peer, "server.ping", {}, "fence");
  if (answer.id !== "fence") throw new Error(`expected silence, got ${JSON.stringify(answer)}`);
}

/** Params of an offer or answer. */
export function description(to: string, more: JsonObject = {}): JsonObject {
  return { to, request_id: "q1", sdp: SDP, can_trickle_ice_candidates: true, ...more };
}

/** Params of a candidate. */
export function candidate(to: string, more: JsonObject = {}): JsonObject {
  return {
    to,
    request_id: "q1",
    candidate: "candidate:1 1 udp 1 127.0.0.1 9 typ host",
    sdp_mid: "0",
    ...more,
  };
}
