// Pixels with their channels in another order, and chroma of two planes in turn, over the WebAssembly kernels. No sample
// changes; never keeps a picture.
import { TransportError } from "../errors/errors.ts";
import type { I420Picture } from "../platform/video-codecs.ts";
import { lendPixelMemory } from "./pixel-memory.ts";
import { checkPicture } from "./pixels.ts";

/** Layouts with all channels of a pixel beside each other. */
export type PackedPixelFormat = "RGB24" | "RGBA" | "BGRX";

/** Where red, green, blue and what comes besides lie in a pixel; gray is all three. */
const CHANNELS = {
  RGB24: { bytes: 3, places: [0, 1, 2] },
  RGBA: { bytes: 4, places: [0, 1, 2] },
  BGRX: { bytes: 4, places: [2, 1, 0] },
  GRAY8: { bytes: 1, places: [0, 0, 0] },
} as const;

/** Pixels that are worked on at a time, a multiple of 4. */
const BAND = 32 * 1024;
/** A place that the kernel leaves zero. */
const NOWHERE = 0x80;

/**
 * Pixels in another layout. What comes besides the colors, an alpha or nothing, is 255. Gray has the same level in all
 * of them.
 * @param pixels read, not kept; as many bytes as whole pixels take
 * @returns a fresh array
 * @throws TransportError `INVALID_DATA` for a part of a pixel, `NOT_SUPPORTED` without WebAssembly
 */
export function reorderPixels(
  pixels: Uint8Array,
  from: PackedPixelFormat | "GRAY8",
  to: PackedPixelFormat,
): Uint8Array {
  const source = CHANNELS[from].bytes;
  const target = CHANNELS[to].bytes;
  const count = pixels.length / source;
  if (!Number.isInteger(count)) {
    throw new TransportError("INVALID_DATA", `${pixels.length} bytes are no whole pixels of ${from}`);
  }
  const reordered = new Uint8Array(target * count);
  const band = Math.min(count, BAND);
  const pattern = patternOf(from, to);
  const { at, memory } = lendPixelMemory([pattern.length, source * band, target * band]);
  const [how = 0, read = 0, written = 0] = at;
  memory.bytes.set(pattern, how);
  for (let start = 0; start < count; start += band) {
    const here = Math.min(band, count - start);
    memory.bytes.set(pixels.subarray(source * start, source * (start + here)), read);
    memory.kernels.reorderPixels(read, 4 * source, written, 4 * target, here, how);
    reordered.set(memory.bytes.subarray(written, written + target * here), target * start);
  }
  return reordered;
}

/**
 * A picture as NV12: Y, then U and V in turn.
 * @param picture read, not kept
 * @returns a fresh array
 * @throws TransportError `INVALID_DATA` for planes that do not fit the size, `NOT_SUPPORTED` without WebAssembly
 */
export function i420ToNv12(picture: I420Picture): Uint8Array {
  checkPicture(picture);
  const [luma, us, vs] = picture.planes;
  const joined = new Uint8Array(luma.length + 2 * us.length);
  joined.set(luma);
  const band = Math.min(us.length, BAND);
  const { at, memory } = lendPixelMemory([band, band, 2 * band]);
  const [u = 0, v = 0, pairs = 0] = at;
  for (let start = 0; start < us.length; start += band) {
    const here = Math.min(band, us.length - start);
    memory.bytes.set(us.subarray(start, start + here), u);
    memory.bytes.set(vs.subarray(start, start + here), v);
    memory.kernels.joinPairs(u, v, here, pairs);
    joined.set(memory.bytes.subarray(pairs, pairs + 2 * here), luma.length + 2 * start);
  }
  return joined;
}

/** For each of 16 bytes its place in the source; then what it is set to besides. */
function patternOf(from: keyof typeof CHANNELS, to: PackedPixelFormat): Uint8Array {
  const source = CHANNELS[from];
  const target = CHANNELS[to];
  const pattern = new Uint8Array(32).fill(NOWHERE, 0, 16);
  for (let pixel = 0; pixel < 4; pixel++) {
    for (const [channel, place] of target.places.entries()) {
      pattern[pixel * target.bytes + place] = pixel * source.bytes + (source.places[channel] as number);
    }
    if (target.bytes === 4) pattern[16 + 4 * pixel + 3] = 255;
  }
  return pattern;
}
