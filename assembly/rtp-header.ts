// The fixed RTP header and what may stand between it and the payload (RFC 3550 sections 5.1 and 5.3.1).
import { load32be, loadU16be, loadU8 } from "./memory";

const FIXED_BYTES: i32 = 12;
const VERSION: i32 = 2;
const PADDING_FLAG: i32 = 0x20;
const EXTENSION_FLAG: i32 = 0x10;
const CSRC_COUNT: i32 = 0x0f;

/** Sequence number and, below it, marker and payload type: bytes 2-3 << 16 | byte 1. */
export function packedHeader(packet: i32): i32 {
  return (sequenceOf(packet) << 16) | loadU8(packet + 1);
}

/** The 16-bit sequence number. */
export function sequenceOf(packet: i32): i32 {
  return loadU16be(packet + 2);
}

/** The 32-bit timestamp, as i32. */
export function timestampOf(packet: i32): i32 {
  return load32be(packet + 4);
}

/** The SSRC, as i32. */
export function ssrcOf(packet: i32): i32 {
  return load32be(packet + 8);
}

/** Bytes before the payload, CSRCs and header extension included; -1 when the packet is malformed. */
export function payloadOffset(packet: i32, length: i32): i32 {
  if (length < FIXED_BYTES) return -1;
  const flags = loadU8(packet);
  if (flags >> 6 != VERSION) return -1;
  let offset = FIXED_BYTES + ((flags & CSRC_COUNT) << 2);
  if ((flags & EXTENSION_FLAG) != 0) {
    if (offset + 4 > length) return -1;
    offset += 4 + (loadU16be(packet + offset + 2) << 2);
  }
  if (offset > length) return -1;
  if ((flags & PADDING_FLAG) == 0) return offset;
  const padding = loadU8(packet + length - 1);
  return padding == 0 || offset + padding > length ? -1 : offset;
}

/** Bytes of padding behind the payload of a well-formed packet, its count byte included. */
export function paddingBytes(packet: i32, length: i32): i32 {
  return (loadU8(packet) & PADDING_FLAG) == 0 ? 0 : loadU8(packet + length - 1);
}
