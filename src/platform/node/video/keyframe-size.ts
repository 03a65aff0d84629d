// The size that a keyframe says of itself, read before a decoder makes room for it. Pure.
import type { VideoCodecName } from "../../video-codecs.ts";

/** Pixels of a picture. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/**
 * Read the size in a keyframe of VP9 profile 0 or VP8.
 *
 * @returns undefined where `data` is no such keyframe: the decoder finds out what it is
 */
export function keyframeSize(codec: VideoCodecName, data: Uint8Array): PictureSize | undefined {
  if (codec === "VP9") return vp9Size(data);
  return codec === "VP8" ? vp8Size(data) : undefined;
}

/** VP9 bitstream 6.2: marker 10, profile 00, not an old picture, a keyframe; then the sync code and four bits of color. */
function vp9Size(data: Uint8Array): PictureSize | undefined {
  if (data.length < 9 || ((data[0] as number) & 0xfc) !== 0x80) return undefined;
  if (data[1] !== 0x49 || data[2] !== 0x83 || data[3] !== 0x42) return undefined;
  return { width: vp9Side(data, 4), height: vp9Side(data, 6) };
}

/** 16 bits from the middle of a byte on, less by one than the side. */
function vp9Side(data: Uint8Array, start: number): number {
  const [a, b, c] = [data[start] as number, data[start + 1] as number, data[start + 2] as number];
  return (((a & 0x0f) << 12) | (b << 4) | (c >> 4)) + 1;
}

/** RFC 6386 section 9.1: a frame tag whose first bit is 0, the start code, 14 bits for each side. */
function vp8Size(data: Uint8Array): PictureSize | undefined {
  if (data.length < 10 || ((data[0] as number) & 1) !== 0) return undefined;
  if (data[3] !== 0x9d || data[4] !== 0x01 || data[5] !== 0x2a) return undefined;
  const side = (low: number): number => (data[low] as number) | (((data[low + 1] as number) & 0x3f) << 8);
  return { width: side(6), height: side(8) };
}
