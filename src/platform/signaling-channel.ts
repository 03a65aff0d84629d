// What the transport asks of signaling. SignalingClient speaks JSON-RPC over a WebSocket; programs may bring
// another implementation, e.g. in memory or over their own server. Types only.
import type { CallOptions } from "../runtime/call.ts";
import type { JsonObject, JsonValue } from "../runtime/data.ts";
import type { EventSource } from "../runtime/emitter.ts";

/** What a peer can do; a non-empty subset is announced. */
export type Capability = "audio" | "video" | "data";

/** A peer in the room. */
export interface PeerEntry {
  peerId: string;
  capabilities: Capability[];
  userData: JsonValue;
  /** Unix ms. */
  announcedAt: number;
}

/** Who we are, in which room. */
export interface Announcement {
  peerId: string;
  room: string;
  capabilities: Capability[];
  userData?: JsonValue;
  /** Handed to the server's authentication. A function is asked anew each time, also for the return after a loss. */
  authToken?: string | (() => string | Promise<string>);
}

/** What an announcement, or a return after a loss, comes to. */
export interface AnnounceResult {
  /** True when an earlier registration goes on: nobody in the room saw us leave. */
  resumed: boolean;
  /** The others in the room at this moment. */
  peers: PeerEntry[];
  serverTime: string;
  limits: JsonObject;
}

/** Which exchange a relayed message belongs to. */
export interface Exchange {
  /** One offer/answer exchange. */
  requestId: string;
  /** One native connection pair. */
  connectionId: string;
  /** Name of the native connection among those of the same two peers; `media` unless said otherwise. */
  link: string;
}

/** An offer or answer of another peer. */
export interface DescriptionMessage extends Exchange {
  from: string;
  sdp: string;
  canTrickle: boolean;
}

/** A trickled candidate of another peer; the empty string ends them. */
export interface CandidateMessage extends Exchange {
  from: string;
  candidate: string;
  sdpMid: string | null;
  sdpMLineIndex: number | null;
  usernameFragment: string | null;
}

/** Why a peer ended a connection. */
export type DisconnectReason =
  "user_requested" | "network_error" | "timeout" | "error" | "unknown" | "rejected" | "replaced";

/** A peer has ended a connection with us. */
export interface DisconnectedMessage {
  from: string;
  reason: DisconnectReason;
  details: string | null;
  /** Null: all connections with that peer. */
  connectionId: string | null;
}

/** Why a peer is no longer in the room: it left, did not come back, closed its socket, or was removed. */
export type PeerLeftReason = "left" | "timeout" | "closed" | "kicked";

/** State of the socket. `closed` lasts until `connect` is called again. */
export type SignalingState = "idle" | "connecting" | "connected" | "reconnecting" | "closed";

/** Event name -> value. */
export interface SignalingEvents {
  stateChange: SignalingState;
  peerAnnounced: PeerEntry;
  peerLeft: { peerId: string; reason: PeerLeftReason };
  offer: DescriptionMessage;
  answer: DescriptionMessage;
  iceCandidate: CandidateMessage;
  peerDisconnected: DisconnectedMessage;
  /** The socket went away; `willReconnect` says whether the channel tries to come back by itself. */
  disconnected: { code: number; reason: string; willReconnect: boolean };
  /** Back after a loss and announced again; `peers` is the room now. */
  reconnected: AnnounceResult;
}

/**
 * A way to find peers and to exchange descriptions with them. Failures reject with TransportError
 * (`SIGNALING_ERROR`, `PEER_NOT_FOUND`, `PEER_ID_TAKEN`, `UNAUTHORIZED`, `SDP_ERROR`, ...).
 */
export interface SignalingChannel extends EventSource<SignalingEvents> {
  readonly state: SignalingState;
  connect(options?: CallOptions): Promise<void>;
  announce(announcement: Announcement, options?: CallOptions): Promise<AnnounceResult>;
  listPeers(options?: CallOptions): Promise<PeerEntry[]>;
  /** Resolves when the server has forwarded it. */
  sendOffer(to: string, sdp: string, exchange: Exchange, options?: CallOptions): Promise<void>;
  sendAnswer(to: string, sdp: string, exchange: Exchange, options?: CallOptions): Promise<void>;
  /** Fire and forget. */
  sendIceCandidate(
    to: string,
    candidate: Omit<CandidateMessage, "from" | keyof Exchange>,
    exchange: Exchange,
  ): void;
  /** Fire and forget; arrives as `peerDisconnected`. */
  sendDisconnect(to: string, reason: DisconnectReason, connectionId?: string): void;
  /** Leave the room and keep the socket. */
  leave(options?: CallOptions): Promise<void>;
  /** Close the socket; idempotent. No timer is left. */
  close(): Promise<void>;
}
