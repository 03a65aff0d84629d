// The video of one peer under the names and in the units of the W3C (https://www.w3.org/TR/webrtc-stats/), from what this
// library counts or, in browsers, from what the browser does. What nobody measures is left out. Pure.
import type { PictureDecodingCounters } from "../media/video/picture-decoding.ts";
import type { VideoMediaStats } from "../media/video/video-media.ts";
import type { NativeVideo } from "../platform/video-link.ts";
import { known, seconds } from "./report-values.ts";

/** What the entries about video have in common. */
interface VideoStatsEntry<Type extends string> {
  /** The same in every report of a connection. */
  readonly id: string;
  /** Unix ms at which the report was made. */
  readonly timestamp: number;
  readonly type: Type;
  readonly kind: "video";
  readonly ssrc: number;
}

/** RTCInboundRtpStreamStats: the peer's video as it came here. */
export interface InboundVideoStats extends VideoStatsEntry<"inbound-rtp"> {
  readonly packetsReceived: number;
  readonly packetsLost?: number;
  readonly jitter?: number;
  /** Payload. */
  readonly bytesReceived: number;
  readonly headerBytesReceived?: number;
  /** Packets that came again because they were asked for. */
  readonly retransmittedPacketsReceived?: number;
  readonly framesReceived?: number;
  /** Pictures that readers were given; nothing is decoded that nobody reads. */
  readonly framesDecoded?: number;
  /** Pictures that came and were not decoded, for want of a reader, of another picture, or of time. */
  readonly framesDropped?: number;
  readonly totalDecodeTime?: number;
  /** Our requests. */
  readonly nackCount?: number;
  readonly pliCount?: number;
  readonly firCount?: number;
}

/** RTCOutboundRtpStreamStats: our video as it left. */
export interface OutboundVideoStats extends VideoStatsEntry<"outbound-rtp"> {
  readonly remoteId?: string;
  readonly packetsSent: number;
  /** Payload. */
  readonly bytesSent: number;
  readonly headerBytesSent?: number;
  readonly retransmittedPacketsSent?: number;
  readonly retransmittedBytesSent?: number;
  readonly framesSent?: number;
  readonly framesEncoded?: number;
  readonly keyFramesEncoded?: number;
  readonly frameWidth?: number;
  readonly frameHeight?: number;
  readonly framesPerSecond?: number;
  readonly totalEncodeTime?: number;
  readonly qpSum?: number;
  /** Bit/s. */
  readonly targetBitrate?: number;
  /** Requests of the other side. */
  readonly nackCount?: number;
  readonly pliCount?: number;
  readonly firCount?: number;
}

/** RTCRemoteInboundRtpStreamStats: our video as the peer says it came. */
export interface RemoteInboundVideoStats extends VideoStatsEntry<"remote-inbound-rtp"> {
  /** Id of the outbound-rtp entry. */
  readonly localId: string;
  readonly packetsLost?: number;
  /** 0 to 1, of the peer's last report interval. */
  readonly fractionLost?: number;
  readonly jitter?: number;
  readonly roundTripTime?: number;
}

/** An entry about video, told apart by `type`. */
export type VideoStats = InboundVideoStats | OutboundVideoStats | RemoteInboundVideoStats;

/** What the entries are made of; parts that do not exist are null. */
export interface VideoReportSources {
  /** Unix ms. */
  readonly timestamp: number;
  readonly video: VideoMediaStats | null;
  readonly decoding: PictureDecodingCounters | null;
  /** Where the browser does the packets. */
  readonly native: NativeVideo | null;
}

/** The entries about a peer's video. */
export function videoEntries(sources: VideoReportSources): VideoStats[] {
  const entries = [inbound(sources), ...outbound(sources)];
  return entries.filter((entry) => entry !== undefined);
}

