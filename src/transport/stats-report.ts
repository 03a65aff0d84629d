// The statistics of one peer under the names and in the units of the W3C (https://www.w3.org/TR/webrtc-stats/): times in
// seconds, timestamps in Unix ms, bitrates in bit/s. What nobody measures is left out. Pure.
import type { ChannelStatistics } from "../channels/channel-statistics.ts";
import type { PeerMediaStats } from "../media/media-stats.ts";
import type { LinkStatistics } from "../platform/platform.ts";
import { isZeroNtp, ntpToUnixUs } from "../rtp/ntp.ts";
import type { RemoteSending } from "../rtp/rtcp/reception.ts";
import { known, seconds } from "./report-values.ts";
import { videoEntries } from "./video-report.ts";
import type { VideoReportSources, VideoStats } from "./video-report.ts";

/** RTCStats: what every entry has. */
interface StatsEntry<Type extends string> {
  /** The same in every report of a connection. */
  readonly id: string;
  /** Unix ms at which the report was made. */
  readonly timestamp: number;
  readonly type: Type;
}

/** RTCRtpStreamStats. */
interface AudioStatsEntry<Type extends string> extends StatsEntry<Type> {
  readonly kind: "audio";
  readonly ssrc: number;
}

/** RTCInboundRtpStreamStats: the peer's audio as it came here. Samples are per channel at 48 kHz. */
export interface InboundRtpStats extends AudioStatsEntry<"inbound-rtp"> {
  /** Id of the entry with the sender's view. */
  readonly remoteId?: string;
  readonly packetsReceived: number;
  readonly packetsLost: number;
  readonly jitter: number;
  /** Payload. */
  readonly bytesReceived: number;
  /** Headers, header extensions and padding. */
  readonly headerBytesReceived?: number;
  /** Came too late or too early for the jitter buffer. */
  readonly packetsDiscarded: number;
  readonly totalSamplesReceived?: number;
  readonly concealedSamples: number;
  /** Of these, silence. */
  readonly silentConcealedSamples?: number;
  readonly insertedSamplesForDeceleration: number;
  readonly removedSamplesForAcceleration: number;
  /** Sum over all samples that left the jitter buffer of the time they spent in it; divide by the count of them. */
  readonly jitterBufferDelay?: number;
  readonly jitterBufferEmittedCount?: number;
}

/** RTCOutboundRtpStreamStats: our audio as it left. */
export interface OutboundRtpStats extends AudioStatsEntry<"outbound-rtp"> {
  readonly remoteId?: string;
  readonly packetsSent: number;
  /** Payload. */
  readonly bytesSent: number;
  readonly headerBytesSent?: number;
  /** NACK packets received. */
  readonly nackCount?: number;
}

/** RTCRemoteInboundRtpStreamStats: our audio as the peer says it came. */
export interface RemoteInboundRtpStats extends AudioStatsEntry<"remote-inbound-rtp"> {
  /** Id of the outbound-rtp entry. */
  readonly localId: string;
  readonly packetsLost?: number;
  /** 0 to 1, of the peer's last report interval. */
  readonly fractionLost?: number;
  readonly jitter?: number;
  readonly roundTripTime?: number;
  readonly totalRoundTripTime?: number;
  readonly roundTripTimeMeasurements?: number;
}

/** RTCRemoteOutboundRtpStreamStats: the peer's audio as it says it left. */
export interface RemoteOutboundRtpStats extends AudioStatsEntry<"remote-outbound-rtp"> {
  /** Id of the inbound-rtp entry. */
  readonly localId: string;
  readonly packetsSent?: number;
  readonly bytesSent?: number;
  readonly reportsSent?: number;
  /** Unix ms on the peer's clock at its last report. */
  readonly remoteTimestamp?: number;
}

/** RTCIceCandidatePairStats of the pair in use. */
export interface CandidatePairStats extends StatsEntry<"candidate-pair"> {
  readonly state: "succeeded";
  readonly nominated: true;
  readonly bytesSent?: number;
  readonly bytesReceived?: number;
  /** In Node that of the data channels' transport (SCTP). */
  readonly currentRoundTripTime?: number;
  readonly availableOutgoingBitrate?: number;
}

