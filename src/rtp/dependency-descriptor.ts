// The dependency descriptor of a frame (AV1 RTP payload specification, appendix A), as header extension: which frame of its
// stream a packet is part of, and that each needs the one before. Browsers number coded frames by it. Writes only.

/** What a descriptor says of a packet. */
export interface FrameDependency {
  /** Counts the frames of a stream, those included that were left out; its low 16 bits are written. */
  readonly frameNumber: number;
  readonly isKeyframe: boolean;
  /** The packet is the first, or the last, of its frame. */
  readonly isStart: boolean;
  readonly isEnd: boolean;
}

/** Templates of the structure below: a frame that needs no other, and one that needs the one before. */
const KEYFRAME_TEMPLATE = 0;
const DELTA_TEMPLATE = 1;

/**
 * What stands behind the three bytes of every descriptor in the first packet of a keyframe, bit by bit: one decode target,
 * one layer, one chain.
 */
const STRUCTURE = [
  "10000", // a structure follows; active decode targets, custom DTIs, differences and chains do not
  "000000", // template_id_offset
  "00000", // dt_cnt_minus_one
  "00", // a second template of the same layer,
  "11", // and no more
  "1010", // DTIs of both: switch
  "0", // the first needs no frame,
  "100000", // the second the one before it
  "1", // one chain
  "0000", // chain differences of the first,
  "0001", // and of the second
  "0", // no resolutions
].join("");

const STRUCTURE_BYTES = Uint8Array.from({ length: Math.ceil(STRUCTURE.length / 8) }, (_, i) =>
  parseInt(STRUCTURE.slice(8 * i, 8 * i + 8).padEnd(8, "0"), 2),
);

/** Longest descriptor, bytes. */
export const MAX_DEPENDENCY_BYTES = 3 + STRUCTURE_BYTES.length;

/** @returns 3 bytes, more in the first packet of a keyframe */
export function buildDependency({ frameNumber, isKeyframe, isStart, isEnd }: FrameDependency): Uint8Array {
  const withStructure = isKeyframe && isStart;
  const bytes = new Uint8Array(withStructure ? MAX_DEPENDENCY_BYTES : 3);
  const template = isKeyframe ? KEYFRAME_TEMPLATE : DELTA_TEMPLATE;
  bytes[0] = (isStart ? 0x80 : 0) | (isEnd ? 0x40 : 0) | template;
  bytes[1] = (frameNumber >> 8) & 0xff;
  bytes[2] = frameNumber & 0xff;
  if (withStructure) bytes.set(STRUCTURE_BYTES, 3);
  return bytes;
}
