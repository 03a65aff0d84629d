// Feedback about media in RTCP: resend this, send a whole picture, send no faster than that. Codecs only; the reports
// on packet arrival times are in transport-cc.ts. Pure.
import { framePacket, HEADER_LENGTH } from "./header.ts";
import type { RtcpRefusal } from "./header.ts";

/** Generic NACK (RFC 4585 section 6.2.1): packets that are missing and may be sent again. */
export interface GenericNack {
  type: "nack";
  /** Who asks. */
  senderSsrc: number;
  /** The stream with the gaps. */
  mediaSsrc: number;
  /** u16, as listed on the wire. */
  sequenceNumbers: number[];
}

/** PLI (RFC 4585 section 6.3.1): the decoder has lost the picture. */
export interface PictureLossIndication {
  type: "pli";
  senderSsrc: number;
  mediaSsrc: number;
}

/** FIR (RFC 5104 section 4.3.1): a whole picture is needed, e.g. for somebody who has just come. */
export interface FullIntraRequest {
  type: "fir";
  senderSsrc: number;
  /** `sequenceNumber` (u8) tells a new request from the repetition of one. */
  requests: { ssrc: number; sequenceNumber: number }[];
}

/** REMB (draft-alvestrand-rmcat-remb-03): the bitrate that the receiver holds possible for some streams together. */
export interface ReceiverEstimatedMaxBitrate {
  type: "remb";
  senderSsrc: number;
  /** Bit/s, headers included. 18 significant bits travel; what does not fit is rounded down. */
  bitrateBps: number;
  /** The streams meant, at most 255. */
  ssrcs: number[];
}

/** The feedback packets of this file. */
export type MediaFeedback =
  GenericNack | PictureLossIndication | FullIntraRequest | ReceiverEstimatedMaxBitrate;

/** RTPFB (RFC 4585 section 6.2): feedback about transport. */
export const TRANSPORT_FEEDBACK = 205;

/** PSFB (RFC 4585 section 6.3): feedback about content. */
export const PAYLOAD_FEEDBACK = 206;

const FORMAT_NACK = 1;
const FORMAT_PLI = 1;
const FORMAT_FIR = 4;
/** Application layer feedback (RFC 4585 section 6.4), told apart by an identifier. */
const FORMAT_APPLICATION = 15;
const REMB_IDENTIFIER = 0x52454d42;

/** Both SSRCs of every feedback packet. */
const SSRCS_LENGTH = 8;
const FIR_ENTRY_LENGTH = 8;
const REMB_FIXED_LENGTH = SSRCS_LENGTH + 8;

/** Packets that one NACK entry's mask reaches beyond its first. */
const NACK_MASK_BITS = 16;

/** What the length field of a header can count, less header and SSRCs, in words. */
const MAX_CONTENT_WORDS = 0xffff - 2;

/** The number of SSRCs in REMB is one byte. */
const MAX_REMB_SSRCS = 255;
const REMB_MANTISSA = 2 ** 18;
const REMB_MAX_EXPONENT = 63;

/**
 * Read one feedback packet whose header is sound.
 *
 * @param body what follows the header, without padding
 * @returns undefined when type and format belong to none of this file
 */
export function parseMediaFeedback(
  type: number,
  format: number,
  body: DataView,
): MediaFeedback | RtcpRefusal | undefined {
  if (type === TRANSPORT_FEEDBACK && format === FORMAT_NACK) return parseNack(body);
  if (type !== PAYLOAD_FEEDBACK) return undefined;
  switch (format) {
    case FORMAT_PLI:
      if (body.byteLength < SSRCS_LENGTH) return "truncatedBody";
      return { type: "pli", senderSsrc: body.getUint32(0), mediaSsrc: body.getUint32(4) };
    case FORMAT_FIR:
      return parseFir(body);
    case FORMAT_APPLICATION:
      return parseRemb(body);
    default:
      return undefined;
  }
}

function parseNack(body: DataView): GenericNack | RtcpRefusal {
  if (body.byteLength < SSRCS_LENGTH) return "truncatedBody";
  const sequenceNumbers: number[] = [];
  for (let at = SSRCS_LENGTH; at + 4 <= body.byteLength; at += 4) {
    const first = body.getUint16(at);
    sequenceNumbers.push(first);
    for (let mask = body.getUint16(at + 2), next = first + 1; mask !== 0; mask >>= 1, next++) {
      if ((mask & 1) !== 0) sequenceNumbers.push(next & 0xffff);
    }
  }
  if (sequenceNumbers.length === 0) return "emptyFeedback";
  return { type: "nack", senderSsrc: body.getUint32(0), mediaSsrc: body.getUint32(4), sequenceNumbers };
}

function parseFir(body: DataView): FullIntraRequest | RtcpRefusal {
  if (body.byteLength < SSRCS_LENGTH) return "truncatedBody";
  const requests: FullIntraRequest["requests"] = [];
  for (let at = SSRCS_LENGTH; at + FIR_ENTRY_LENGTH <= body.byteLength; at += FIR_ENTRY_LENGTH) {
    requests.push({ ssrc: body.getUint32(at), sequenceNumber: body.getUint8(at + 4) });
  }
  if (requests.length === 0) return "emptyFeedback";
  return { type: "fir", senderSsrc: body.getUint32(0), requests };
}

