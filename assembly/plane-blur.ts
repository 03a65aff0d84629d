// Box blur of a plane of bytes, SIMD: running sums of rows, as many columns at once as there are. Columns are blurred the
// same way, after blocks of them were turned. Not in the portable dialect: the tests hold references.
import { PIXEL_GROUP } from "./pixels-layout";

// The means of eight sums; `factor` is 2^shift over the length of the window, rounded up.
function means(sums: v128, factor: v128, shift: i32): v128 {
  const low = i32x4.shr_u(i32x4.extmul_low_i16x8_u(sums, factor), shift);
  const high = i32x4.shr_u(i32x4.extmul_high_i16x8_u(sums, factor), shift);
  return i16x8.narrow_i32x4_u(low, high);
}

/**
 * Every row becomes the mean of the 2 * radius + 1 rows around it, where the first and the last one stand for those
 * beyond them. Rows are written in rising order, elsewhere than they are read. `radius` is at most 64, so that sums fit
 * 16 bits; `sums` holds two bytes for each column, rounded up to a group.
 */
export function boxRows(
  source: usize,
  sourceStride: i32,
  rows: i32,
  target: usize,
  targetStride: i32,
  width: i32,
  radius: i32,
  factor: i32,
  shift: i32,
  sums: usize,
): void {
  const factors = i16x8.splat(i16(factor));
  // What rounds the mean stays in the sums.
  const half = i16x8.splat(i16(radius));
  const weight = i16x8.splat(i16(radius + 1));
  for (let x = 0; x < width; x += PIXEL_GROUP) {
    let at = source + x;
    const top = v128.load(at);
    let low = i16x8.add(half, i16x8.mul(i16x8.extend_low_i8x16_u(top), weight));
    let high = i16x8.add(half, i16x8.mul(i16x8.extend_high_i8x16_u(top), weight));
    for (let row = 1; row <= radius; row++) {
      if (row < rows) at += sourceStride;
      const next = v128.load(at);
      low = i16x8.add(low, i16x8.extend_low_i8x16_u(next));
      high = i16x8.add(high, i16x8.extend_high_i8x16_u(next));
    }
    v128.store(sums + (x << 1), low);
    v128.store(sums + (x << 1), high, 16);
  }
  let entering = source + min(radius + 1, rows - 1) * sourceStride;
  let leaving = source;
  for (let row = 0; row < rows; row++) {
    let sum = sums;
    for (let x = 0; x < width; x += PIXEL_GROUP) {
      const low = v128.load(sum);
      const high = v128.load(sum, 16);
      v128.store(target + x, i8x16.narrow_i16x8_u(means(low, factors, shift), means(high, factors, shift)));
      const more = v128.load(entering + x);
      const less = v128.load(leaving + x);
      const lowChange = i16x8.sub(i16x8.extend_low_i8x16_u(more), i16x8.extend_low_i8x16_u(less));
      const highChange = i16x8.sub(i16x8.extend_high_i8x16_u(more), i16x8.extend_high_i8x16_u(less));
      v128.store(sum, i16x8.add(low, lowChange));
      v128.store(sum, i16x8.add(high, highChange), 16);
      sum += 32;
    }
    target += targetStride;
    if (row + radius + 2 < rows) entering += sourceStride;
    if (row >= radius) leaving += sourceStride;
  }
}
