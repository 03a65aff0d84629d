// NAL units of H.264 (ITU-T H.264 section 7.3.1 and annex B): the types that matter to RTP, and finding them in a stream
// of bytes. Never throws.

/** Types of NAL units; from 24 on, of payloads that are none themselves (RFC 6184 section 5.2). */
export const NAL = { idr: 5, sps: 7, accessUnitDelimiter: 9, lastUnit: 23, stapA: 24, fuA: 28 } as const;

/** The type in a NAL unit's first byte. */
export const NAL_TYPE = 0x1f;

/** The bit of a NAL unit's first byte that tells of errors (F). */
export const NAL_FORBIDDEN = 0x80;

/** The two bits of a NAL unit's first byte that tell how important it is (NRI). */
export const NAL_IMPORTANCE = 0x60;

/** Zero, zero, one. */
const START_CODE_LENGTH = 3;

/**
 * The NAL units of a byte stream, as views without start codes and the zeros around them. What stands before the first
 * start code is none.
 */
export function findNalUnits(stream: Uint8Array): Uint8Array[] {
  const units: Uint8Array[] = [];
  let code = findStartCode(stream, 0);
  while (code < stream.length) {
    const begin = code + START_CODE_LENGTH;
    code = findStartCode(stream, begin);
    let end = code;
    // A unit never ends with a zero: zeros belong to the next start code, or pad.
    while (end > begin && stream[end - 1] === 0) end--;
    if (end > begin) units.push(stream.subarray(begin, end));
  }
  return units;
}

/** Where the next start code begins, the stream's length if there is none. */
function findStartCode(stream: Uint8Array, from: number): number {
  let at = from + 2;
  while (at < stream.length) {
    const byte = stream[at] ?? 0;
    if (byte === 0) at++;
    else if (byte === 1 && stream[at - 1] === 0 && stream[at - 2] === 0) return at - 2;
    // No start code reaches over this byte.
    else at += 3;
  }
  return stream.length;
}
