// Snapshots of what the parts have counted, in one shape. Pure.
import type { PeerChannels } from "../channels/data-channel.ts";
import type { PeerMedia } from "../media/media.ts";
import type { PeerConnection } from "../peer/peer-connection.ts";
import type { LinkStatistics } from "../platform/platform.ts";
import type { PeerEntry } from "../platform/signaling-channel.ts";
import type { ConnectionState, PeerInfo, TransportState } from "./events.ts";

/** Counters of one peer; parts that do not exist (audio off, not connected yet) are null. */
export interface PeerStats {
  readonly peerId: string;
  readonly connectionId: string | null;
  readonly connectionState: ConnectionState;
  /** Signals that came too late or too often, by reason. */
  readonly negotiation: Readonly<PeerConnection["counters"]>;
  /** In and out, as counted by this library from RTP and RTCP. */
  readonly audio: ReturnType<PeerMedia["stats"]> | null;
  readonly channels: ReturnType<PeerChannels["stats"]> | null;
  /** Figures of the native connection, at most a second old. */
  readonly link: LinkStatistics | null;
}

/** One snapshot of a transport. */
export interface TransportStats {
  /** Unix ms. */
  readonly timestamp: number;
  readonly peerId: string;
  readonly state: TransportState;
  readonly peers: readonly PeerStats[];
}

/** Snapshot of one peer. */
export function peerStats(peer: PeerConnection): PeerStats {
  const active = peer.active;
  return Object.freeze({
    peerId: peer.remoteId,
    connectionId: active?.connectionId ?? null,
    connectionState: peer.state,
    negotiation: Object.freeze({ ...peer.counters }),
    audio: active?.live.media?.stats() ?? null,
    channels: active?.live.channels?.stats() ?? null,
    link: active?.live.statistics ?? null,
  });
}

/** The peer as `listPeers` shows it; `entry` is what it announced in the room, if it is still there. */
export function peerInfo(peer: PeerConnection, entry: PeerEntry | undefined): PeerInfo {
  return {
    peerId: peer.remoteId,
    connectionId: peer.active?.connectionId ?? null,
    connectionState: peer.state,
    capabilities: entry?.capabilities ?? [],
    userData: entry?.userData ?? null,
    connectedAt: peer.active?.connectedAt ?? null,
  };
}
