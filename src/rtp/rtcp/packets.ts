// RTCP compound packets (RFC 3550 section 6): sender and receiver reports, source descriptions, goodbyes, and around
// them the feedback of its own files. Parsing never throws: what is unknown is skipped and counted, what is malformed
// is refused with a reason.
import type { NtpTimestamp } from "../ntp.ts";
import { buildMediaFeedback, parseMediaFeedback, TRANSPORT_FEEDBACK } from "./feedback.ts";
import type { MediaFeedback } from "./feedback.ts";
import { framePacket, HEADER_LENGTH } from "./header.ts";
import type { RtcpRefusal } from "./header.ts";
import { buildTransportFeedback, FORMAT_TRANSPORT_CC, parseTransportFeedback } from "./transport-cc.ts";
import type { TransportFeedback } from "./transport-cc.ts";

/** What one receiver says of one stream (RFC 3550 section 6.4.1). */
export interface ReportBlock {
  /** The stream reported on. */
  ssrc: number;
  /** Share lost since the last report, in 1/256; 0 to 255. */
  fractionLost: number;
  /** Packets lost since the beginning, 24 bits signed: duplicates may make it negative. */
  cumulativeLost: number;
  /** Wraps in the upper, sequence number in the lower 16 bits. */
  extendedHighestSequence: number;
  /** Interarrival jitter in ticks of the media clock. */
  jitter: number;
  /** Middle 32 bits of the last sender report's NTP time; 0 when none came. */
  lastSenderReport: number;
  /** Time since that report arrived, in 1/65536 s. */
  delaySinceLastSenderReport: number;
}

/** SR (RFC 3550 section 6.4.1). */
export interface SenderReport {
  type: "sender-report";
  ssrc: number;
  ntp: NtpTimestamp;
  /** The media clock at the instant `ntp`. */
  rtpTimestamp: number;
  packetCount: number;
  octetCount: number;
  blocks: ReportBlock[];
}

/** RR (RFC 3550 section 6.4.2). */
export interface ReceiverReport {
  type: "receiver-report";
  ssrc: number;
  blocks: ReportBlock[];
}

/** Names of sources; only CNAME (the key to one participant's streams) is kept of each chunk. */
export interface SourceDescription {
  type: "source-description";
  chunks: { ssrc: number; cname: string | undefined }[];
}

/** BYE (RFC 3550 section 6.6). */
export interface Goodbye {
  type: "goodbye";
  ssrcs: number[];
  reason: string | undefined;
}

/** Feedback (RFC 4585). */
export type FeedbackPacket = MediaFeedback | TransportFeedback;

/** The RTCP packets understood here. */
export type RtcpPacket = SenderReport | ReceiverReport | SourceDescription | Goodbye | FeedbackPacket;

/** What a datagram held. */
export interface RtcpCompound {
  packets: RtcpPacket[];
  /** Well-formed packets of types not understood here, e.g. extended reports (RFC 3611). */
  unknown: number;
  /** Packets refused because their content overran its own length; those around them count. */
  malformed: RtcpRefusal[];
}

const SENDER_REPORT = 200;
const RECEIVER_REPORT = 201;
const SOURCE_DESCRIPTION = 202;
const GOODBYE = 203;
const SDES_CNAME = 1;
const BLOCK_LENGTH = 24;
const SENDER_INFO_LENGTH = 24;

/** The count fields of the header have five bits. */
const MAX_COUNT = 31;

/** A source description item and a goodbye's reason have a one-byte length. */
const MAX_TEXT_BYTES = 255;

/** Whether a datagram on a multiplexed port is RTCP rather than RTP (RFC 5761 section 4). */
export function isRtcp(bytes: Uint8Array): boolean {
  const type = bytes[1] ?? 0;
  return bytes.length >= HEADER_LENGTH && type >= 192 && type <= 223;
}

/** Read a compound packet, or a single one (RFC 5506). Whatever comes, the result says what became of it. */
export function parseRtcp(bytes: Uint8Array): RtcpCompound {
  const compound: RtcpCompound = { packets: [], unknown: 0, malformed: [] };
  if (bytes.length === 0) compound.malformed.push("tooShort");
  let at = 0;
  while (at < bytes.length) {
    if (bytes.length - at < HEADER_LENGTH) {
      compound.malformed.push("tooShort");
      break;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, bytes.length - at);
    const length = (view.getUint16(2) + 1) * 4;
    // Past a wrong version or length there is no telling where the next packet begins.
    if (view.getUint8(0) >> 6 !== 2) {
      compound.malformed.push("version");
      break;
    }
    if (length > view.byteLength) {
      compound.malformed.push("lengthOverrun");
      break;
    }
    const result = parseOne(new DataView(view.buffer, view.byteOffset, length));
    if (result === undefined) compound.unknown++;
    else if (typeof result === "string") compound.malformed.push(result);
    else compound.packets.push(result);
    at += length;
  }
  return compound;
}

