// What the pixel kernels find in memory and how far they reach.

/** Pixels come in groups: a kernel may read and write so many bytes, less one, past the end of a plane. */
export const PIXEL_GROUP: i32 = 16;

/** i32: the first row that an output row is made of; the weights of it and the rows after it follow as i16. */
export const FILTER_WEIGHTS: i32 = 4;
/** What the weights of an output row add up to, as a power of two. */
export const FILTER_BITS: i32 = 14;
