// What every RTCP packet begins with (RFC 3550 section 6.4): version, count, type, length in words. Pure.

/** Bytes before a packet's own content. */
export const HEADER_LENGTH = 4;

/** Why a part of a compound is no RTCP packet. */
export type RtcpRefusal =
  | "tooShort"
  | "version"
  | "lengthOverrun"
  | "padding"
  | "truncatedBody"
  /** Feedback about nothing (RFC 4585 section 6.2.1: at least one entry). */
  | "emptyFeedback"
  /** A packet status that transport-wide feedback reserves. */
  | "reservedStatus";

/** An empty packet with its header written; `bodyLength` is rounded up to whole words. `count` has five bits. */
export function framePacket(type: number, count: number, bodyLength: number): DataView {
  const out = new DataView(new ArrayBuffer(HEADER_LENGTH + Math.ceil(bodyLength / 4) * 4));
  out.setUint8(0, 0x80 | count);
  out.setUint8(1, type);
  out.setUint16(2, out.byteLength / 4 - 1);
  return out;
}

/** As {@link framePacket}; the bytes that fill the last word are marked as padding, so that no reader takes them. */
export function framePaddedPacket(type: number, count: number, bodyLength: number): DataView {
  const out = framePacket(type, count, bodyLength);
  const padding = out.byteLength - HEADER_LENGTH - bodyLength;
  if (padding > 0) {
    out.setUint8(0, out.getUint8(0) | 0x20);
    out.setUint8(out.byteLength - 1, padding);
  }
  return out;
}
