// How many bytes an array of numbers has. Pure; whatever shape a peer claims, no number grows without bound.
import type { TensorElement } from "../runtime/data.ts";

/** Bytes of one element. */
const ELEMENT_BYTES: Readonly<Record<TensorElement, number>> = { f32: 4, f16: 2, i32: 4, i8: 1, u8: 1 };

/** The element types there are. */
export const TENSOR_ELEMENTS = ["f32", "f16", "i32", "i8", "u8"] as const satisfies TensorElement[];

/** Most axes of a tensor; programs that make them stop at 32 or 64. */
export const MAX_TENSOR_AXES = 32;

/** Bytes of `shape` elements of one type; NaN for what is no shape or more than a number counts exactly. */
export function tensorBytes(dtype: TensorElement, shape: readonly unknown[]): number {
  if (shape.length > MAX_TENSOR_AXES) return NaN;
  let bytes = ELEMENT_BYTES[dtype];
  for (const length of shape) {
    if (typeof length !== "number" || !Number.isSafeInteger(length) || length < 0) return NaN;
    bytes *= length;
    if (!Number.isSafeInteger(bytes)) return NaN;
  }
  return bytes;
}
