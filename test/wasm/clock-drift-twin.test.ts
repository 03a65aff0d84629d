// The drift kernel in WebAssembly and its JavaScript twin do the same, down to the last byte of memory.
import { expect, it } from "vitest";
import { SeededRandom } from "../../src/testing/random.ts";
import { LAYOUT } from "../../src/wasm/generated/kernels.ts";
import { twinPair } from "./twin.ts";

const OPERATIONS = 4000;

it.each([1, 2, 3, 4, 5, 6])("random observations leave both memories equal (seed %i)", (seed) => {
  const pair = twinPair(512 * 1024, false);
  const random = new SeededRandom(`drift-twin-${seed}`);
  const drift = pair.arena.allocate(pair.call("driftBytes"));
  const scratch = pair.arena.allocate(pair.call("driftScratchBytes"));
  pair.call("initDrift", drift, 1 / 48, seed % 2 === 0 ? 4000 : 250);
  let nowMs = 0;
  let levelMs = 0;
  let slope = 0;
  let estimates = 0;
  for (let i = 0; i < OPERATIONS; i++) {
    const habit = random.next();
    nowMs += random.next() * (habit < 0.01 ? 60_000 : 200);
    if (habit > 0.997) levelMs += 40 * random.normal();
    if (habit > 0.999) slope = 1e-3 * random.normal();
    if (habit > 0.9985) pair.call("cutDrift", drift);
    const late = random.chance(0.1) ? random.next() * 300 : 0;
    const noise = seed === 3 ? 0 : random.next() ** 4 * 30;
    pair.call(
      "addDrift",
      drift,
      random.chance(0.01) ? nowMs - 500 : nowMs,
      nowMs - late,
      levelMs + slope * nowMs + noise,
    );
    if (random.chance(0.02)) estimates += pair.call("estimateDrift", drift, scratch);
    if (random.chance(0.0003)) pair.call("initDrift", drift, 1 / 90, 4000);
  }
  expect(estimates).toBeGreaterThan(30);
  const result = (offset: number): number => pair.arena.doubles[(drift + offset) >> 3] as number;
  for (const offset of [LAYOUT.DRIFT_SLOPE, LAYOUT.DRIFT_ERROR, LAYOUT.DRIFT_SPAN_MS])
    expect(Number.isFinite(result(offset))).toBe(true);
  expect(pair.arena.words[(drift + LAYOUT.DRIFT_COUNT) >> 2]).toBeLessThan(LAYOUT.DRIFT_MAX_POINTS);
  expect(pair.firstDifference()).toBe(-1);
});
