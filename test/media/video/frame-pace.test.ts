import { describe, expect, it } from "vitest";
import { FramePace } from "../../../src/media/video/frame-pace.ts";
import { SeededRandom } from "../../../src/testing/random.ts";

/** How many of `count` pictures at a rate pass, each up to `unevenMs` off its time. */
function passing(pace: FramePace, framerateFps: number, count: number, unevenMs = 0, seed = 1): number {
  const random = new SeededRandom(seed);
  let passed = 0;
  for (let i = 0; i < count; i++) {
    const ms = (i * 1000) / framerateFps + (2 * random.next() - 1) * unevenMs;
    if (pace.takes(Math.round((ms + 1000) * 90))) passed++;
  }
  return passed;
}

describe("the pace of pictures", () => {
  it.each([
    [30, 30, 300],
    [24, 30, 300],
    [60, 30, 150],
    [31, 30, 288],
    [50, 15, 90],
    [60, 25, 125],
  ])("at %d a second lets %d a second pass", (framerateFps, mostFps, expected) => {
    expect(Math.abs(passing(new FramePace(mostFps), framerateFps, 300) - expected)).toBeLessThanOrEqual(2);
  });

  it.each([1, 2, 3])("lets all pass that come unevenly at the very rate (seed %d)", (seed) => {
    expect(passing(new FramePace(30), 30, 300, 6, seed)).toBe(300);
  });

  it("begins anew after a pause, without making up for it", () => {
    const pace = new FramePace(30);
    expect(pace.takes(0)).toBe(true);
    const after = [0, 500, 1000, 1500, 2000].map((ticks) => pace.takes(900_000 + ticks));
    expect(after).toEqual([true, false, false, false, true]);
  });

  it("follows another rate", () => {
    const pace = new FramePace(30);
    pace.setRate(10);
    expect(Math.abs(passing(pace, 30, 300) - 100)).toBeLessThanOrEqual(1);
  });
});
