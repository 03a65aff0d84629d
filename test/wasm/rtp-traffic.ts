// RTP packets and seeded randomness for tests of the kernels.

/** Fields of a test packet. */
export interface PacketFields {
  sequenceNumber: number;
  rtpTimestamp: number;
  payload?: Uint8Array;
  payloadType?: number;
  marker?: boolean;
  ssrc?: number;
  csrcs?: number;
  /** 32-bit words behind the extension's own header; undefined for no extension. */
  extensionWords?: number;
  /** Bytes of padding, the count byte included. */
  padding?: number;
}

/** An RTP packet (RFC 3550 section 5.1). Numbers are taken modulo their width. */
export function rtpPacket(fields: PacketFields): Uint8Array {
  const { payload = new Uint8Array(20), payloadType = 111, marker = false, ssrc = 0x1234abcd } = fields;
  const { csrcs = 0, extensionWords, padding = 0 } = fields;
  const extensionBytes = extensionWords === undefined ? 0 : 4 + 4 * extensionWords;
  const headerBytes = 12 + 4 * csrcs + extensionBytes;
  const packet = new Uint8Array(headerBytes + payload.length + padding);
  const view = new DataView(packet.buffer);
  packet[0] = 0x80 | (padding > 0 ? 0x20 : 0) | (extensionWords === undefined ? 0 : 0x10) | csrcs;
  packet[1] = (marker ? 0x80 : 0) | payloadType;
  view.setUint16(2, fields.sequenceNumber & 0xffff);
  view.setUint32(4, fields.rtpTimestamp >>> 0);
  view.setUint32(8, ssrc);
  if (extensionWords !== undefined) view.setUint16(12 + 4 * csrcs + 2, extensionWords);
  packet.set(payload, headerBytes);
  if (padding > 0) packet[packet.length - 1] = padding;
  return packet;
}

/** Seeded numbers in [0, 1): the same for the same seed, everywhere (xorshift32). */
export function seededRandom(seed: number): () => number {
  let state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}
