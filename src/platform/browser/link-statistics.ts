// Picks the facts of a link out of a statistics report (W3C WebRTC Statistics). Pure.
import type { LinkStatistics, NativeAudioOut } from "../platform.ts";
import type { NativeInRemote, NativeOutRemote } from "../remote-reports.ts";
import type { NativeVideo, NativeVideoIn, NativeVideoOut } from "../video-link.ts";

type Entry = Readonly<Record<string, unknown>>;

/** Sum a report up: a value that the browser does not give is null. */
export function summarizeStatistics(report: Iterable<Entry>): LinkStatistics {
  const entries = new Map<unknown, Entry>();
  for (const entry of report) entries.set(entry.id, entry);
  const all = [...entries.values()];
  const transport = all.find(({ type }) => type === "transport");
  const pair = selectedPair(all, entries, transport);
  const of = (medium: "audio" | "video", wanted: string): Entry | undefined =>
    all.find(({ type, kind }) => type === wanted && kind === medium);
  return {
    bytesSent: number(transport?.bytesSent ?? pair?.bytesSent),
    bytesReceived: number(transport?.bytesReceived ?? pair?.bytesReceived),
    rttMs: milliseconds(pair?.currentRoundTripTime),
    localCandidate: candidateText(entries.get(pair?.localCandidateId)),
    remoteCandidate: candidateText(entries.get(pair?.remoteCandidateId)),
    availableOutgoingBps: number(pair?.availableOutgoingBitrate),
    audioOut: audioOut(of("audio", "outbound-rtp")),
    audioOutRemote: outRemote(of("audio", "remote-inbound-rtp")),
    audioInRemote: inRemote(of("audio", "remote-outbound-rtp")),
    video: video((wanted) => of("video", wanted)),
  };
}

function selectedPair(
  all: Entry[],
  byId: Map<unknown, Entry>,
  transport: Entry | undefined,
): Entry | undefined {
  const pairs = all.filter(({ type }) => type === "candidate-pair");
  // Firefox names no selected pair in its transport; there the pair says so itself.
  return byId.get(transport?.selectedCandidatePairId) ?? pairs.find(({ selected }) => selected === true);
}

/** `type protocol address:port`, e.g. `host udp 127.0.0.1:50000`; addresses that browsers hide stay empty. */
function candidateText(entry: Entry | undefined): string | null {
  if (entry === undefined) return null;
  const { candidateType, protocol, address, port } = entry;
  const host = typeof address === "string" && address.includes(":") ? `[${address}]` : address;
  return `${text(candidateType)} ${text(protocol)} ${text(host)}:${text(port)}`;
}

function audioOut(outbound: Entry | undefined): NativeAudioOut | null {
  const ssrc = number(outbound?.ssrc);
  if (outbound === undefined || ssrc === null) return null;
  return {
    ssrc,
    packetsSent: number(outbound.packetsSent) ?? 0,
    bytesSent: number(outbound.bytesSent) ?? 0,
    headerBytesSent: number(outbound.headerBytesSent),
    nackCount: number(outbound.nackCount),
  };
}

function outRemote(remote: Entry | undefined): NativeOutRemote | null {
  if (remote === undefined) return null;
  return {
    packetsLost: number(remote.packetsLost),
    fractionLost: number(remote.fractionLost),
    jitterMs: milliseconds(remote.jitter),
    roundTripTimeMs: milliseconds(remote.roundTripTime),
    totalRoundTripTimeMs: milliseconds(remote.totalRoundTripTime),
    roundTripTimes: number(remote.roundTripTimeMeasurements),
  };
}

function inRemote(remote: Entry | undefined): NativeInRemote | null {
  const ssrc = number(remote?.ssrc);
  if (remote === undefined || ssrc === null) return null;
  return {
    ssrc,
    packetsSent: number(remote.packetsSent),
    bytesSent: number(remote.bytesSent),
    reportsSent: number(remote.reportsSent),
    remoteTimestampMs: number(remote.remoteTimestamp),
  };
}

/** Null where nothing is said of video. */
function video(of: (wanted: string) => Entry | undefined): NativeVideo | null {
  const parts = {
    out: videoOut(of("outbound-rtp")),
    outRemote: outRemote(of("remote-inbound-rtp")),
    in: videoIn(of("inbound-rtp")),
    inRemote: inRemote(of("remote-outbound-rtp")),
  };
  return Object.values(parts).some((part) => part !== null) ? parts : null;
}

function videoOut(outbound: Entry | undefined): NativeVideoOut | null {
  const ssrc = number(outbound?.ssrc);
  if (outbound === undefined || ssrc === null) return null;
  return {
    ssrc,
    packetsSent: number(outbound.packetsSent) ?? 0,
    bytesSent: number(outbound.bytesSent) ?? 0,
    headerBytesSent: number(outbound.headerBytesSent),
    retransmittedPacketsSent: number(outbound.retransmittedPacketsSent),
    framesEncoded: number(outbound.framesEncoded),
    keyFramesEncoded: number(outbound.keyFramesEncoded),
    qpSum: number(outbound.qpSum),
    encodeMs: milliseconds(outbound.totalEncodeTime),
    targetBps: number(outbound.targetBitrate),
    width: number(outbound.frameWidth),
    height: number(outbound.frameHeight),
    framerateFps: number(outbound.framesPerSecond),
    nackCount: number(outbound.nackCount),
    pliCount: number(outbound.pliCount),
    firCount: number(outbound.firCount),
  };
}

function videoIn(inbound: Entry | undefined): NativeVideoIn | null {
  const ssrc = number(inbound?.ssrc);
  if (inbound === undefined || ssrc === null) return null;
  return {
    ssrc,
    packetsReceived: number(inbound.packetsReceived) ?? 0,
    bytesReceived: number(inbound.bytesReceived) ?? 0,
    packetsLost: number(inbound.packetsLost),
    jitterMs: milliseconds(inbound.jitter),
    framesReceived: number(inbound.framesReceived),
    nackCount: number(inbound.nackCount),
    pliCount: number(inbound.pliCount),
    firCount: number(inbound.firCount),
  };
}

function milliseconds(seconds: unknown): number | null {
  return typeof seconds === "number" ? seconds * 1000 : null;
}

function number(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
