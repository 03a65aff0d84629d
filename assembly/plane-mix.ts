// Two planes of bytes mixed by a third one that says how much of each, SIMD. Not in the portable dialect: the tests hold
// a reference.
import { PIXEL_GROUP } from "./pixels-layout";

// x / 255 to the nearest, for eight x up to 255 * 255.
function over255(x: v128): v128 {
  const rounded = i16x8.add(x, i16x8.splat(128));
  return i16x8.shr_u(i16x8.add(rounded, i16x8.shr_u(rounded, 8)), 8);
}

/** What is 255 in the mask is of `first`, what is 0 of `second`, and in between a part of both. */
export function mixPlanes(first: usize, second: usize, mask: usize, target: usize, length: i32): void {
  for (let i = 0; i < length; i += PIXEL_GROUP) {
    const a = v128.load(first + i);
    const b = v128.load(second + i);
    const share = v128.load(mask + i);
    const rest = v128.not(share);
    const low = i16x8.add(i16x8.extmul_low_i8x16_u(a, share), i16x8.extmul_low_i8x16_u(b, rest));
    const high = i16x8.add(i16x8.extmul_high_i8x16_u(a, share), i16x8.extmul_high_i8x16_u(b, rest));
    v128.store(target + i, i8x16.narrow_i16x8_u(over255(low), over255(high)));
  }
}
