import { expect, it } from "vitest";
import { isEqualJson } from "../../src/pipeline/equal-json.ts";

it("tells equal JSON from other JSON", () => {
  const value = { a: [1, { b: null }], c: "x" };
  expect(isEqualJson(value, { c: "x", a: [1, { b: null }] })).toBe(true);
  for (const other of [
    { a: [1, { b: null }] },
    { a: [1, { b: 0 }], c: "x" },
    { a: [1, { b: null }, 2], c: "x" },
    { a: { 0: 1, 1: { b: null } }, c: "x" },
    { a: [1, { d: null }], c: "x" },
    null,
    "x",
    [],
  ]) {
    expect(isEqualJson(value, other)).toBe(false);
  }
});
