// Bytes of pixels in another order, SIMD: channels swapped, added and left out, and chroma of two planes in turn. Not in
// the portable dialect: the tests hold references.
import { PIXEL_GROUP } from "./pixels-layout";

/**
 * Four pixels at a time, from `sourceStep` bytes to `targetStep` ones. `pattern` holds 16 places among the bytes of the
 * source (a place beyond 15 gives 0) and 16 bytes that are set besides.
 */
export function reorderPixels(
  source: usize,
  sourceStep: i32,
  target: usize,
  targetStep: i32,
  pixels: i32,
  pattern: usize,
): void {
  const places = v128.load(pattern);
  const besides = v128.load(pattern, 16);
  for (; pixels > 0; pixels -= 4) {
    v128.store(target, v128.or(i8x16.swizzle(v128.load(source), places), besides));
    source += sourceStep;
    target += targetStep;
  }
}

/** Bytes of two planes in turn, `pairs` of each: the chroma of NV12. */
export function joinPairs(u: usize, v: usize, pairs: i32, target: usize): void {
  for (let i = 0; i < pairs; i += PIXEL_GROUP) {
    const a = v128.load(u + i);
    const b = v128.load(v + i);
    v128.store(target, v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
    v128.store(
      target,
      v128.shuffle<i8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31),
      16,
    );
    target += 32;
  }
}
