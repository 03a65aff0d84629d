// The shape of a link's media statistics. Types only.
import type { RemoteSending } from "../rtp/rtcp/reception.ts";
import type { RemoteReception, ReportsCounters } from "../rtp/rtcp/reports.ts";
import type { AudioStreamStats } from "./engine/engine.ts";
import type { AudioSenderCounters } from "./sender.ts";

/** The incoming stream. */
export type InboundAudioStats = AudioStreamStats;

/** The outgoing stream, and what the other side says of it. */
export interface OutboundAudioStats extends AudioSenderCounters {
  readonly ssrc: number;
  /** Undefined before the first report that tells. */
  readonly roundTripTimeMs: number | undefined;
  /** 0 to 1, of the other side's last report interval. */
  readonly remotePacketLossRate: number;
  readonly remotePacketsLost: number;
  readonly remoteJitterMs: number;
}

/** A snapshot of one link's media. */
export interface PeerMediaStats {
  readonly inbound: InboundAudioStats;
  readonly outbound: OutboundAudioStats;
  readonly rtcp: ReportsCounters & {
    /** What the peer says of our stream; undefined before its first report about it. */
    readonly reception: RemoteReception | undefined;
    /** What the peer says of its own stream; undefined before its first sender report. */
    readonly sending: RemoteSending | undefined;
  };
}