function parseRemb(body: DataView): ReceiverEstimatedMaxBitrate | RtcpRefusal | undefined {
  if (body.byteLength < SSRCS_LENGTH + 4) return "truncatedBody";
  if (body.getUint32(SSRCS_LENGTH) !== REMB_IDENTIFIER) return undefined;
  if (body.byteLength < REMB_FIXED_LENGTH) return "truncatedBody";
  const fields = body.getUint32(SSRCS_LENGTH + 4);
  const count = fields >>> 24;
  if (body.byteLength < REMB_FIXED_LENGTH + count * 4) return "truncatedBody";
  const bitrateBps = (fields & (REMB_MANTISSA - 1)) * 2 ** ((fields >>> 18) & 0x3f);
  const ssrcs = Array.from({ length: count }, (_, index) => body.getUint32(REMB_FIXED_LENGTH + index * 4));
  return { type: "remb", senderSsrc: body.getUint32(0), bitrateBps, ssrcs };
}

/**
 * Write one feedback packet. A list that no packet can hold is cut: 255 SSRCs of REMB, 65,533 words of NACK entries
 * or FIR requests.
 */
export function buildMediaFeedback(packet: MediaFeedback): Uint8Array {
  switch (packet.type) {
    case "nack":
      return buildNack(packet);
    case "pli":
      return bytesOf(frameFeedback(PAYLOAD_FEEDBACK, FORMAT_PLI, packet.senderSsrc, packet.mediaSsrc, 0));
    case "fir":
      return buildFir(packet);
    case "remb":
      return buildRemb(packet);
  }
}

/** An entry takes in the numbers behind its first for as long as they ascend: order survives the wire, wrap included. */
function buildNack({ senderSsrc, mediaSsrc, sequenceNumbers }: GenericNack): Uint8Array {
  const entries: { first: number; mask: number }[] = [];
  let entry: { first: number; mask: number } | undefined;
  for (const sequenceNumber of sequenceNumbers) {
    const bit = entry === undefined ? -1 : ((sequenceNumber - entry.first) & 0xffff) - 1;
    if (entry !== undefined && bit >= 0 && bit < NACK_MASK_BITS && entry.mask >> bit === 0) {
      entry.mask |= 1 << bit;
    } else {
      entry = { first: sequenceNumber & 0xffff, mask: 0 };
      entries.push(entry);
    }
  }
  entries.splice(MAX_CONTENT_WORDS);
  const out = frameFeedback(TRANSPORT_FEEDBACK, FORMAT_NACK, senderSsrc, mediaSsrc, entries.length * 4);
  entries.forEach(({ first, mask }, index) => {
    const at = HEADER_LENGTH + SSRCS_LENGTH + index * 4;
    out.setUint16(at, first);
    out.setUint16(at + 2, mask);
  });
  return bytesOf(out);
}

function buildFir({ senderSsrc, requests }: FullIntraRequest): Uint8Array {
  const written = requests.slice(0, MAX_CONTENT_WORDS >> 1);
  // The streams are named in the entries; the field for one stream is zero (RFC 5104 section 4.3.1.2).
  const out = frameFeedback(PAYLOAD_FEEDBACK, FORMAT_FIR, senderSsrc, 0, written.length * FIR_ENTRY_LENGTH);
  written.forEach(({ ssrc, sequenceNumber }, index) => {
    const at = HEADER_LENGTH + SSRCS_LENGTH + index * FIR_ENTRY_LENGTH;
    out.setUint32(at, ssrc);
    out.setUint8(at + 4, sequenceNumber);
  });
  return bytesOf(out);
}

function buildRemb({ senderSsrc, bitrateBps, ssrcs }: ReceiverEstimatedMaxBitrate): Uint8Array {
  const written = ssrcs.slice(0, MAX_REMB_SSRCS);
  const length = REMB_FIXED_LENGTH - SSRCS_LENGTH + written.length * 4;
  const out = frameFeedback(PAYLOAD_FEEDBACK, FORMAT_APPLICATION, senderSsrc, 0, length);
  const highest = (REMB_MANTISSA - 1) * 2 ** REMB_MAX_EXPONENT;
  // NaN says nothing about the path and becomes the lowest rate.
  let mantissa = bitrateBps > 0 ? Math.floor(Math.min(bitrateBps, highest)) : 0;
  let exponent = 0;
  while (mantissa >= REMB_MANTISSA) {
    mantissa = Math.floor(mantissa / 2);
    exponent++;
  }
  const at = HEADER_LENGTH + SSRCS_LENGTH;
  out.setUint32(at, REMB_IDENTIFIER);
  out.setUint32(at + 4, written.length * 2 ** 24 + exponent * REMB_MANTISSA + mantissa);
  written.forEach((ssrc, index) => out.setUint32(at + 8 + index * 4, ssrc));
  return bytesOf(out);
}

/** A feedback packet with both SSRCs written; `length` is that of what follows them. */
function frameFeedback(
  type: number,
  format: number,
  senderSsrc: number,
  mediaSsrc: number,
  length: number,
): DataView {
  const out = framePacket(type, format, SSRCS_LENGTH + length);
  out.setUint32(HEADER_LENGTH, senderSsrc);
  out.setUint32(HEADER_LENGTH + 4, mediaSsrc);
  return out;
}

function bytesOf(out: DataView): Uint8Array {
  return new Uint8Array(out.buffer);
}
