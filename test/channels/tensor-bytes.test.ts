import { expect, it } from "vitest";
import { MAX_TENSOR_AXES, TENSOR_ELEMENTS, tensorBytes } from "../../src/channels/tensor-bytes.ts";

it("counts the elements of all axes, each in its own size", () => {
  const sizes = TENSOR_ELEMENTS.map((dtype) => [dtype, tensorBytes(dtype, [2, 3])]);
  expect(Object.fromEntries(sizes)).toEqual({ f32: 24, f16: 12, i32: 24, i8: 6, u8: 6 });
});

it("takes no axes for one element and an empty axis for none", () => {
  expect([tensorBytes("f32", []), tensorBytes("f32", [5, 0, 7])]).toEqual([4, 0]);
});

it.each([
  [[-1]],
  [[1.5]],
  [[NaN]],
  [[Infinity]],
  [["3"]],
  [[null]],
  [[2 ** 53]],
  [[2 ** 32, 2 ** 32]],
  [[2 ** 32, 2 ** 32, 0]],
  [Array.from({ length: MAX_TENSOR_AXES + 1 }, () => 1)],
])("has no size for %j", (shape: unknown[]) => {
  expect(tensorBytes("i32", shape)).toBeNaN();
});
