// Scaling of a plane of bytes, SIMD: every output row is a weighted sum of rows. Columns are scaled the same way, after
// blocks of 16 x 16 were turned. Which rows with which weights is said from outside. Not in the portable dialect: the
// tests hold references.
import { FILTER_BITS, FILTER_WEIGHTS, PIXEL_GROUP } from "./pixels-layout";

/**
 * Make `outputs` rows of `width` bytes. `plan` holds for each of them the number of its first source row and `taps`
 * weights (even), 1 << FILTER_BITS together. Rows are written in rising order.
 */
export function filterRows(
  source: usize,
  sourceStride: i32,
  plan: usize,
  taps: i32,
  outputs: i32,
  target: usize,
  targetStride: i32,
  width: i32,
): void {
  const weightBytes = taps << 1;
  for (; outputs > 0; outputs--) {
    const first = source + load<i32>(plan) * sourceStride;
    const weights = plan + FILTER_WEIGHTS;
    const end = weights + weightBytes;
    for (let x = 0; x < width; x += PIXEL_GROUP) {
      let sum0 = i32x4.splat(1 << (FILTER_BITS - 1));
      let sum1 = sum0;
      let sum2 = sum0;
      let sum3 = sum0;
      let row = first + x;
      for (let at = weights; at < end; at += 4) {
        const pair = v128.load32_splat(at);
        const a = v128.load(row);
        const b = v128.load(row + sourceStride);
        const low = v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        const high = v128.shuffle<i8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        sum0 = i32x4.add(sum0, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(low), pair));
        sum1 = i32x4.add(sum1, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(low), pair));
        sum2 = i32x4.add(sum2, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(high), pair));
        sum3 = i32x4.add(sum3, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(high), pair));
        row += sourceStride << 1;
      }
      const left = i16x8.narrow_i32x4_s(i32x4.shr_s(sum0, FILTER_BITS), i32x4.shr_s(sum1, FILTER_BITS));
      const right = i16x8.narrow_i32x4_s(i32x4.shr_s(sum2, FILTER_BITS), i32x4.shr_s(sum3, FILTER_BITS));
      v128.store(target + x, i8x16.narrow_i16x8_u(left, right));
    }
    plan = end;
    target += targetStride;
  }
}

// Interleave row i with row i + 8 into rows 2i and 2i + 1. A byte's place, row and column as one number of eight bits,
// turns left by one; after four times row and column have changed places.
function interleave(source: usize, sourceStride: i32, target: usize, targetStride: i32): void {
  for (let i = 0; i < 8; i++) {
    const a = v128.load(source);
    const b = v128.load(source + (sourceStride << 3));
    const low = v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const high = v128.shuffle<i8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    v128.store(target, low);
    v128.store(target + targetStride, high);
    source += sourceStride;
    target += targetStride << 1;
  }
}

/**
 * Turn `count` blocks of 16 x 16 bytes: rows become columns. From one block to the next it is `step` bytes. The last
 * block goes first: what it writes past the end of a row, the first one overwrites. `scratch` is 512 bytes.
 */
export function transposeBlocks(
  source: usize,
  sourceStride: i32,
  sourceStep: i32,
  target: usize,
  targetStride: i32,
  targetStep: i32,
  count: i32,
  scratch: usize,
): void {
  const spare = scratch + 256;
  for (let block = count - 1; block >= 0; block--) {
    interleave(source + block * sourceStep, sourceStride, scratch, 16);
    interleave(scratch, 16, spare, 16);
    interleave(spare, 16, scratch, 16);
    interleave(scratch, 16, target + block * targetStep, targetStride);
  }
}
