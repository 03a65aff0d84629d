import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/testing/random.ts";

function draw(random: SeededRandom, count: number): number[] {
  return Array.from({ length: count }, () => random.next());
}

describe("SeededRandom", () => {
  it("repeats itself for equal seeds and differs for others", () => {
    expect(draw(new SeededRandom(7), 20)).toEqual(draw(new SeededRandom("7"), 20));
    expect(draw(new SeededRandom(7), 20)).not.toEqual(draw(new SeededRandom(8), 20));
  });

  it("fills [0, 1) evenly", () => {
    const buckets = new Array<number>(10).fill(0);
    for (const value of draw(new SeededRandom("even"), 100_000)) {
      const bucket = Math.floor(value * 10);
      buckets[bucket] = (buckets[bucket] ?? NaN) + 1;
    }
    // Standard deviation of a bucket is 95.
    for (const count of buckets) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  });

  it("gives whole numbers with both ends included", () => {
    const random = new SeededRandom("dice");
    const rolls = new Set(Array.from({ length: 200 }, () => random.integer(1, 6)));
    expect([...rolls].sort()).toEqual([1, 2, 3, 4, 5, 6]);
    expect(random.integer(3, 3)).toBe(3);
  });

  it("gives chances as asked", () => {
    const random = new SeededRandom("chance");
    const hits = Array.from({ length: 10_000 }, () => random.chance(0.05)).filter(Boolean).length;
    expect(hits).toBeGreaterThan(400);
    expect(hits).toBeLessThan(600);
    expect([random.chance(0), random.chance(1)]).toEqual([false, true]);
  });

  it("gives normally distributed numbers", () => {
    const random = new SeededRandom("normal");
    const values = Array.from({ length: 50_000 }, () => random.normal());
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    expect(mean).toBeCloseTo(0, 1);
    expect(variance).toBeCloseTo(1, 1);
    expect(values.every(Number.isFinite)).toBe(true);
  });

  it("gives as many bytes as asked, of all values", () => {
    const bytes = new SeededRandom("bytes").bytes(10_000);
    expect(bytes).toHaveLength(10_000);
    expect(new Set(bytes).size).toBe(256);
  });
});
