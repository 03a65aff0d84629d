// Picks the facts of a link out of a statistics report (W3C WebRTC Statistics). Pure.
import type {
  LinkStatistics,
  NativeAudioInRemote,
  NativeAudioOut,
  NativeAudioOutRemote,
} from "../platform.ts";

type Entry = Readonly<Record<string, unknown>>;

/** Sum a report up: a value that the browser does not give is null. */
export function summarizeStatistics(report: Iterable<Entry>): LinkStatistics {
  const entries = new Map<unknown, Entry>();
  for (const entry of report) entries.set(entry.id, entry);
  const all = [...entries.values()];
  const transport = all.find(({ type }) => type === "transport");
  const pair = selectedPair(all, entries, transport);
  const audio = (wanted: string): Entry | undefined =>
    all.find(({ type, kind }) => type === wanted && kind === "audio");
  return {
    bytesSent: number(transport?.bytesSent ?? pair?.bytesSent),
    bytesReceived: number(transport?.bytesReceived ?? pair?.bytesReceived),
    rttMs: milliseconds(pair?.currentRoundTripTime),
    localCandidate: candidateText(entries.get(pair?.localCandidateId)),
    remoteCandidate: candidateText(entries.get(pair?.remoteCandidateId)),
    availableOutgoingBps: number(pair?.availableOutgoingBitrate),
    audioOut: audioOut(audio("outbound-rtp")),
    audioOutRemote: audioOutRemote(audio("remote-inbound-rtp")),
    audioInRemote: audioInRemote(audio("remote-outbound-rtp")),
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

function audioOutRemote(remote: Entry | undefined): NativeAudioOutRemote | null {
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

function audioInRemote(remote: Entry | undefined): NativeAudioInRemote | null {
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

function milliseconds(seconds: unknown): number | null {
  return typeof seconds === "number" ? seconds * 1000 : null;
}

function number(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
