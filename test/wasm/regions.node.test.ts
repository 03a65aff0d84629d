// Kernels without an arena of their own share a few memories; so this runs where no other test has made any.
import { expect, it } from "vitest";
import { Arena } from "../../src/wasm/arena.ts";
import { claimRegion, releaseRegion } from "../../src/wasm/regions.ts";
import type { Region } from "../../src/wasm/regions.ts";

const MIB = 1024 * 1024;

it("shares a memory while there is room and adds one when there is none", () => {
  const regions: Region[] = Array.from({ length: 8 }, () => claimRegion(MIB));
  const arenas = new Set(regions.map(({ arena }) => arena));
  expect(arenas.size).toBeGreaterThan(1);
  expect(arenas.size).toBeLessThan(5);
  for (const region of regions) releaseRegion(region);
  // By number: an arena that is printed holds megabytes.
  expect([...arenas].filter(({ inUse }) => inUse).length).toBe(0);
});

it("uses the arena it is given, and gives back what it took", () => {
  const arena = new Arena({ bytes: MIB });
  const region = claimRegion(1000, arena);
  expect(Object.is(region.arena, arena)).toBe(true);
  expect(arena.inUse).toBe(true);
  releaseRegion(region);
  expect(arena.inUse).toBe(false);
  expect(arena.bytesInUse).toBe(0);
});

it("shares with another thread nothing but the region", () => {
  const one = claimRegion(1000, undefined, true);
  const two = claimRegion(1000, undefined, true);
  expect(one.arena.shared).toBe(true);
  expect(Object.is(two.arena, one.arena)).toBe(false);
});

it("lends scratch space that grows and does not count as use", () => {
  const arena = new Arena({ bytes: MIB });
  const small = arena.scratch(100);
  expect(arena.scratch(50)).toBe(small);
  arena.scratch(100_000);
  expect(arena.inUse).toBe(false);
  expect(() => arena.scratch(2 * MIB)).toThrow(expect.objectContaining({ code: "LIMIT_EXCEEDED" }));
  expect(arena.scratch(100)).toBeGreaterThan(0);
});