function inbound({ timestamp, video, decoding, native }: VideoReportSources): InboundVideoStats | undefined {
  const packets = video?.inbound ?? null;
  const ssrc = packets?.ssrc ?? native?.in?.ssrc;
  if (ssrc === undefined) return undefined;
  const common = { id: `inbound-rtp-${ssrc}`, timestamp, type: "inbound-rtp", kind: "video", ssrc } as const;
  const decoded = known({
    framesDecoded: decoding?.decoded,
    framesDropped: decoding && decoding.received - decoding.decoded,
    totalDecodeTime: seconds(decoding?.decodeMs),
  });
  if (packets !== null) {
    const { packetsReceived, bytesReceived, headerBytesReceived, recovered, framesDelivered, nacks, plis } =
      packets;
    return {
      ...common,
      packetsReceived,
      bytesReceived,
      headerBytesReceived,
      ...known({ packetsLost: video?.packetsLost, jitter: seconds(video?.jitterMs) }),
      retransmittedPacketsReceived: recovered,
      framesReceived: framesDelivered,
      nackCount: nacks,
      pliCount: plis,
      ...decoded,
    };
  }
  const told = native?.in;
  if (!told) return undefined;
  const { packetsReceived, bytesReceived, packetsLost, jitterMs, framesReceived } = told;
  const { nackCount, pliCount, firCount } = told;
  return {
    ...common,
    packetsReceived,
    bytesReceived,
    ...known({ packetsLost, jitter: seconds(jitterMs), framesReceived, nackCount, pliCount, firCount }),
    ...decoded,
  };
}

function outbound({ timestamp, video, native }: VideoReportSources): (VideoStats | undefined)[] {
  const packets = video?.outbound ?? null;
  const ssrc = packets === null ? native?.out?.ssrc : video?.ssrc;
  if (ssrc === undefined) return [];
  const localId = `outbound-rtp-${ssrc}`;
  const remote = remoteInbound(timestamp, ssrc, video, native);
  const common = { id: localId, timestamp, type: "outbound-rtp", kind: "video", ssrc } as const;
  const link = remote === undefined ? {} : { remoteId: remote.id };
  if (packets !== null) {
    return [
      {
        ...common,
        ...link,
        packetsSent: packets.packetsSent,
        bytesSent: packets.bytesSent,
        headerBytesSent: packets.headerBytesSent,
        retransmittedPacketsSent: packets.retransmittedPackets,
        retransmittedBytesSent: packets.retransmittedBytes,
        framesSent: packets.framesSent,
        targetBitrate: packets.targetKbps * 1000,
        ...known({ nackCount: video?.nackCount, pliCount: video?.pliCount, firCount: video?.firCount }),
      },
      remote,
    ];
  }
  const told = native?.out;
  if (!told) return [];
  const {
    packetsSent,
    bytesSent,
    headerBytesSent,
    retransmittedPacketsSent,
    framesEncoded,
    keyFramesEncoded,
  } = told;
  const { qpSum, encodeMs, targetBps, width, height, framerateFps, nackCount, pliCount, firCount } = told;
  const measured = known({
    ...{ headerBytesSent, retransmittedPacketsSent, framesEncoded, keyFramesEncoded, qpSum },
    ...{ frameWidth: width, frameHeight: height, framesPerSecond: framerateFps },
    ...{ totalEncodeTime: seconds(encodeMs), targetBitrate: targetBps, nackCount, pliCount, firCount },
  });
  return [{ ...common, ...link, packetsSent, bytesSent, ...measured }, remote];
}

function remoteInbound(
  timestamp: number,
  ssrc: number,
  video: VideoMediaStats | null,
  native: NativeVideo | null,
): RemoteInboundVideoStats | undefined {
  const own = video?.remote;
  const told = native?.outRemote;
  if (!own && !told) return undefined;
  const type = "remote-inbound-rtp";
  const common = { id: `${type}-${ssrc}`, timestamp, type, kind: "video", ssrc } as const;
  const localId = `outbound-rtp-${ssrc}`;
  if (own) {
    const { cumulativeLost, lossRate, jitterMs, roundTripTimeMs } = own;
    const measured = known({ jitter: seconds(jitterMs), roundTripTime: seconds(roundTripTimeMs) });
    return { ...common, localId, packetsLost: cumulativeLost, fractionLost: lossRate, ...measured };
  }
  return {
    ...common,
    localId,
    ...known({
      packetsLost: told?.packetsLost,
      fractionLost: told?.fractionLost,
      jitter: seconds(told?.jitterMs),
      roundTripTime: seconds(told?.roundTripTimeMs),
    }),
  };
}
