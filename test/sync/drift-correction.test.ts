import { describe, expect, it } from "vitest";
import { DriftCorrection } from "../../src/sync/drift-correction.ts";

const estimate = (driftPpm: number, standardErrorPpm: number) => ({ driftPpm, standardErrorPpm });

function ppmAt(correction: DriftCorrection, nowMs: number): number {
  return (correction.ratioAt(nowMs) - 1) * 1e6;
}

describe("automatic correction", () => {
  it("starts at 1 and stays there without an estimate", () => {
    const correction = new DriftCorrection();
    expect(correction.ratioAt(0)).toBe(1);
    correction.update(null, 100);
    expect(correction.ratioAt(10_000)).toBe(1);
  });

  it.each([
    [40, 20, "a standard error of 20 ppm"],
    [40, 1e6, "nothing known"],
    [10, 5, "two standard errors"],
    [-10, 5, "minus two standard errors"],
  ])("does not apply %d +- %d ppm (%s)", (driftPpm, standardErrorPpm) => {
    const correction = new DriftCorrection();
    correction.update(estimate(driftPpm, standardErrorPpm), 0);
    expect(correction.ratioAt(60_000)).toBe(1);
  });

  it("slews by 5 ppm a second and stops at the estimate", () => {
    const correction = new DriftCorrection();
    correction.update(estimate(-37, 1), 1000);
    expect(ppmAt(correction, 1000)).toBeCloseTo(0, 6);
    expect(ppmAt(correction, 2000)).toBeCloseTo(-5, 6);
    expect(ppmAt(correction, 8000)).toBeCloseTo(-35, 6);
    expect(ppmAt(correction, 20_000)).toBeCloseTo(-37, 6);
  });

  it("never moves faster, however often and wildly it is told", () => {
    const correction = new DriftCorrection();
    let before = 0;
    for (let nowMs = 0; nowMs < 60_000; nowMs += 100) {
      correction.update(estimate(nowMs % 700 === 0 ? -400 : 300, 2), nowMs);
      const ppm = ppmAt(correction, nowMs);
      expect(Math.abs(ppm - before)).toBeLessThanOrEqual(0.5 + 1e-6);
      before = ppm;
    }
    expect(before).toBeGreaterThan(100);
  });

  it("holds what it knows while estimates say too little, and lets go when they say there is no drift", () => {
    const correction = new DriftCorrection();
    correction.update(estimate(20, 1), 0);
    correction.update(null, 10_000);
    correction.update(estimate(900, 50), 10_000);
    expect(ppmAt(correction, 100_000)).toBeCloseTo(20, 6);
    correction.update(estimate(1, 1), 100_000);
    expect(ppmAt(correction, 102_000)).toBeCloseTo(10, 6);
    expect(ppmAt(correction, 110_000)).toBe(0);
  });

  it("goes no further than 1500 ppm", () => {
    const correction = new DriftCorrection();
    correction.update(estimate(4000, 1), 0);
    expect(ppmAt(correction, 1e7)).toBeCloseTo(1500, 6);
  });

  it("steps on reset alone", () => {
    const correction = new DriftCorrection();
    correction.update(estimate(200, 1), 0);
    expect(ppmAt(correction, 30_000)).toBeCloseTo(150, 6);
    correction.reset();
    expect(correction.ratioAt(30_000)).toBe(1);
    correction.reset();
    correction.update(estimate(200, 1), 40_000);
    expect(ppmAt(correction, 41_000)).toBeCloseTo(5, 6);
  });
});

describe("correction by hand", () => {
  it("goes to the factor in a straight line over 100 ms", () => {
    const correction = new DriftCorrection();
    correction.apply(1.01, 500);
    expect(correction.ratioAt(500)).toBe(1);
    expect(correction.ratioAt(525)).toBeCloseTo(1.0025, 12);
    expect(correction.ratioAt(600)).toBeCloseTo(1.01, 12);
    expect(correction.ratioAt(9000)).toBeCloseTo(1.01, 12);
  });

  it("does nothing for the factor that holds already: the ramp does not begin again", () => {
    const correction = new DriftCorrection();
    correction.apply(0.99, 0);
    correction.apply(0.99, 50);
    expect(correction.ratioAt(100)).toBeCloseTo(0.99, 12);
  });

  it("starts a new ramp from where the old one stands", () => {
    const correction = new DriftCorrection();
    correction.apply(1.01, 0);
    correction.apply(1, 50);
    expect(correction.ratioAt(50)).toBeCloseTo(1.005, 12);
    expect(correction.ratioAt(100)).toBeCloseTo(1.0025, 12);
    expect(correction.ratioAt(150)).toBe(1);
  });

  it("is not undone by estimates until reset", () => {
    const correction = new DriftCorrection();
    correction.apply(1.001, 0);
    correction.update(estimate(-100, 1), 1000);
    expect(correction.ratioAt(60_000)).toBeCloseTo(1.001, 12);
    correction.reset();
    correction.update(estimate(-100, 1), 60_000);
    expect(ppmAt(correction, 70_000)).toBeCloseTo(-50, 6);
  });

  it.each([0.9899, 1.0101, 0, -1, Number.NaN, Infinity])("refuses %d", (factor) => {
    const correction = new DriftCorrection();
    expect(() => {
      correction.apply(factor, 0);
    }).toThrow(expect.objectContaining({ code: "INVALID_CORRECTION_FACTOR" }));
    expect(correction.ratioAt(1000)).toBe(1);
  });

  it("refuses times that are none", () => {
    const correction = new DriftCorrection();
    const refusal: unknown = expect.objectContaining({ code: "INVALID_DATA" });
    expect(() => correction.ratioAt(Number.NaN)).toThrow(refusal);
    expect(() => {
      correction.apply(1.001, Infinity);
    }).toThrow(refusal);
    expect(() => {
      correction.update(null, Number.NaN);
    }).toThrow(refusal);
  });
});