/** RTCDataChannelStats. Bytes are those of messages, without our framing. */
export interface DataChannelStats extends StatsEntry<"data-channel"> {
  readonly label: string;
  readonly state: "connecting" | "open" | "closed";
  readonly messagesSent: number;
  readonly bytesSent: number;
  readonly messagesReceived: number;
  readonly bytesReceived: number;
}

/** One entry of a report, told apart by `type`. */
export type PeerStatsEntry =
  | InboundRtpStats
  | OutboundRtpStats
  | RemoteInboundRtpStats
  | RemoteOutboundRtpStats
  | CandidatePairStats
  | DataChannelStats
  | VideoStats;

/** What a report is made of; parts that do not exist are null. */
export interface ReportSources extends VideoReportSources {
  readonly audio: PeerMediaStats | null;
  /** Whether packets are made here; a browser's own are in `link`. */
  readonly packetLevel: boolean;
  readonly channels: Pick<ChannelStatistics, "channels"> | null;
  readonly link: LinkStatistics | null;
}

/** Shape a report: frozen, one entry for each thing there is. */
export function statsReport(sources: ReportSources): readonly PeerStatsEntry[] {
  const entries: (PeerStatsEntry | undefined)[] = [
    ...inboundEntries(sources),
    ...outboundEntries(sources),
    ...videoEntries(sources),
    candidatePair(sources),
    ...dataChannels(sources),
  ];
  return Object.freeze(entries.filter((entry) => entry !== undefined).map((entry) => Object.freeze(entry)));
}

function inboundEntries({ timestamp, audio, link }: ReportSources): (PeerStatsEntry | undefined)[] {
  const ssrc = audio?.inbound.ssrc;
  if (audio === null || ssrc === undefined) return [];
  const common = { timestamp, kind: "audio" as const, ssrc };
  const { inbound, rtcp } = audio;
  const localId = `inbound-rtp-${ssrc}`;
  const id = `remote-outbound-rtp-${ssrc}`;
  const remote = sendingOf(rtcp.sending) ?? nativeSendingOf(link?.audioInRemote);
  const remoteEntry: RemoteOutboundRtpStats | undefined =
    remote === undefined ? undefined : { id, type: "remote-outbound-rtp", ...common, localId, ...remote };
  const entry: InboundRtpStats = {
    id: localId,
    type: "inbound-rtp",
    ...common,
    ...(remoteEntry !== undefined && { remoteId: id }),
    packetsReceived: inbound.packetsReceived,
    packetsLost: inbound.packetsLost,
    jitter: inbound.jitterMs / 1000,
    bytesReceived: inbound.bytesReceived,
    packetsDiscarded: inbound.late + inbound.overruns,
    concealedSamples: inbound.concealedSamples,
    insertedSamplesForDeceleration: inbound.insertedSamples,
    removedSamplesForAcceleration: inbound.removedSamples,
    ...known({
      headerBytesReceived: inbound.headerBytesReceived || undefined,
      totalSamplesReceived: inbound.totalSamples,
      silentConcealedSamples: inbound.silentConcealedSamples,
      jitterBufferDelay: seconds(inbound.jitterBufferDelayMs),
      jitterBufferEmittedCount: inbound.jitterBufferEmittedSamples,
    }),
  };
  return [entry, remoteEntry];
}

function outboundEntries(sources: ReportSources): (PeerStatsEntry | undefined)[] {
  const sent = sources.packetLevel ? ownSending(sources.audio) : nativeSending(sources.link);
  if (sent === undefined) return [];
  const { ssrc, remote, ...counts } = sent;
  const common = { timestamp: sources.timestamp, kind: "audio" as const, ssrc };
  const localId = `outbound-rtp-${ssrc}`;
  const id = `remote-inbound-rtp-${ssrc}`;
  const remoteEntry: RemoteInboundRtpStats | undefined =
    remote === undefined ? undefined : { id, type: "remote-inbound-rtp", ...common, localId, ...remote };
  const remoteId = remoteEntry === undefined ? {} : { remoteId: id };
  return [{ id: localId, type: "outbound-rtp", ...common, ...remoteId, ...counts }, remoteEntry];
}

