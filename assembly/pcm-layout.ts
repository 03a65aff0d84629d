// What the PCM kernels find in memory. Filter table: PCM_PHASES rows and a guard row, PCM_TAPS f32 each; row r is the
// filter for an output r / PCM_PHASES of a sample behind the middle. State of one resampled stream: PCM_STATE_BYTES.

export const PCM_TAPS: i32 = 16;
/** Input samples before the one at (or just before) the output's position. */
export const PCM_TAPS_BEFORE: i32 = 7;
/** Input samples after it. */
export const PCM_TAPS_AFTER: i32 = 8;
export const PCM_PHASES: i32 = 256;

/** u64, 32.32: position of the next output in samples behind the source address. */
export const PCM_POSITION: i32 = 0;
/** u64, 32.32: input samples per output sample. */
export const PCM_STEP: i32 = 8;
/** u32, address of the sample at position 0. */
export const PCM_SOURCE: i32 = 16;
export const PCM_STATE_BYTES: i32 = 32;

/** Kernels work in groups of this many samples: they may read and write so far, less one, past a buffer's end. */
export const PCM_GROUP: i32 = 16;
