import { describe, expect, it } from "vitest";
import { DelayTrend } from "../../../src/media/congestion/delay-trend.ts";
import type { PathUsage } from "../../../src/media/congestion/delay-trend.ts";
import { PacketGroups } from "../../../src/media/congestion/packet-groups.ts";
import type { GroupDelta } from "../../../src/media/congestion/packet-groups.ts";
import { StandingDelay } from "../../../src/media/congestion/standing-delay.ts";
import { SeededRandom } from "../../../src/testing/random.ts";

/** Verdicts on `count` packets 10 ms apart, packet `index` delayed by what `delayMs` says. */
function verdicts(count: number, delayMs: (index: number) => number, ppm = 0): PathUsage[] {
  const groups = new PacketGroups();
  const trend = new DelayTrend();
  return Array.from({ length: count }, (_, index) => {
    const delta = groups.add(index * 10, (index * 10 + delayMs(index)) * (1 + ppm * 1e-6));
    if (delta !== undefined) trend.add(delta);
    return trend.usage;
  });
}

describe("groups of packets", () => {
  function deltas(packets: readonly (readonly [number, number])[]): GroupDelta[] {
    const groups = new PacketGroups();
    return packets.flatMap(([sentMs, arrivalMs]) => groups.add(sentMs, arrivalMs) ?? []);
  }

  it("compare how far apart they left and came", () => {
    expect(
      deltas([
        [0, 50],
        [20, 75],
        [40, 95],
        [60, 115],
      ]),
    ).toEqual([
      { delayMs: 5, arrivalMs: 75 },
      { delayMs: 0, arrivalMs: 95 },
    ]);
  });

  it("hold what left within 5 ms, and what was held up with them", () => {
    expect(
      deltas([
        [0, 50],
        [3, 51],
        [5, 52],
        [20, 53],
        [40, 90],
        [60, 110],
      ]),
    ).toEqual([{ delayMs: 17, arrivalMs: 90 }]);
  });

  it("ignore a packet that was overtaken, and begin anew when the receiver's clock is set", () => {
    expect(
      deltas([
        [0, 50],
        [20, 70],
        [10, 95],
        [40, 90],
        [60, 110],
      ]),
    ).toHaveLength(2);
    expect(
      deltas([
        [0, 50],
        [20, 70],
        [40, 9e9],
        [60, 9e9 + 20],
        [80, 9e9 + 40],
      ]),
    ).toEqual([{ delayMs: 0, arrivalMs: 70 }]);
  });
});

describe("the trend of the delay", () => {
  it("is normal on an empty path, with clocks 200 ppm apart as with equal ones", () => {
    for (const ppm of [0, 200, -200])
      expect(new Set(verdicts(2_000, () => 30, ppm))).toEqual(new Set(["normal"]));
  });

  it("shows overuse within 20 groups of a queue that grows by a tenth of the time", () => {
    const usage = verdicts(200, (index) => Math.max(0, index - 100));
    expect(usage.slice(0, 101)).not.toContain("overusing");
    expect(usage.slice(101, 121)).toContain("overusing");
  });

  it("shows underuse while the queue drains", () => {
    expect(verdicts(150, (index) => Math.max(0, 130 - index)).slice(40, 120)).toContain("underusing");
  });

  it("takes single packets of a jittery path for what they are", () => {
    const seed = 3;
    const random = new SeededRandom(seed);
    const usage = verdicts(3_000, () => random.next() * 10);
    const share = usage.filter((each) => each === "overusing").length / usage.length;
    expect(share, `seed ${seed}`).toBeLessThan(0.02);
  });
});

describe("the standing delay", () => {
  /** Packets 10 ms apart. */
  function standing(count: number, delayMs: (index: number) => number, ppm = 0): StandingDelay {
    const result = new StandingDelay();
    for (let index = 0; index < count; index++) {
      result.add(index * 10, (index * 10 + delayMs(index)) * (1 + ppm * 1e-6));
    }
    return result;
  }

  it("is what even the quickest packets of late waited", () => {
    expect(standing(500, (index) => 30 + (index % 10) * 4).delayMs).toBe(0);
    expect(standing(500, (index) => 30 + (index % 10) * 4 + (index > 300 ? 25 : 0)).delayMs).toBeCloseTo(25);
  });

  it("knows how much packets differ anyway", () => {
    expect(standing(2_000, (index) => (index % 10) * 4).spreadMs).toBeCloseTo(36, 0);
  });

  it("is 0 before anything came, and after ten seconds of a longer route", () => {
    expect(new StandingDelay().delayMs).toBe(0);
    expect(standing(1_500, (index) => (index > 100 ? 80 : 30)).delayMs).toBe(0);
  });

  it("hardly notices clocks 200 ppm apart", () => {
    expect(standing(6_000, () => 30, 200).delayMs).toBeLessThan(2.5);
  });
});
