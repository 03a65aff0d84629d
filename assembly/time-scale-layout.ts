// What a search for a similar stretch of signal leaves in memory: three f32.

/** Normalized correlation of the best candidate with the reference, -1 to 1. */
export const SCALE_CORRELATION: i32 = 0;
/** Sum of squares of the reference, */
export const SCALE_REFERENCE_ENERGY: i32 = 4;
/** and of the best candidate. */
export const SCALE_CANDIDATE_ENERGY: i32 = 8;
export const SCALE_RESULT_BYTES: i32 = 16;