/** A stream that is sent, and what the other side says of it. */
type Sending = Pick<
  OutboundRtpStats,
  "ssrc" | "packetsSent" | "bytesSent" | "headerBytesSent" | "nackCount"
> & {
  remote: Omit<RemoteInboundRtpStats, "id" | "timestamp" | "type" | "kind" | "ssrc" | "localId"> | undefined;
};

function ownSending(audio: PeerMediaStats | null): Sending | undefined {
  if (audio === null) return undefined;
  const { outbound, rtcp } = audio;
  const { reception } = rtcp;
  const remote = reception && {
    packetsLost: reception.cumulativeLost,
    fractionLost: reception.lossRate,
    jitter: reception.jitterMs / 1000,
    ...known({ roundTripTime: seconds(reception.roundTripTimeMs) }),
    totalRoundTripTime: reception.totalRoundTripTimeMs / 1000,
    roundTripTimeMeasurements: reception.roundTripTimes,
  };
  const { ssrc, packetsSent, bytesSent, headerBytesSent } = outbound;
  return {
    ssrc,
    packetsSent,
    bytesSent,
    ...known({ headerBytesSent, nackCount: rtcp.nackCount }),
    remote,
  };
}

function nativeSending(link: LinkStatistics | null): Sending | undefined {
  const sent = link?.audioOut;
  if (!sent) return undefined;
  const { ssrc, packetsSent, bytesSent, headerBytesSent, nackCount } = sent;
  const told = link?.audioOutRemote;
  const remote =
    told &&
    known({
      packetsLost: told.packetsLost,
      fractionLost: told.fractionLost,
      jitter: seconds(told.jitterMs),
      roundTripTime: seconds(told.roundTripTimeMs),
      totalRoundTripTime: seconds(told.totalRoundTripTimeMs),
      roundTripTimeMeasurements: told.roundTripTimes,
    });
  return {
    ssrc,
    packetsSent,
    bytesSent,
    ...known({ headerBytesSent, nackCount }),
    remote: remote ?? undefined,
  };
}

type RemoteSendingMembers = Pick<
  RemoteOutboundRtpStats,
  "packetsSent" | "bytesSent" | "reportsSent" | "remoteTimestamp"
>;

function sendingOf(sending: RemoteSending | undefined): RemoteSendingMembers | undefined {
  if (sending === undefined || isZeroNtp(sending.ntp)) return undefined;
  return {
    packetsSent: sending.packetCount,
    bytesSent: sending.octetCount,
    reportsSent: sending.reports,
    remoteTimestamp: ntpToUnixUs(sending.ntp) / 1000,
  };
}

function nativeSendingOf(
  told: LinkStatistics["audioInRemote"] | undefined,
): RemoteSendingMembers | undefined {
  if (!told) return undefined;
  const { packetsSent, bytesSent, reportsSent, remoteTimestampMs } = told;
  return known({ packetsSent, bytesSent, reportsSent, remoteTimestamp: remoteTimestampMs });
}

function candidatePair({ timestamp, link }: ReportSources): CandidatePairStats | undefined {
  if (link === null || link.localCandidate === null) return undefined;
  return {
    id: "candidate-pair",
    timestamp,
    type: "candidate-pair",
    state: "succeeded",
    nominated: true,
    ...known({
      bytesSent: link.bytesSent,
      bytesReceived: link.bytesReceived,
      currentRoundTripTime: seconds(link.rttMs),
      availableOutgoingBitrate: link.availableOutgoingBps,
    }),
  };
}

function dataChannels({ timestamp, channels }: ReportSources): DataChannelStats[] {
  return Object.entries(channels?.channels ?? {}).map(([label, traffic]) => ({
    id: `data-channel-${label}`,
    timestamp,
    type: "data-channel",
    label,
    ...traffic,
  }));
}
