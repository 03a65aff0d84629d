// Two planes mixed by a mask over the WebAssembly kernel, in bands that stay in the processor's cache.
import { TransportError } from "../errors/errors.ts";
import { lendPixelMemory } from "./pixel-memory.ts";

/** Samples that are worked on at a time. */
const BAND = 32 * 1024;

/**
 * Samples of `first` where the mask is 255, of `second` where it is 0, in between a part of both, to the nearest step.
 * @param mask read, not kept, as the planes are; all three of one length
 * @returns a fresh plane
 * @throws TransportError `INVALID_DATA` for other lengths, `NOT_SUPPORTED` without WebAssembly
 */
export function mixPlanes(first: Uint8Array, second: Uint8Array, mask: Uint8Array): Uint8Array {
  const { length } = first;
  if (second.length !== length || mask.length !== length) {
    const message = `planes of ${length} and ${second.length} bytes cannot be mixed by a mask of ${mask.length}`;
    throw new TransportError("INVALID_DATA", message);
  }
  const mixed = new Uint8Array(length);
  const band = Math.min(length, BAND);
  const { at, memory } = lendPixelMemory([band, band, band, band]);
  const [a = 0, b = 0, share = 0, target = 0] = at;
  for (let start = 0; start < length; start += band) {
    const end = Math.min(start + band, length);
    memory.bytes.set(first.subarray(start, end), a);
    memory.bytes.set(second.subarray(start, end), b);
    memory.bytes.set(mask.subarray(start, end), share);
    memory.kernels.mixPlanes(a, b, share, target, end - start);
    mixed.set(memory.bytes.subarray(target, target + end - start), start);
  }
  return mixed;
}
