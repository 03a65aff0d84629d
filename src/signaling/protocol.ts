// Between the wire and the client's own words: params of requests out of API values, events and results out of
// what a server sends. Pure; whatever arrives is checked first and a fault is a value, never an exception.
import type { ErrorCode } from "../errors/codes.ts";
import type { JsonObject, JsonValue } from "../runtime/data.ts";
import {
  PROTOCOL_VERSION,
  announceResult,
  candidateNotice,
  check,
  descriptionNotice,
  disconnectedNotice,
  listResult,
  peerEntry,
  peerLeftNotice,
} from "./messages.ts";
import { rpcErrorKind, toErrorCode } from "./rpc-errors.ts";
import type { RpcErrorBody } from "./rpc.ts";
import type {
  AnnounceResult,
  Announcement,
  CandidateMessage,
  DescriptionMessage,
  DisconnectedMessage,
  DisconnectReason,
  Exchange,
  PeerEntry,
  PeerLeftReason,
} from "../platform/signaling-channel.ts";

/** Longest text of a server's error that is passed on, in UTF-16 units. */
const MAX_SERVER_TEXT = 200;

/** Most peers read from one list; a server's room holds far fewer. */
const MAX_LISTED_PEERS = 1024;

/** A relayed message whose sender may have left `connection_id` out. */
export type Relayed<Message extends Exchange> = Omit<Message, "connectionId"> & {
  connectionId: string | undefined;
};

/** What a server's notification says. */
export type Notice =
  | { readonly type: "announced"; readonly peer: PeerEntry }
  | { readonly type: "left"; readonly peerId: string; readonly reason: PeerLeftReason }
  | { readonly type: "offer" | "answer"; readonly message: Relayed<DescriptionMessage> }
  | { readonly type: "candidate"; readonly message: Relayed<CandidateMessage> }
  | { readonly type: "disconnected"; readonly message: DisconnectedMessage }
  | { readonly type: "unknown" }
  | { readonly type: "malformed" };

/** Why a request failed; the door makes the error. */
export interface CallFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: JsonObject;
  readonly peerId?: string;
}

/** An announcement without its token: what is kept to announce again. */
export type Identity = Omit<Announcement, "authToken">;

/** A request of a caller, besides announcing. */
export type ClientRequest =
  | {
      readonly type: "offer" | "answer";
      readonly to: string;
      readonly sdp: string;
      readonly exchange: Exchange;
    }
  | { readonly type: "list" }
  | { readonly type: "leave" };

/** Where a candidate belongs, without its exchange. */
export type CandidatePlace = Omit<CandidateMessage, "from" | keyof Exchange>;

/** What is sent without waiting for an answer. */
export type ClientNotice =
  | {
      readonly type: "candidate";
      readonly to: string;
      readonly candidate: CandidatePlace;
      readonly exchange: Exchange;
    }
  | {
      readonly type: "disconnect";
      readonly to: string;
      readonly reason: DisconnectReason;
      readonly connectionId: string | undefined;
    };

/** Method and params of a message to the server. */
export interface WireCall {
  readonly method: string;
  readonly params: JsonObject;
}

/** `peer.announce`. The key of an earlier registration asks to go on with it. */
export function announceWire(
  identity: Identity,
  authToken: string | undefined,
  sessionKey: string | undefined,
): WireCall {
  const params: JsonObject = {
    peer_id: identity.peerId,
    room: identity.room,
    capabilities: [...identity.capabilities],
    protocol_version: PROTOCOL_VERSION,
  };
  if (identity.userData !== undefined) params.user_data = identity.userData;
  if (authToken !== undefined) params.auth_token = authToken;
  if (sessionKey !== undefined) params.session_key = sessionKey;
  return { method: "peer.announce", params };
}

/** The wire form of a request. */
export function requestWire(request: ClientRequest): WireCall {
  if (request.type === "list" || request.type === "leave") {
    return { method: `peer.${request.type}`, params: {} };
  }
  const { type, to, sdp, exchange } = request;
  // Candidates always follow on their own here: a description never waits for gathering.
  const params = { to, ...exchangeWire(exchange), sdp, can_trickle_ice_candidates: true };
  return { method: `peer.${type}`, params };
}

/** The wire form of a notice. */
export function noticeWire(notice: ClientNotice): WireCall {
  if (notice.type === "disconnect") {
    const { to, reason, connectionId } = notice;
    const params: JsonObject = { to, reason };
    if (connectionId !== undefined) params.connection_id = connectionId;
    return { method: "peer.disconnect", params };
  }
  const { sdpMid, sdpMLineIndex, usernameFragment, candidate } = notice.candidate;
  const params: JsonObject = { to: notice.to, ...exchangeWire(notice.exchange), candidate };
  if (sdpMid !== null) params.sdp_mid = sdpMid;
  if (sdpMLineIndex !== null) params.sdp_m_line_index = sdpMLineIndex;
  // An end of candidates for the whole connection names no medium (RTCIceCandidate); the wire asks for one.
  else if (sdpMid === null && candidate === "") params.sdp_m_line_index = 0;
  if (usernameFragment !== null) params.user_fragment = usernameFragment;
  return { method: "peer.ice_candidate", params };
}

