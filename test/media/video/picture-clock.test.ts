import { describe, expect, it } from "vitest";
import { PictureClock } from "../../../src/media/video/picture-clock.ts";

const EPOCH_US = 1_767_225_600_000_000;

/** Positions of pictures that were captured and handed in at these times, ms. */
function positions(times: readonly (readonly [captureMs: number, nowMs: number])[], originMs = 0): number[] {
  const clock = new PictureClock(originMs);
  return times.map(([captureMs, nowMs]) => clock.place(EPOCH_US + captureMs * 1000, nowMs));
}

const both = (...times: number[]): [number, number][] => times.map((ms) => [ms, ms]);

describe("the places of pictures on the RTP clock", () => {
  const cases: [string, [number, number][], number[]][] = [
    ["begin where real time is", both(1000, 1010), [90_000, 90_900]],
    [
      "follow the capture, however unevenly pictures come",
      [
        [0, 0],
        [33, 60],
        [66, 61],
      ],
      [0, 2970, 5940],
    ],
    ["go on through a pause of both", both(0, 10_000), [0, 900_000]],
    [
      "follow real time where captures jump ahead",
      [
        [0, 0],
        [90_000, 40],
        [90_033, 73],
      ],
      [0, 3600, 6570],
    ],
    [
      "follow real time where captures were set back",
      [
        [0, 0],
        [40, 40],
        [-500, 80],
        [-460, 120],
      ],
      [0, 3600, 7200, 10_800],
    ],
    [
      "follow real time where captures stood still in a pause",
      [
        [0, 0],
        [40, 5000],
        [80, 5040],
      ],
      [0, 450_000, 453_600],
    ],
    [
      "rise for pictures that overtook each other, or are one",
      [
        [0, 0],
        [33, 33],
        [10, 34],
        [66, 66],
        [66, 66],
      ],
      [0, 2970, 2971, 5940, 5941],
    ],
    [
      "never drift away from captures that run a little slow",
      [
        [0, 0],
        [990, 1000],
        [1980, 2000],
      ],
      [0, 89_100, 178_200],
    ],
  ];
  it.each(cases)("%s", (_, times, expected) => {
    expect(positions(times)).toEqual(expected);
  });

  it("count from the origin, and pass what was sent before", () => {
    const clock = new PictureClock(500);
    clock.pass(200_000);
    expect(clock.place(EPOCH_US, 1000)).toBe(200_001);
    // Far behind what it had to pass: from there on it goes with real time.
    expect(clock.place(EPOCH_US + 40_000, 1040)).toBe(203_601);
    expect(clock.place(EPOCH_US + 80_000, 1080)).toBe(207_201);
    expect(clock.last).toBe(207_201);
  });
});
