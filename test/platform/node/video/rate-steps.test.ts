import { describe, expect, it } from "vitest";
import { RateSteps } from "../../../../src/platform/node/video/rate-steps.ts";

/** Asks every 100 ms what an encoder started at `kbps` does with the wanted rates. */
function follow(kbps: number, wanted: readonly number[]): number[] {
  const steps = new RateSteps(kbps);
  return wanted.map((rate, i) => steps.follow(rate, i * 100));
}

const times = (count: number, kbps: number): number[] => Array.from({ length: count }, () => kbps);

describe("the rate of an encoder that a change costs a keyframe", () => {
  it.each([
    { wanted: 1000, name: "the same" },
    { wanted: 1150, name: "15 % more" },
    { wanted: 920, name: "8 % less" },
  ])("stays for $name, however long", ({ wanted }) => {
    expect(new Set(follow(1000, times(100, wanted)))).toEqual(new Set([1000]));
  });

  it("falls at once when more than 8 % less is wanted, below that by a tenth, and stays there", () => {
    expect(follow(1000, [1000, 910, ...times(30, 840), 910])).toEqual([1000, ...times(32, 819)]);
  });

  it("takes a fall in several steps as one or two, half a second apart", () => {
    expect(follow(1000, [800, 640, 500, 400, 300, 300])).toEqual([720, 720, 720, 720, 720, 270]);
  });

  it("rises when more than 15 % more has been wanted for two seconds", () => {
    const rates = follow(1000, times(22, 1200));
    expect(rates.indexOf(1200)).toBe(20);
  });

  it("rises only to what was wanted all the time", () => {
    expect(follow(1000, [...times(10, 1800), 1200, ...times(10, 1800)]).at(-1)).toBe(1200);
  });

  it("begins to wait anew when a rise is interrupted", () => {
    const rates = follow(1000, [...times(15, 1200), 1100, ...times(20, 1200)]);
    expect(new Set(rates)).toEqual(new Set([1000]));
  });

  it("does not let a fall break the pause by a rise between", () => {
    expect(follow(1000, [800, 1000, 600])).toEqual([720, 720, 720]);
  });

  it("takes what is wanted where a keyframe comes anyhow, and goes on from there", () => {
    const steps = new RateSteps(1000);
    expect(steps.restart(1050)).toBe(1050);
    expect(steps.follow(970, 0)).toBe(1050);
    expect(steps.follow(960, 100)).toBe(864);
  });
});
