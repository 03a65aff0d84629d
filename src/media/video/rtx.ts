// Retransmission payloads (RFC 4588 section 4): the packet that was asked for, behind its original sequence number.
// Pure; never throws on what the network brings.

/** Bytes of the original sequence number in front of the original payload. */
const OSN_LENGTH = 2;

/** What a retransmission packet carries. */
export interface RtxPayload {
  /** Sequence number in the original stream, u16. */
  readonly sequenceNumber: number;
  /** A view into the payload that was read. */
  readonly payload: Uint8Array;
}

/** Read one. @returns undefined when there is no original in it: such packets probe the path */
export function readRtx(payload: Uint8Array): RtxPayload | undefined {
  if (payload.length <= OSN_LENGTH) return undefined;
  const sequenceNumber = ((payload[0] as number) << 8) | (payload[1] as number);
  return { sequenceNumber, payload: payload.subarray(OSN_LENGTH) };
}

/** Write one, a fresh array. @param sequenceNumber u16 */
export function buildRtx({ sequenceNumber, payload }: RtxPayload): Uint8Array {
  const bytes = new Uint8Array(OSN_LENGTH + payload.length);
  bytes[0] = sequenceNumber >> 8;
  bytes[1] = sequenceNumber & 0xff;
  bytes.set(payload, OSN_LENGTH);
  return bytes;
}
