import { describe, expect, it } from "vitest";
import { decimate, energy, matchAnywhere, matchNear } from "../../../src/cli/demo/correlate.ts";
import { seededRandom } from "../../../src/cli/demo/voice.ts";

function noise(seed: number, length: number): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length }, () => random() * 2 - 1);
}

function tone(hz: number, length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => Math.sin((2 * Math.PI * hz * i) / 48_000));
}

describe("matchNear and matchAnywhere", () => {
  const haystack = noise(1, 5_000);

  it("find a stretch where it was taken from, at any gain", () => {
    const needle = haystack.slice(1_234, 2_235).map((sample) => sample * 0.1);
    for (const match of [
      matchNear(needle, haystack, 1_000, 1_500, 1e-7),
      matchAnywhere(needle, haystack, 1e-7),
    ]) {
      expect(match.offset).toBe(1_234);
      expect(match.correlation).toBeCloseTo(1, 5);
    }
  });

  it("agree on a noisy copy", () => {
    const hiss = noise(2, 1_000);
    const needle = haystack.slice(3_000, 4_000).map((sample, i) => sample + (hiss[i] as number));
    const near = matchNear(needle, haystack, 0, 5_000, 1e-7);
    const anywhere = matchAnywhere(needle, haystack, 1e-7);
    expect(near.offset).toBe(3_000);
    expect(anywhere.offset).toBe(3_000);
    expect(anywhere.correlation).toBeCloseTo(near.correlation, 5);
    expect(near.correlation).toBeCloseTo(Math.SQRT1_2, 1);
  });

  it("find nothing in silence, of silence, or in too little", () => {
    const silence = new Float32Array(5_000);
    const needle = haystack.slice(0, 1_000);
    for (const [a, b] of [
      [needle, silence],
      [silence.slice(0, 1_000), haystack],
      [needle, haystack.slice(0, 999)],
    ] as const) {
      expect(matchNear(a, b, 0, 5_000, 1e-7).correlation).toBe(0);
      expect(matchAnywhere(a, b, 1e-7).correlation).toBe(0);
    }
  });

  it("take an inverted copy for no match", () => {
    const needle = haystack.slice(100, 1_100).map((sample) => -sample);
    expect(matchNear(needle, haystack, 100, 100, 1e-7).correlation).toBe(0);
  });

  it("take the last of equally good places in a loop", () => {
    const period = noise(3, 700);
    const loop = Float32Array.from({ length: 4_200 }, (_, i) => period[i % 700] as number);
    expect(matchAnywhere(loop.slice(0, 1_400), loop, 1e-7).offset).toBe(2_800);
  });
});

it("decimation keeps speech and removes what would fold back into it", () => {
  const level = (hz: number): number => {
    const output = decimate(tone(hz, 48_000));
    return Math.sqrt((2 * energy(output)) / output.length);
  };
  expect(level(1_000)).toBeCloseTo(1, 1);
  expect(level(6_500)).toBeLessThan(0.02);
  expect(decimate(new Float32Array(10))).toHaveLength(0);
});
