// What the capture worklet and the page agree on. Pure.

/** Name under which the capture processor is registered. */
export const CAPTURE_PROCESSOR = "demo-capture";
/** Samples per block that it posts: 20 ms at 48 kHz. */
export const CAPTURE_BLOCK_SAMPLES = 960;
