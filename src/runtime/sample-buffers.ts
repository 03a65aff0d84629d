// Arrays of samples used over and over. Every frame of every peer needs some, each a block of memory outside the heap of
// the engine: to collect them as garbage costs more than to fill them.

/** Arrays kept of each length; more than are under way between two frames. */
const MAX_SPARE = 16;

/** Lengths for which arrays are kept; beyond, the one used first is forgotten. */
const MAX_LENGTHS = 4;

/** Lengths that differ a little from frame to frame share arrays of a multiple of this. */
const UNIT = 256;

/** No memory of WebAssembly is smaller, and no frame of audio as large. */
const PAGE_BYTES = 65_536;

const spares = new Map<number, Float32Array[]>();

/**
 * Samples of any content, in an array of exactly this length. To {@link recycleSamples} when nobody reads them any more,
 * or to the garbage collector like any other.
 */
export function takeSamples(length: number): Float32Array {
  return spares.get(length)?.pop() ?? new Float32Array(length);
}

/** As {@link takeSamples} for lengths that vary; the samples are the beginning of an array. */
export function takeSamplesWithin(length: number): Float32Array {
  return takeSamples(Math.ceil(length / UNIT) * UNIT).subarray(0, length);
}

/** Give back samples that nobody else reads or keeps, with the whole array that they lie in. */
export function recycleSamples(samples: Float32Array): void {
  const { buffer, length } = samples;
  // What threads share, or has been transferred, or may be a memory of WebAssembly, is no array of samples.
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength === 0 || buffer.byteLength >= PAGE_BYTES) return;
  const whole = length * 4 === buffer.byteLength ? samples : new Float32Array(buffer);
  let kept = spares.get(whole.length);
  if (kept === undefined) {
    if (spares.size >= MAX_LENGTHS) spares.delete(spares.keys().next().value as number);
    spares.set(whole.length, (kept = []));
  }
  if (kept.length < MAX_SPARE) kept.push(whole);
}
