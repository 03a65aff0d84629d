// Percentiles from counts, against the same from sorted values.
import { expect, it } from "vitest";
import { Histogram } from "../../src/testing/histogram.ts";
import { SeededRandom } from "../../src/testing/random.ts";

const SEED = 9;

it(`agrees with sorted values to one bin (seed ${SEED})`, () => {
  const random = new SeededRandom(SEED);
  const values = Array.from({ length: 10_000 }, () => Math.abs(random.normal()) * 20);
  const histogram = new Histogram(0.1, 200);
  for (const value of values) histogram.add(value);
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] as number;
  const { count, mean, p50, p95, p999, max } = histogram.spread;
  expect(count).toBe(10_000);
  expect(mean).toBeCloseTo(values.reduce((sum, value) => sum + value, 0) / 10_000, 9);
  expect(max).toBe(at(1));
  for (const [found, share] of [
    [p50, 0.5],
    [p95, 0.95],
    [p999, 0.999],
  ] as const) {
    expect(found).toBeGreaterThanOrEqual(at(share));
    expect(found - at(share)).toBeLessThanOrEqual(0.1);
  }
});

it("is all zero without values and counts what is beyond its limit as that", () => {
  const histogram = new Histogram(1, 10);
  expect(histogram.spread).toEqual({ count: 0, mean: 0, p50: 0, p95: 0, p999: 0, max: 0 });
  for (const value of [5, 1_000]) histogram.add(value);
  expect(histogram.spread).toMatchObject({ count: 2, mean: 502.5, p50: 6, max: 1_000 });
});
