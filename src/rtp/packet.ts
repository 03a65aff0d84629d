// RTP packets (RFC 3550 section 5.1): bytes to fields and back. Never throws on what the network brings.
import type { RtpHeaderExtension } from "./extensions.ts";

/** One RTP packet. Byte arrays are views into the packet they were parsed from. */
export interface RtpPacket {
  /** 32 bits. */
  ssrc: number;
  /** 7 bits. */
  payloadType: number;
  /** 16 bits. */
  sequenceNumber: number;
  /** 32 bits, in ticks of the payload type's clock. */
  timestamp: number;
  marker: boolean;
  /** Without padding; empty in packets that only probe the path. */
  payload: Uint8Array;
  /** Contributing sources, at most 15. */
  csrcs: readonly number[];
  /** The header extension, unread; see `readExtensions`. */
  extension?: RtpHeaderExtension;
  /** Padding bytes at the end, 0 to 255, the count byte included. */
  paddingLength: number;
}

/** Why bytes are no RTP packet. */
export type RtpRefusal = "tooShort" | "version" | "csrcOverrun" | "extensionOverrun" | "paddingOverrun";

/** Length of a header without contributing sources and extension, in bytes. */
export const RTP_HEADER_LENGTH = 12;

const MAX_CSRCS = 15;

/**
 * Read a packet. The result's `payload` and `extension.data` are views, valid as long as `bytes` is unchanged.
 *
 * @returns the packet, or the reason as a string why this is none
 */
export function parseRtp(bytes: Uint8Array): RtpPacket | RtpRefusal {
  if (bytes.length < RTP_HEADER_LENGTH) return "tooShort";
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const first = view.getUint8(0);
  if (first >> 6 !== 2) return "version";
  const csrcCount = first & 0x0f;
  let payloadStart = RTP_HEADER_LENGTH + csrcCount * 4;
  if (payloadStart > bytes.length) return "csrcOverrun";
  const csrcs: number[] = [];
  for (let i = 0; i < csrcCount; i++) csrcs.push(view.getUint32(RTP_HEADER_LENGTH + i * 4));

  let extension: RtpHeaderExtension | undefined;
  if ((first & 0x10) !== 0) {
    if (payloadStart + 4 > bytes.length) return "extensionOverrun";
    const end = payloadStart + 4 + view.getUint16(payloadStart + 2) * 4;
    if (end > bytes.length) return "extensionOverrun";
    extension = { profile: view.getUint16(payloadStart), data: bytes.subarray(payloadStart + 4, end) };
    payloadStart = end;
  }

  let paddingLength = 0;
  if ((first & 0x20) !== 0) {
    paddingLength = view.getUint8(bytes.length - 1);
    if (paddingLength === 0 || payloadStart + paddingLength > bytes.length) return "paddingOverrun";
  }
  const second = view.getUint8(1);
  const packet: RtpPacket = {
    ssrc: view.getUint32(8),
    payloadType: second & 0x7f,
    sequenceNumber: view.getUint16(2),
    timestamp: view.getUint32(4),
    marker: (second & 0x80) !== 0,
    payload: bytes.subarray(payloadStart, bytes.length - paddingLength),
    csrcs,
    paddingLength,
  };
  // Not by a conditional spread, which makes every packet slow.
  if (extension !== undefined) packet.extension = extension;
  return packet;
}

/** What {@link buildRtp} needs; the rest defaults to nothing. */
export type RtpPacketFields = Pick<RtpPacket, "ssrc" | "payloadType" | "sequenceNumber" | "timestamp"> & {
  [Field in "marker" | "payload" | "csrcs" | "extension" | "paddingLength"]?: RtpPacket[Field] | undefined;
};

/**
 * Write a packet into a fresh array. Numbers are cut to their field's width, so counters may run on.
 *
 * @param fields at most 15 `csrcs`; `extension.data` a multiple of 4 bytes, as `buildExtensions` makes it;
 *   `paddingLength` at most 255
 */
export function buildRtp(fields: RtpPacketFields): Uint8Array {
  const { payload, extension, csrcs = [], paddingLength = 0 } = fields;
  const csrcCount = Math.min(csrcs.length, MAX_CSRCS);
  const extensionLength = extension === undefined ? 0 : 4 + extension.data.length;
  const payloadStart = RTP_HEADER_LENGTH + csrcCount * 4 + extensionLength;
  const bytes = new Uint8Array(payloadStart + (payload?.length ?? 0) + paddingLength);
  const view = new DataView(bytes.buffer);
  bytes[0] = 0x80 | (paddingLength > 0 ? 0x20 : 0) | (extension === undefined ? 0 : 0x10) | csrcCount;
  bytes[1] = (fields.marker === true ? 0x80 : 0) | (fields.payloadType & 0x7f);
  view.setUint16(2, fields.sequenceNumber);
  view.setUint32(4, fields.timestamp);
  view.setUint32(8, fields.ssrc);
  for (let i = 0; i < csrcCount; i++) view.setUint32(RTP_HEADER_LENGTH + i * 4, csrcs[i] ?? 0);
  if (extension !== undefined) {
    const start = RTP_HEADER_LENGTH + csrcCount * 4;
    view.setUint16(start, extension.profile);
    view.setUint16(start + 2, extension.data.length / 4);
    bytes.set(extension.data, start + 4);
  }
  if (payload !== undefined) bytes.set(payload, payloadStart);
  if (paddingLength > 0) bytes[bytes.length - 1] = paddingLength;
  return bytes;
}
