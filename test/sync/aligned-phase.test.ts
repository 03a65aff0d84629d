import { describe, expect, it } from "vitest";
import { AlignedDelay } from "../../src/sync/aligned-delay.ts";
import { AlignedPhase } from "../../src/sync/aligned-phase.ts";

const RATE = 48_000;
const FRAME = 960;

describe("the rate", () => {
  it("is the first guess until capture times have told it, and theirs from then on", () => {
    const phase = new AlignedPhase(RATE);
    phase.begin(1000, 50);
    expect(phase.driftPpm).toBeCloseTo(50, 6);
    for (let inputs = FRAME; inputs <= 10 * FRAME; inputs += FRAME) {
      phase.observe(1000 + inputs * (1 - 120e-6), inputs);
      expect(phase.driftPpm).toBeCloseTo(inputs < 10 * FRAME ? 50 : 120, 3);
    }
  });

  it("is not moved by a correction of the capture times", () => {
    const phase = new AlignedPhase(RATE);
    phase.begin(0, 0);
    for (let inputs = FRAME; inputs < 15 * RATE; inputs += FRAME) {
      // Five seconds in, 4 ms are slewed away within 0.8 s.
      const corrected = Math.min(192, Math.max(0, (inputs - 5 * RATE) * 5e-3));
      phase.observe(inputs * (1 - 80e-6) + corrected, inputs);
      if (inputs > RATE) expect(phase.driftPpm).toBeCloseTo(80, 3);
    }
  });

  it("never leaves what real clocks do", () => {
    const phase = new AlignedPhase(RATE);
    phase.begin(0, 9000);
    expect(phase.driftPpm).toBe(1600);
    phase.observe(2 * RATE, RATE);
    expect(phase.driftPpm).toBe(-1600);
  });
});

describe("the ratio", () => {
  it("takes a small phase error away at 300 ppm at most, a large one faster", () => {
    const phase = new AlignedPhase(RATE);
    phase.begin(0, 0);
    expect(phase.ratio(0)).toBe(1);
    expect(phase.ratio(2.4) - 1).toBeCloseTo(100e-6, 9);
    expect(phase.ratio(40) - 1).toBeCloseTo(300e-6, 9);
    expect(phase.ratio(-96) - 1).toBeCloseTo(-600e-6, 9);
    expect(phase.ratio(480) - 1).toBeCloseTo(1600e-6, 9);
  });
});

describe("the delay of a peer", () => {
  it("is what its frames took in the last one to two seconds", () => {
    const delay = new AlignedDelay();
    expect([delay.leastMs, delay.largestMs]).toEqual([Infinity, 0]);
    delay.observe(80, 0);
    delay.observe(40, 999);
    expect([delay.leastMs, delay.largestMs]).toEqual([40, 80]);
    delay.observe(50, 1000);
    expect([delay.leastMs, delay.largestMs]).toEqual([40, 80]);
    delay.observe(-5, 2000);
    expect([delay.leastMs, delay.largestMs]).toEqual([0, 50]);
    delay.reset();
    expect([delay.leastMs, delay.largestMs]).toEqual([Infinity, 0]);
  });
});
