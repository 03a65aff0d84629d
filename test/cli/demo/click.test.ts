import { expect, it } from "vitest";
import { addClicks, CLICK_INTERVAL } from "../../../src/cli/demo/click.ts";

/** Samples with clicks only, made in blocks. */
function clicks(count: number, start: number, step: number, block = count): Float32Array {
  const out = new Float32Array(count);
  for (let at = 0; at < count; at += block) addClicks(out.subarray(at, at + block), start + at * step, step);
  return out;
}

/** Where the energy of samples `from..to` is centred. */
function centre(samples: Float32Array, from: number, to: number): number {
  let sum = 0;
  let weighted = 0;
  for (let i = from; i < to; i++) {
    const power = (samples[i] as number) ** 2;
    sum += power;
    weighted += i * power;
  }
  return weighted / sum;
}

it("clicks once a second, in the middle of the second's first sample, whatever the blocks", () => {
  const whole = clicks(3 * CLICK_INTERVAL, -1_000, 1);
  expect(clicks(3 * CLICK_INTERVAL, -1_000, 1, 960)).toEqual(whole);
  const peaks = [...whole.keys()].filter((i) => (whole[i] as number) > 0.59);
  expect(peaks).toEqual([1_000, CLICK_INTERVAL + 1_000, 2 * CLICK_INTERVAL + 1_000]);
  expect(whole.every((sample) => Math.abs(sample) < 0.61)).toBe(true);
});

it("clicks at the same true instant on a clock that is off and fast", () => {
  const step = 1 / (1 + 200e-6);
  const start = CLICK_INTERVAL - 500.3;
  const samples = clicks(1_000, start, step);
  expect(start + centre(samples, 300, 700) * step).toBeCloseTo(CLICK_INTERVAL, 2);
});

it("turns the voice below it down", () => {
  const samples = new Float32Array(960).fill(1);
  addClicks(samples, 10_000, 1);
  expect(samples.every((sample) => Math.abs(sample - 0.3) < 1e-6)).toBe(true);
});
