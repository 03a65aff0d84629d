// Arithmetic on RTP's two circles: 16-bit sequence numbers and 32-bit timestamps. Raw values are never compared
// with `<`: only the signed distance on the circle says which one is newer.
import { roundToI32, toF64 } from "./memory";

const MS_PER_SECOND: f64 = 1000.0;

/** Signed steps from sequence number `from` to `to`, -32768 to 32767; only their low 16 bits count. */
export function sequenceDistance(to: i32, from: i32): i32 {
  return ((to - from) << 16) >> 16;
}

/** The extended number with the low 16 bits of `sequence` that lies nearest to `highest` (RFC 3550 appendix A.1). */
export function extendSequence(highest: i32, sequence: i32): i32 {
  return (highest + sequenceDistance(sequence, highest)) | 0;
}

/** Signed ticks from timestamp `from` to `to`; right while they are less than 2^31 ticks apart. */
export function tickDistance(to: i32, from: i32): i32 {
  return (to - from) | 0;
}

/** Milliseconds of a signed number of ticks at `clockRate` Hz. */
export function ticksToMs(ticks: i32, clockRate: i32): f64 {
  return (toF64(ticks) * MS_PER_SECOND) / toF64(clockRate);
}

/** The nearest whole number of ticks in `ms` at `clockRate` Hz, modulo 2^32; ties away from zero. */
export function msToTicks(ms: f64, clockRate: i32): i32 {
  return roundToI32((ms * toF64(clockRate)) / MS_PER_SECOND);
}