/** One packet whose header and length are sound; undefined when its type is unknown. */
function parseOne(packet: DataView): RtcpPacket | RtcpRefusal | undefined {
  const first = packet.getUint8(0);
  const count = first & 0x1f;
  let end = packet.byteLength;
  if ((first & 0x20) !== 0) {
    const padding = packet.getUint8(end - 1);
    if (padding === 0 || padding > end - HEADER_LENGTH) return "padding";
    end -= padding;
  }
  const body = new DataView(packet.buffer, packet.byteOffset + HEADER_LENGTH, end - HEADER_LENGTH);
  switch (packet.getUint8(1)) {
    case SENDER_REPORT:
      return parseSenderReport(body, count);
    case RECEIVER_REPORT:
      return parseReceiverReport(body, count);
    case SOURCE_DESCRIPTION:
      return parseSourceDescription(body, count);
    case GOODBYE:
      return parseGoodbye(body, count);
    default:
      return parseFeedback(packet.getUint8(1), count, body);
  }
}

/** In feedback the count says the format (RFC 4585 section 6.1). */
function parseFeedback(
  type: number,
  format: number,
  body: DataView,
): FeedbackPacket | RtcpRefusal | undefined {
  if (type === TRANSPORT_FEEDBACK && format === FORMAT_TRANSPORT_CC) return parseTransportFeedback(body);
  return parseMediaFeedback(type, format, body);
}

function parseSenderReport(body: DataView, count: number): SenderReport | RtcpRefusal {
  if (body.byteLength < SENDER_INFO_LENGTH + count * BLOCK_LENGTH) return "truncatedBody";
  return {
    type: "sender-report",
    ssrc: body.getUint32(0),
    ntp: { seconds: body.getUint32(4), fraction: body.getUint32(8) },
    rtpTimestamp: body.getUint32(12),
    packetCount: body.getUint32(16),
    octetCount: body.getUint32(20),
    blocks: parseBlocks(body, SENDER_INFO_LENGTH, count),
  };
}

function parseReceiverReport(body: DataView, count: number): ReceiverReport | RtcpRefusal {
  if (body.byteLength < 4 + count * BLOCK_LENGTH) return "truncatedBody";
  return { type: "receiver-report", ssrc: body.getUint32(0), blocks: parseBlocks(body, 4, count) };
}

function parseBlocks(body: DataView, start: number, count: number): ReportBlock[] {
  const blocks: ReportBlock[] = [];
  for (let at = start; blocks.length < count; at += BLOCK_LENGTH) {
    blocks.push({
      ssrc: body.getUint32(at),
      fractionLost: body.getUint8(at + 4),
      cumulativeLost: (body.getInt16(at + 5) << 8) | body.getUint8(at + 7),
      extendedHighestSequence: body.getUint32(at + 8),
      jitter: body.getUint32(at + 12),
      lastSenderReport: body.getUint32(at + 16),
      delaySinceLastSenderReport: body.getUint32(at + 20),
    });
  }
  return blocks;
}

function parseSourceDescription(body: DataView, count: number): SourceDescription | RtcpRefusal {
  const chunks: SourceDescription["chunks"] = [];
  let at = 0;
  while (chunks.length < count) {
    if (at + 4 > body.byteLength) return "truncatedBody";
    const ssrc = body.getUint32(at);
    at += 4;
    let cname: string | undefined;
    for (;;) {
      if (at >= body.byteLength) return "truncatedBody";
      const item = body.getUint8(at++);
      if (item === 0) break;
      if (at >= body.byteLength) return "truncatedBody";
      const length = body.getUint8(at++);
      if (at + length > body.byteLength) return "truncatedBody";
      if (item === SDES_CNAME && cname === undefined) cname = readText(body, at, length);
      at += length;
    }
    // The item list ends with at least one zero byte and at a 32-bit boundary.
    at = Math.ceil(at / 4) * 4;
    chunks.push({ ssrc, cname });
  }
  return { type: "source-description", chunks };
}

function parseGoodbye(body: DataView, count: number): Goodbye | RtcpRefusal {
  const reasonAt = count * 4;
  if (body.byteLength < reasonAt) return "truncatedBody";
  const ssrcs: number[] = [];
  for (let i = 0; i < count; i++) ssrcs.push(body.getUint32(i * 4));
  if (body.byteLength === reasonAt) return { type: "goodbye", ssrcs, reason: undefined };
  const length = body.getUint8(reasonAt);
  if (reasonAt + 1 + length > body.byteLength) return "truncatedBody";
  return { type: "goodbye", ssrcs, reason: readText(body, reasonAt + 1, length) };
}