/** Read a notification of the server. */
export function readNotice(method: string, params: unknown): Notice {
  switch (method) {
    case "peer.announced": {
      const peer = readPeer(params);
      return peer === undefined ? { type: "malformed" } : { type: "announced", peer };
    }
    case "peer.left": {
      const left = check(peerLeftNotice, params);
      if (!left.ok) return { type: "malformed" };
      return { type: "left", peerId: left.value.peer_id, reason: left.value.reason };
    }
    case "peer.offer":
      return readDescription("offer", params);
    case "peer.answer":
      return readDescription("answer", params);
    case "peer.ice_candidate":
      return readCandidate(params);
    case "peer.disconnected":
      return readDisconnected(params);
    default:
      return { type: "unknown" };
  }
}

/** Read the result of `peer.announce`; undefined when it makes no sense. */
export function readAnnounceResult(
  result: unknown,
): { readonly sessionKey: string; readonly result: AnnounceResult } | undefined {
  const checked = check(announceResult, result);
  if (!checked.ok) return undefined;
  const { session_key, resumed, server_time, peers, limits } = checked.value;
  return {
    sessionKey: session_key,
    result: { resumed, serverTime: server_time, peers: readPeers(peers), limits: limits as JsonObject },
  };
}

/** Read the result of `peer.list`; undefined when it makes no sense. */
export function readListResult(result: unknown): PeerEntry[] | undefined {
  const checked = check(listResult, result);
  return checked.ok ? readPeers(checked.value.peers) : undefined;
}

/** What a JSON-RPC error means to a caller. `method` names the request in the message. */
export function readFailure(method: string, error: RpcErrorBody): CallFailure {
  const data = typeof error.data === "object" && error.data !== null ? (error.data as JsonObject) : {};
  const kind = rpcErrorKind(error.code, data.kind);
  const details: JsonObject = {};
  if (kind !== undefined) details.kind = kind;
  if (typeof error.code === "number") details.rpcCode = error.code;
  if (typeof data.retry_after_ms === "number") details.retryAfterMs = data.retry_after_ms;
  if (typeof data.reason === "string") details.reason = shorten(data.reason);
  const words = typeof error.message === "string" ? shorten(error.message) : "no reason given";
  const failure = { code: toErrorCode(kind), message: `${method} was refused: ${words}`, details };
  return typeof data.peer_id === "string" ? { ...failure, peerId: shorten(data.peer_id) } : failure;
}

/** At most 200 characters of what a server says. */
export function shorten(text: string): string {
  return text.length <= MAX_SERVER_TEXT ? text : `${text.slice(0, MAX_SERVER_TEXT)}...`;
}

function exchangeWire(exchange: Exchange): JsonObject {
  return {
    request_id: exchange.requestId,
    connection_id: exchange.connectionId,
    link: exchange.link,
  };
}

function readDescription(type: "offer" | "answer", params: unknown): Notice {
  const checked = check(descriptionNotice, params);
  if (!checked.ok) return { type: "malformed" };
  const { from, sdp, can_trickle_ice_candidates, request_id, connection_id, link } = checked.value;
  const exchange = { requestId: request_id, connectionId: connection_id, link };
  return { type, message: { from, sdp, canTrickle: can_trickle_ice_candidates, ...exchange } };
}

function readCandidate(params: unknown): Notice {
  const checked = check(candidateNotice, params);
  if (!checked.ok) return { type: "malformed" };
  const { from, candidate, request_id, connection_id, link, ...place } = checked.value;
  return {
    type: "candidate",
    message: {
      from,
      candidate,
      sdpMid: place.sdp_mid ?? null,
      sdpMLineIndex: place.sdp_m_line_index ?? null,
      usernameFragment: place.user_fragment ?? null,
      requestId: request_id,
      connectionId: connection_id,
      link,
    },
  };
}

function readDisconnected(params: unknown): Notice {
  const checked = check(disconnectedNotice, params);
  if (!checked.ok) return { type: "malformed" };
  const { from, reason, details, connection_id } = checked.value;
  return {
    type: "disconnected",
    message: { from, reason, details: details ?? null, connectionId: connection_id ?? null },
  };
}

function readPeers(entries: unknown[]): PeerEntry[] {
  return entries
    .slice(0, MAX_LISTED_PEERS)
    .map(readPeer)
    .filter((peer) => peer !== undefined);
}

function readPeer(entry: unknown): PeerEntry | undefined {
  const checked = check(peerEntry, entry);
  if (!checked.ok) return undefined;
  const { peer_id, capabilities, user_data, announced_at } = checked.value;
  const userData = (user_data ?? null) as JsonValue;
  return { peerId: peer_id, capabilities, userData, announcedAt: announced_at };
}
