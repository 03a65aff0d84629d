// The shape of a link's media statistics. Types only.
import type { ReportsCounters } from "../rtp/rtcp/reports.ts";
import type { ReceiverCounters } from "./receiver.ts";
import type { AudioSenderCounters } from "./sender.ts";

/** The incoming stream. */
export interface InboundAudioStats extends ReceiverCounters {
  /** Undefined before the first packet. */
  readonly ssrc: number | undefined;
  /** Expected minus received, as RTCP counts it. */
  readonly packetsLost: number;
  /** RFC 3550 interarrival jitter. */
  readonly jitterMs: number;
}

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
  readonly rtcp: Pick<ReportsCounters, "reportsSent" | "reportsReceived" | "unknown" | "malformed">;
}
