// Byte offsets inside the region of one drift estimator. Words are i32 unless a comment says f64.
export const DRIFT_COUNT: i32 = 0; // closed points
export const DRIFT_PIECE: i32 = 4; // points of different pieces have nothing in common but the drift
export const DRIFT_OPEN: i32 = 8; // 1: the last point belongs to a bin that is not over
export const DRIFT_TICK_MS: i32 = 16; // f64; one tick of the media clock
export const DRIFT_BIN_MS: i32 = 24; // f64
export const DRIFT_MAX_BIN_MS: i32 = 32; // f64
export const DRIFT_BIN_END: i32 = 40; // f64; local ms

// What an estimate leaves behind.
export const DRIFT_SLOPE: i32 = 48; // f64; of d over media time
export const DRIFT_ERROR: i32 = 56; // f64; standard error of the slope
export const DRIFT_SPAN_MS: i32 = 64; // f64; of the longest piece

export const DRIFT_POINTS: i32 = 128;
export const DRIFT_MAX_POINTS: i32 = 128;

// A point, in the region and in scratch space.
export const DRIFT_POINT_BYTES: i32 = 24;
export const DRIFT_X: i32 = 0; // f64; media time, ms
export const DRIFT_D: i32 = 8; // f64; arrival or capture time minus media time, ms
export const DRIFT_POINT_PIECE: i32 = 16;
