// Snapshots of what the parts have counted, in one shape. Pure.
import type { SyncChannelStatistics } from "../channels/sync-channel.ts";
import type { PeerChannels } from "../channels/data-channel.ts";
import type { PictureCounters } from "../media/engine/receiver-stats.ts";
import type { PeerMedia } from "../media/media.ts";
import type { PictureDecodingCounters } from "../media/video/picture-decoding.ts";
import type { VideoMediaStats } from "../media/video/video-media.ts";
import type { PeerConnection } from "../peer/peer-connection.ts";
import type { ConnectionQualityMetrics } from "../peer/quality.ts";
import type { LinkStatistics } from "../platform/platform.ts";
import type { PeerEntry } from "../platform/signaling-channel.ts";
import type { OutgoingVideoStats } from "./outgoing-video.ts";
import { statsReport } from "./stats-report.ts";
import type { PeerStatsEntry } from "./stats-report.ts";
import type { ConnectionState, PeerInfo, TransportState } from "./events.ts";

/** Counters of one peer's video. */
export interface PeerVideoStats extends VideoMediaStats {
  /** Of its coded pictures in the buffer that keeps them in step with its audio. */
  readonly buffer: PictureCounters | null;
  /** Of the decoder of its pictures; null before the first one. */
  readonly decoding: PictureDecodingCounters | null;
  /** Figures of the native connection, at most a second old. */
  readonly link: LinkStatistics | null;
}

/** Counters of one peer; parts that do not exist (audio off, not connected yet) are null. */
export interface PeerStats {
  readonly peerId: string;
  readonly connectionId: string | null;
  readonly connectionState: ConnectionState;
  /** Signals that came too late or too often, by reason. */
  readonly negotiation: Readonly<PeerConnection["counters"]>;
  /** In and out, as counted by this library from RTP and RTCP. */
  readonly audio: ReturnType<PeerMedia["stats"]> | null;
  readonly video: PeerVideoStats | null;
  readonly channels: ReturnType<PeerChannels["stats"]> | null;
  /** Clock exchanges and beacons of the `sync` channel. */
  readonly sync: SyncChannelStatistics | null;
  /** Figures of the native connection, at most a second old. */
  readonly link: LinkStatistics | null;
  /** The same figures under the names and in the units of the W3C. */
  readonly report: readonly PeerStatsEntry[];
}

/** One snapshot of a transport. */
export interface TransportStats {
  /** Unix ms. */
  readonly timestamp: number;
  readonly peerId: string;
  readonly state: TransportState;
  /** Where received media is worked on: this thread or a worker; null while stopped or without media. */
  readonly mediaHost: "inline" | "worker" | null;
  /** What the encoders of video have done; null without video. */
  readonly video: OutgoingVideoStats | null;
  readonly peers: readonly PeerStats[];
}

/** Snapshot of one peer. @param timestamp Unix ms */
export function peerStats(
  peer: PeerConnection,
  timestamp: number,
  decoding: PictureDecodingCounters | null,
): PeerStats {
  const active = peer.active;
  const media = active?.live.media;
  const audio = media?.stats() ?? null;
  const channels = active?.live.channels?.stats() ?? null;
  const link = active?.live.statistics ?? null;
  const videoLink = active?.live.videoStatistics ?? null;
  const video = active?.live.video?.stats() ?? null;
  return Object.freeze({
    peerId: peer.remoteId,
    connectionId: active?.connectionId ?? null,
    connectionState: peer.state,
    negotiation: Object.freeze({ ...peer.counters }),
    audio,
    video: video && { ...video, buffer: audio?.inbound.video ?? null, decoding, link: videoLink },
    channels,
    sync: active?.live.sync?.stats() ?? null,
    link,
    report: statsReport({
      timestamp,
      audio,
      packetLevel: media?.level === "packet",
      video,
      decoding,
      native: videoLink?.video ?? null,
      channels,
      link,
    }),
  });
}

/** The peer as `listPeers` shows it; `entry` is what it announced in the room, if it is still there. */
export function peerInfo(
  peer: PeerConnection,
  entry: PeerEntry | undefined,
  metrics: ConnectionQualityMetrics | undefined,
): PeerInfo {
  return {
    peerId: peer.remoteId,
    connectionId: peer.active?.connectionId ?? null,
    connectionState: peer.state,
    capabilities: entry?.capabilities ?? [],
    userData: entry?.userData ?? null,
    connectedAt: peer.active?.connectedAt ?? null,
    metrics: metrics ?? null,
    syncState: peer.active?.live.media?.syncState ?? null,
  };
}
