import { expect, it } from "vitest";
import { decimate, energy, matchAnywhere } from "../../../src/cli/demo/correlate.ts";
import { SAMPLE_RATE, Voice } from "../../../src/cli/demo/voice.ts";

const WINDOW = 0.4 * SAMPLE_RATE;

it("says the same whatever block sizes it is asked for", () => {
  const whole = new Voice(7).next(5_000);
  const pieces = new Voice(7);
  const joined = [...pieces.next(1), ...pieces.next(960), ...pieces.next(3_000), ...pieces.next(1_039)];
  expect(joined).toEqual([...whole]);
});

it("speaks in every 400 ms window, and stays within full scale", () => {
  for (const seed of [1, 2, 3, 4]) {
    const voice = new Voice(seed).next(10 * SAMPLE_RATE);
    for (let start = 0; start + WINDOW <= voice.length; start += WINDOW / 4) {
      expect(Math.sqrt(energy(voice, start, WINDOW) / WINDOW), `seed ${seed} at ${start}`).toBeGreaterThan(
        0.02,
      );
    }
    expect(voice.every((sample) => Math.abs(sample) < 1)).toBe(true);
  }
});

it("is like no other seed, and like nothing it said itself before, at any lag of the search", () => {
  const voices = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((seed) => {
    const voice = new Voice(seed).next(4 * SAMPLE_RATE);
    return {
      seed,
      early: decimate(voice.subarray(0, WINDOW)),
      late: decimate(voice.subarray(2 * SAMPLE_RATE)),
    };
  });
  for (const { seed, early } of voices) {
    for (const other of voices) {
      const { correlation } = matchAnywhere(early, other.late, 1e-7);
      expect(correlation, `seeds ${seed}, ${other.seed}`).toBeLessThan(0.3);
    }
  }
}, 30_000);