function readText(body: DataView, at: number, length: number): string {
  return new TextDecoder().decode(new Uint8Array(body.buffer, body.byteOffset + at, length));
}

/**
 * Write packets one after another into one datagram, in the order given. RFC 3550 section 6.1 wants a report
 * first and a source description with CNAME in every compound; that is the caller's to choose.
 *
 * @param packets at most 31 blocks, chunks or SSRCs of a report, description or goodbye are written; texts are cut at
 *   255 bytes of UTF-8; for feedback see {@link buildMediaFeedback} and {@link buildTransportFeedback}
 */
export function buildRtcp(packets: readonly RtcpPacket[]): Uint8Array {
  const parts = packets.map(buildOne);
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function buildOne(packet: RtcpPacket): Uint8Array {
  switch (packet.type) {
    case "sender-report": {
      const blocks = packet.blocks.slice(0, MAX_COUNT);
      const out = framePacket(
        SENDER_REPORT,
        blocks.length,
        SENDER_INFO_LENGTH + blocks.length * BLOCK_LENGTH,
      );
      out.setUint32(4, packet.ssrc);
      out.setUint32(8, packet.ntp.seconds);
      out.setUint32(12, packet.ntp.fraction);
      out.setUint32(16, packet.rtpTimestamp);
      out.setUint32(20, packet.packetCount);
      out.setUint32(24, packet.octetCount);
      writeBlocks(out, HEADER_LENGTH + SENDER_INFO_LENGTH, blocks);
      return new Uint8Array(out.buffer);
    }
    case "receiver-report": {
      const blocks = packet.blocks.slice(0, MAX_COUNT);
      const out = framePacket(RECEIVER_REPORT, blocks.length, 4 + blocks.length * BLOCK_LENGTH);
      out.setUint32(4, packet.ssrc);
      writeBlocks(out, 8, blocks);
      return new Uint8Array(out.buffer);
    }
    case "source-description":
      return buildSourceDescription(packet);
    case "goodbye":
      return buildGoodbye(packet);
    case "transport-cc":
      return buildTransportFeedback(packet);
    default:
      return buildMediaFeedback(packet);
  }
}

function writeBlocks(out: DataView, start: number, blocks: readonly ReportBlock[]): void {
  blocks.forEach((block, index) => {
    const at = start + index * BLOCK_LENGTH;
    out.setUint32(at, block.ssrc);
    out.setUint32(at + 4, block.cumulativeLost & 0xffffff);
    out.setUint8(at + 4, block.fractionLost);
    out.setUint32(at + 8, block.extendedHighestSequence);
    out.setUint32(at + 12, block.jitter);
    out.setUint32(at + 16, block.lastSenderReport);
    out.setUint32(at + 20, block.delaySinceLastSenderReport);
  });
}

function buildSourceDescription(packet: SourceDescription): Uint8Array {
  const chunks = packet.chunks.slice(0, MAX_COUNT).map(({ ssrc, cname }) => {
    const text = cname === undefined ? undefined : encodeText(cname);
    // SSRC, then the item if any, then at least one zero byte.
    const length = Math.ceil((4 + (text === undefined ? 0 : 2 + text.length) + 1) / 4) * 4;
    return { ssrc, text, length };
  });
  const out = framePacket(
    SOURCE_DESCRIPTION,
    chunks.length,
    chunks.reduce((sum, chunk) => sum + chunk.length, 0),
  );
  const bytes = new Uint8Array(out.buffer);
  let at = HEADER_LENGTH;
  for (const { ssrc, text, length } of chunks) {
    out.setUint32(at, ssrc);
    if (text !== undefined) {
      out.setUint8(at + 4, SDES_CNAME);
      out.setUint8(at + 5, text.length);
      bytes.set(text, at + 6);
    }
    at += length;
  }
  return bytes;
}

function buildGoodbye(packet: Goodbye): Uint8Array {
  const ssrcs = packet.ssrcs.slice(0, MAX_COUNT);
  const text = packet.reason === undefined ? undefined : encodeText(packet.reason);
  const out = framePacket(
    GOODBYE,
    ssrcs.length,
    ssrcs.length * 4 + (text === undefined ? 0 : 1 + text.length),
  );
  ssrcs.forEach((ssrc, index) => out.setUint32(HEADER_LENGTH + index * 4, ssrc));
  const bytes = new Uint8Array(out.buffer);
  if (text !== undefined) {
    const at = HEADER_LENGTH + ssrcs.length * 4;
    bytes[at] = text.length;
    bytes.set(text, at + 1);
  }
  return bytes;
}

function encodeText(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= MAX_TEXT_BYTES) return bytes;
  // Cut before a continuation byte (10xxxxxx), so that what is left is whole characters.
  let end = MAX_TEXT_BYTES;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}
