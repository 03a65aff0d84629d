import { describe, expect, it } from "vitest";
import { ClockMap } from "../../src/sync/clock-map.ts";
import { SeededRandom } from "../../src/testing/random.ts";

const START_US = 1_767_225_600_000_000;
const RATE = 48_000;
const usOf = (ticks: number, ppm = 0): number => START_US + (ticks * 1e6) / (RATE * (1 + ppm * 1e-6));

describe("a clock map", () => {
  it("serves with the nominal rate after one pair", () => {
    const map = new ClockMap(RATE);
    expect(map.add(1_000_000, START_US)).toBe("used");
    expect(map.wallUs(1_048_000)).toBeCloseTo(START_US + 1e6, 3);
    expect(map.wallUs(952_000)).toBeCloseTo(START_US - 1e6, 3);
  });

  it("learns the media clock's rate: 20 reports, 5 s apart, stamps 1 ms coarse, seed 3", () => {
    const random = new SeededRandom(3);
    for (const ppm of [-300, -20, 0, 45, 1000]) {
      const map = new ClockMap(RATE);
      for (let i = 0; i < 25; i++)
        map.add(i * 240_000, Math.floor(usOf(i * 240_000, ppm) / 1000) * 1000 + random.next());
      const at = 25 * 240_000;
      expect(Math.abs(map.wallUs(at) - 1000 / -2 - usOf(at, ppm)), `${ppm} ppm`).toBeLessThan(1200);
      expect(Math.abs(map.wallUs(at) - usOf(at, ppm))).toBeLessThan(map.residualUs(at) + 1000);
    }
  });

  it("looks back over the last 20 pairs only", () => {
    const map = new ClockMap(RATE);
    // The rate changes by 200 ppm: what came before must be forgotten.
    let us = START_US;
    for (let i = 0; i < 60; i++) {
      map.add(i * 240_000, us);
      us += 5e6 * (i < 30 ? 1 : 1 + 200e-6);
    }
    expect(map.count).toBe(20);
    expect(Math.abs(map.wallUs(60 * 240_000) - us)).toBeLessThan(100);
  });

  it("bounds the rate near the nominal one", () => {
    const map = new ClockMap(RATE);
    map.add(0, START_US);
    for (let i = 1; i < 20; i++) map.add(i * 240_000, START_US + i * 5e6 * 1.0001);
    // A stream at a wholly different rate cannot drag the line along: its pairs are outliers.
    expect(map.add(30 * 240_000, START_US + 30 * 5e6 * 1.1)).toBe("outlier");
    const slope = (map.wallUs(48_000 * 100) - map.wallUs(0)) / 100e6;
    expect(Math.abs(slope - 1)).toBeLessThan(1500e-6);
  });

  it("drops reports that are not newer", () => {
    const map = new ClockMap(RATE);
    map.add(480_000, usOf(480_000));
    expect(map.add(480_000, usOf(480_000))).toBe("old");
    expect(map.add(240_000, usOf(240_000) + 90_000)).toBe("old");
    expect(map.wallUs(480_000)).toBe(usOf(480_000));
    expect(map.count).toBe(1);
  });

  it("drops one outlier and opens a new piece at the second that agrees with it", () => {
    const map = new ClockMap(RATE);
    for (let i = 0; i < 6; i++) map.add(i * 240_000, usOf(i * 240_000));
    expect(map.add(6 * 240_000, usOf(6 * 240_000) + 400_000)).toBe("outlier");
    expect(map.wallUs(6 * 240_000)).toBeCloseTo(usOf(6 * 240_000), 0);
    expect(map.add(7 * 240_000, usOf(7 * 240_000))).toBe("used");

    expect(map.add(8 * 240_000, usOf(8 * 240_000) - 700_000)).toBe("outlier");
    expect(map.add(9 * 240_000, usOf(9 * 240_000) - 700_000)).toBe("step");
    expect(map.count).toBe(2);
    expect(map.wallUs(10 * 240_000)).toBeCloseTo(usOf(10 * 240_000) - 700_000, 0);
  });

  it("does not take two outliers that contradict each other for a step", () => {
    const map = new ClockMap(RATE);
    for (let i = 0; i < 6; i++) map.add(i * 240_000, usOf(i * 240_000));
    expect(map.add(6 * 240_000, usOf(6 * 240_000) + 400_000)).toBe("outlier");
    expect(map.add(7 * 240_000, usOf(7 * 240_000) - 300_000)).toBe("outlier");
    expect(map.add(8 * 240_000, usOf(8 * 240_000))).toBe("used");
  });

  it("forgets everything on reset", () => {
    const map = new ClockMap(RATE);
    map.add(0, START_US);
    map.reset();
    expect(map.count).toBe(0);
    map.add(5, 77e15 / 100);
    expect(map.wallUs(5)).toBe(77e13);
  });
});
