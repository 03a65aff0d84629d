// What the conference mix finds in memory. A voice: MIX_VOICE_BYTES. A level: MIX_LEVEL_BYTES, four lanes each, to be
// put together by the reader. Rows and outputs: f32, padded to a multiple of MIX_GROUP samples.

/** Four f32: gains of the first four samples. */
export const MIX_GAIN: i32 = 0;
/** Four f32: what they grow by every four samples. */
export const MIX_GAIN_STEP: i32 = 16;
/** u32, address of the voice's samples. */
export const MIX_ROW: i32 = 32;
export const MIX_VOICE_BYTES: i32 = 48;

/** Four f32: the largest magnitudes, one of every fourth sample. */
export const MIX_PEAKS: i32 = 0;
/** Four f32: the sums of squares likewise. */
export const MIX_SQUARES: i32 = 16;
export const MIX_LEVEL_BYTES: i32 = 32;

/** The kernels work in groups of this many samples. */
export const MIX_GROUP: i32 = 4;
