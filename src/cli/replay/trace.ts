// Reads a recorded trace, whatever its format, into RTP packets with the times of their arrival. Everything else in the
// file is passed over and counted. Touches no file system.
import { RTP_HEADER_LENGTH, parseRtp } from "../../rtp/packet.ts";
import { knowsLinkType, readFrame } from "./frames.ts";
import type { FrameRefusal } from "./frames.ts";
import { isPcap, readPcap } from "./pcap.ts";
import type { CapturedFrame } from "./pcap.ts";
import { isPcapng, readPcapng } from "./pcapng.ts";
import type { TracePacket } from "./playback.ts";
import { SourceProof, looksLike } from "./rtp-filter.ts";
import { isRtpdump, readRtpdump } from "./rtpdump.ts";
import { TraceError } from "./trace-error.ts";

/** The formats that are understood. */
export type TraceFormat = "rtpdump" | "pcap" | "pcapng";

/**
 * Why something in a trace is not among its packets: RTCP, a record without a packet, other UDP, a frame without a time,
 * or no UDP at all.
 */
export type SkipReason = "rtcp" | "empty" | "notRtp" | "untimed" | FrameRefusal;

/** What a file holds. */
export interface Trace {
  readonly format: TraceFormat;
  /** RTP of all sources, in the order of arrival; times count from the beginning of the recording. */
  readonly packets: readonly TracePacket[];
  /** How many records are not among them; reasons that did not occur are left out. */
  readonly skipped: Readonly<Partial<Record<SkipReason, number>>>;
  /** Packets of which the file holds only the beginning. Those too short to be RTP got a payload of one zero byte. */
  readonly snapped: number;
  /** Packets stamped earlier than the one before them in the file; they were put in order. */
  readonly backwards: number;
}

const SSRC_OFFSET = 8; // RFC 3550 section 5.1

interface Candidate extends TracePacket {
  /** Flow and SSRC, which have yet to prove that they are RTP; missing where the format itself says so. */
  readonly source?: string;
  readonly snapped: boolean;
}

/**
 * Read a file of rtpdump, libpcap or pcapng.
 * @returns its packets, none when it is sound and holds no RTP; they are views into `bytes`
 * @throws TraceError when the file is of another kind, cut off, or contradicts itself
 */
export function readTrace(bytes: Uint8Array): Trace {
  const skipped: Partial<Record<SkipReason, number>> = {};
  const skip = (reason: SkipReason): void => {
    skipped[reason] = (skipped[reason] ?? 0) + 1;
  };
  const format = formatOf(bytes);
  const candidates =
    format === "rtpdump"
      ? dumpCandidates(bytes, skip)
      : format === "pcap"
        ? captureCandidates(readPcap(bytes, knowsLinkType), skip)
        : captureCandidates(
            readPcapng(bytes, () => skip("untimed")),
            skip,
          );
  const proofs = proofsOf(candidates);
  const found = candidates.filter(({ source }) => {
    const holds = source === undefined || proofs.get(source)?.holds === true;
    if (!holds) skip("notRtp");
    return holds;
  });
  const backwards = found.filter(({ arrivalMs }, i) => arrivalMs < (found[i - 1]?.arrivalMs ?? -Infinity));
  // Captures of several interfaces are ordered by interface now and then. The sort is stable.
  if (backwards.length > 0) found.sort(byArrival);
  const beginMs = Math.min(0, found[0]?.arrivalMs ?? 0);
  return {
    format,
    packets: found.map(({ packet, arrivalMs }) => ({ packet, arrivalMs: arrivalMs - beginMs })),
    skipped,
    snapped: found.filter(({ snapped }) => snapped).length,
    backwards: backwards.length,
  };
}

function formatOf(bytes: Uint8Array): TraceFormat {
  if (isRtpdump(bytes)) return "rtpdump";
  if (isPcap(bytes)) return "pcap";
  if (isPcapng(bytes)) return "pcapng";
  const fault = bytes.length === 0 ? "the file is empty" : "the file is no trace";
  throw new TraceError(0, `${fault}: expected rtpdump ("#!rtpplay1.0"), pcap or pcapng`);
}

function dumpCandidates(bytes: Uint8Array, skip: (reason: SkipReason) => void): Candidate[] {
  const found: Candidate[] = [];
  for (const { bytes: packet, arrivalMs, kind, snapped } of readRtpdump(bytes)) {
    const looks = kind === "rtp" ? looksLike(packet, snapped) : kind;
    if (looks === "rtp") found.push({ packet: whole(packet, snapped), arrivalMs, snapped });
    else skip(looks);
  }
  return found;
}

function captureCandidates(frames: Iterable<CapturedFrame>, skip: (reason: SkipReason) => void): Candidate[] {
  const found: Candidate[] = [];
  let start: { seconds: number; fraction: number } | undefined;
  for (const frame of frames) {
    start ??= frame;
    const datagram = readFrame(frame.bytes, frame.linkType);
    if (typeof datagram === "string") {
      skip(datagram);
      continue;
    }
    const { payload, snapped, flow } = datagram;
    const looks = looksLike(payload, snapped);
    if (looks !== "rtp") {
      skip(looks);
      continue;
    }
    const view = new DataView(payload.buffer, payload.byteOffset, RTP_HEADER_LENGTH);
    const arrivalMs = (frame.seconds - start.seconds + (frame.fraction - start.fraction)) * 1000;
    const source = `${flow}-${view.getUint32(SSRC_OFFSET)}`;
    found.push({ packet: whole(payload, snapped), arrivalMs, snapped, source });
  }
  return found;
}

/** What the sequence numbers of each source say, read in the order of arrival. */
function proofsOf(candidates: readonly Candidate[]): Map<string, SourceProof> {
  const proofs = new Map<string, SourceProof>();
  for (const { source, packet } of [...candidates].sort(byArrival)) {
    if (source === undefined) continue;
    const proof = proofs.get(source) ?? new SourceProof();
    proofs.set(source, proof);
    proof.add(((packet[2] ?? 0) << 8) | (packet[3] ?? 0));
  }
  return proofs;
}

function byArrival(a: TracePacket, b: TracePacket): number {
  return a.arrivalMs - b.arrivalMs;
}

/**
 * A packet cut short by the capture, such that it can be played: its timing is all that a replay needs. When what is left
 * is no RTP (padding, extension or contributing sources are missing), the fixed header stands for it.
 */
function whole(packet: Uint8Array, snapped: boolean): Uint8Array {
  if (!snapped) return packet;
  const parsed = parseRtp(packet);
  if (typeof parsed !== "string" && parsed.payload.length > 0) return packet;
  const standIn = new Uint8Array(RTP_HEADER_LENGTH + 1);
  standIn.set(packet.subarray(0, RTP_HEADER_LENGTH));
  standIn[0] = 0x80; // no padding, no extension, no contributing sources
  return standIn;
}
