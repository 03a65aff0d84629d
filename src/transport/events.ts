// What a transport tells its program, and how a peer looks from outside. Types only.
import type { VideoCodecName } from "../platform/video-codecs.ts";
import type { TransportError } from "../errors/errors.ts";
import type { ControlAction } from "../runtime/control-action.ts";
import type { DataChannelMessage, JsonValue, RuntimeData } from "../runtime/data.ts";
import type { ActiveSpeakerChange } from "../media/active-speaker.ts";
import type { SyncState } from "../sync/sync-types.ts";
import type { NegotiationState } from "../peer/negotiation-io.ts";
import type { ConnectionQualityMetrics } from "../peer/quality.ts";
import type { SessionEvent } from "../session/session-events.ts";
import type { Capability, PeerEntry, PeerLeftReason, SignalingState } from "../platform/signaling-channel.ts";

/** Life of a transport; `start()` may follow `stopped`. */
export type TransportState = "idle" | "starting" | "started" | "stopping" | "stopped";

/** State of the connection to one peer. */
export type ConnectionState = NegotiationState;

/** A peer that is connected or connecting. */
export interface PeerInfo {
  peerId: string;
  /** Names the native connection in use; null while there is none. */
  connectionId: string | null;
  connectionState: ConnectionState;
  capabilities: Capability[];
  userData: JsonValue;
  /** Unix ms; null unless connected. */
  connectedAt: number | null;
  /** How good the connection is, at most a second old; null unless connected. */
  metrics: ConnectionQualityMetrics | null;
  /** How well its capture times are known; null without audio. */
  syncState: SyncState | null;
}

/** Events of a transport and the value each carries. */
export interface TransportEvents {
  stateChange: TransportState;
  signalingStateChange: SignalingState;
  /** Somebody joined the room; a connection follows only if one side asks for it. */
  peerAnnounced: PeerEntry;
  peerLeft: { peerId: string; reason: PeerLeftReason };
  peerConnected: { peerId: string; connectionId: string };
  peerDisconnected: { peerId: string; reason: string };
  /** Pictures can be sent to a peer from now on, coded by `codec`, or not any more. */
  videoConnected: { peerId: string; codec: VideoCodecName };
  videoDisconnected: { peerId: string };
  /** An attempt to connect failed. */
  peerFailed: { peerId: string; error: TransportError };
  /** How well the capture times of a peer are known has changed. */
  syncStateChange: { peerId: string; state: SyncState };
  /** How good the connection to a peer is, every second. */
  metrics: { peerId: string; metrics: ConnectionQualityMetrics };
  /** The score of a connection has fallen below 50, or has risen to 55 after that. */
  qualityChange: { peerId: string; acceptable: boolean; score: number };
  /** Another of the remote peers speaks, or, with null, nobody does any more. */
  activeSpeaker: ActiveSpeakerChange;
  /** Anything but audio that a peer sent with `sendToPeer` or `broadcast`. */
  data: { peerId: string; data: RuntimeData };
  dataChannelMessage: { peerId: string; message: DataChannelMessage };
  /** A peer asked for something, or told it, with `sendControl`; `allowed` says whether it may. */
  control: { peerId: string; action: ControlAction; allowed: boolean };
  /** Something happened in a session. */
  sessionEvent: SessionEvent;
  /** Something works less well than it could. */
  warning: { message: string };
  /** A fault that ended nothing: bad data from a peer (the first of each kind), a throwing listener. */
  error: TransportError;
}
