import { describe, expect, it } from "vitest";
import { LaneDrift } from "../../src/sync/lane-drift.ts";
import { SeededRandom } from "../../src/testing/random.ts";

const WALL_US = 1_767_225_600_000_000;

/** 90 s of a sender 80 ppm fast; captures every 500 ms, told `capturePpm` off. */
function observe({ capturePpm, jitterMs }: { capturePpm: number; jitterMs: number }) {
  const random = new SeededRandom(41);
  const drift = new LaneDrift({ peerId: "bob", clockRate: 48_000, thresholdPpm: 100, arena: undefined });
  expect(drift.estimate()).toBeNull();
  for (let index = 0; index < 4500; index++) {
    const captureMs = (index * 20) / (1 + 80e-6);
    const atMs = captureMs + 30 + random.next() * jitterMs;
    drift.observeArrival(index * 960, atMs);
    if (index % 25 === 0) {
      const toldMs = (index * 20) / (1 + (80 + capturePpm) * 1e-6);
      drift.observeCapture(index * 960, WALL_US + toldMs * 1000, atMs);
    }
  }
  return drift;
}

describe("the drift of a lane", () => {
  it("comes from capture times when they are surer and agree, seed 41", () => {
    const drift = observe({ capturePpm: 0, jitterMs: 60 });
    const estimate = drift.estimate();
    expect(Math.abs((estimate?.driftPpm ?? 0) - 80)).toBeLessThan(1);
    expect(estimate?.sampleCount).toBe(180); // those with capture times
    drift.close();
  });

  it("comes from arrivals when capture times contradict them, seed 41", () => {
    const drift = observe({ capturePpm: 400, jitterMs: 5 });
    const estimate = drift.estimate();
    expect(Math.abs((estimate?.driftPpm ?? 0) - 80)).toBeLessThan(10);
    expect(estimate?.sampleCount).toBe(4500);
    drift.reset();
    expect(drift.estimate()).toBeNull();
    drift.close();
    drift.close();
  });

  it("passes over capture times no calendar has", () => {
    const drift = new LaneDrift({ peerId: "bob", clockRate: 48_000, thresholdPpm: 100, arena: undefined });
    for (const us of [-5e15, 5e15, Number.NaN, 0]) drift.observeCapture(0, us, 0);
    expect(drift.estimate()).toBeNull();
    drift.close();
  });
});
