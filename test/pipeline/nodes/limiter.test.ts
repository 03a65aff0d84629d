import { describe, expect, it } from "vitest";
import { limiterNode } from "../../../src/pipeline/nodes/limiter.ts";
import { SeededRandom } from "../../../src/testing/random.ts";
import { audio, blocks, expectSame, joined, runNode, sounds } from "./run-node.ts";

const RATE = 48_000;
const TIME_US = 1_700_000_000_000_000;
const SEED = "limiter";
const length = RATE / 2;

const random = new SeededRandom(SEED);
/** Signals that a limiter fails on: what jumps, what never rests, what is beyond all bounds. */
const SIGNALS: Readonly<Record<string, Float32Array>> = {
  noise: Float32Array.from({ length }, () => 4 * random.normal()),
  "single samples": Float32Array.from({ length }, (_, i) => (i % 97 === 0 ? 30 : 0.01)),
  "rare peaks": Float32Array.from({ length }, () => (random.chance(0.001) ? 3e38 * random.next() : 0.3)),
  "a square wave": Float32Array.from({ length }, (_, i) => (Math.floor(i / 240) % 2 === 0 ? 2 : -2)),
  "a growing tone": Float32Array.from({ length }, (_, i) => (i / 4000) * Math.sin(i / 7)),
  "peaks that fall": Float32Array.from({ length }, (_, i) => 10 * 0.99 ** (i % 300)),
  "a jump at the end": Float32Array.from({ length }, (_, i) => (i === length - 1 ? -100 : 0.5)),
  "the last float below 1": new Float32Array(length).fill(1 - 2 ** -24),
};

describe("Limiter", () => {
  it.each(Object.keys(SIGNALS))("never lets a sample above the ceiling: %s", async (name) => {
    const signal = SIGNALS[name] as Float32Array;
    for (const params of [
      {},
      { ceilingDb: -6, lookaheadMs: 0 },
      { ceilingDb: 0, lookaheadMs: 20, releaseMs: 0 },
    ]) {
      const out = joined(await runNode(limiterNode, params, blocks(signal, 20)));
      const ceiling = 10 ** ((params.ceilingDb ?? -1) / 20);
      expect(out.length).toBe(signal.length);
      expect(
        out.findIndex((value) => !(Math.abs(value) <= ceiling)),
        `seed ${SEED}`,
      ).toBe(-1);
    }
  });

  it("does not clip: before and behind a peak the gain glides", async () => {
    const input = new Float32Array(RATE).fill(0.5);
    input[12_000] = 4;
    const out = joined(await runNode(limiterNode, {}, blocks(input, 20)));
    const gain = [...out].map((value, i) => value / (input[i] as number));
    expect(gain[12_000]).toBeCloseTo(10 ** (-1 / 20) / 4, 5);
    const steps = gain.slice(1).map((value, i) => Math.abs(value - (gain[i] as number)));
    expect(Math.max(...steps)).toBeLessThan(1.2 / 96);
    expect(gain[12_000 - 97]).toBe(1);
    expect(gain.at(-1)).toBe(1);
    // 63 % of the way back after the release time.
    expect((gain[12_000 + 48 + 2400] as number) - 0.22).toBeCloseTo(0.63 * 0.78, 1);
  });

  it("leaves sound below the ceiling exactly as it is", async () => {
    const input = Float32Array.from({ length }, (_, i) => 0.89 * Math.sin(i / 11));
    expectSame(joined(await runNode(limiterNode, {}, blocks(input, 20))), input);
  });

  it("gives every sample with the capture time it had, later by the look-ahead", async () => {
    const input = new Float32Array(4800).fill(0.1);
    const inputs = blocks(input, 20, { timestampUs: TIME_US, peer: "a" });
    const held = sounds(await runNode(limiterNode, { lookaheadMs: 2 }, inputs, { flush: false }));
    expect(held.reduce((sum, { samples }) => sum + samples.length, 0)).toBe(4800 - 96);
    const outputs = await runNode(limiterNode, { lookaheadMs: 2 }, inputs);
    let samples = 0;
    for (const data of sounds(outputs)) {
      expect(data.timestampUs).toBe(TIME_US + (samples * 1e6) / RATE);
      samples += data.samples.length;
    }
    expect(samples).toBe(4800);
    expect(outputs.map(({ sequence }) => sequence)).toEqual([0, 0, 1, 2, 3, 4]);
  });

  it("turns all channels down together", async () => {
    const stereo = Float32Array.from({ length: 2 * length }, (_, i) => (i % 2 === 0 ? 2 : 0.1));
    const out = joined(await runNode(limiterNode, {}, blocks(stereo, 20, { channels: 2 })));
    const ratios = out.filter((_, i) => i % 2 === 0).map((left, i) => left / (out[2 * i + 1] as number));
    expect(Math.min(...ratios)).toBeCloseTo(20, 3);
    expect(Math.max(...ratios)).toBeCloseTo(20, 3);
  });

  it("does the same however the input is cut", async () => {
    const signal = (SIGNALS["a growing tone"] as Float32Array).subarray(0, 4800);
    const whole = joined(await runNode(limiterNode, {}, [audio(signal)]));
    for (const blockMs of [0.02, 1.3, 20])
      expectSame(joined(await runNode(limiterNode, {}, blocks(signal, blockMs))), whole);
  });

  it("gives all of what came before a gap, with its times, and goes on behind it", async () => {
    const block = (us: number): ReturnType<typeof audio> =>
      audio(new Float32Array(960).fill(0.1), { timestampUs: TIME_US + us });
    const data = sounds(await runNode(limiterNode, {}, [block(0), block(1_000_000)]));
    expect(data.map(({ samples, timestampUs = 0 }) => [samples.length, timestampUs - TIME_US])).toEqual([
      [864, 0],
      [96, 18_000],
      [864, 1_000_000],
      [96, 1_018_000],
    ]);
  });
});
