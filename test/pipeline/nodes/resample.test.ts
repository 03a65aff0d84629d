import { describe, expect, it } from "vitest";
import { resampleNode } from "../../../src/pipeline/nodes/resample.ts";
import type { ResampleParams } from "../../../src/pipeline/nodes/resample.ts";
import type { AudioData } from "../../../src/runtime/data.ts";
import { rms, tone } from "../../media/signals.ts";
import { audio, blocks, expectSame, joined, runNode, sounds } from "./run-node.ts";

const TIME_US = 1_700_000_000_000_000;

async function resample(
  samples: Float32Array,
  sampleRate: number,
  params: Partial<ResampleParams>,
  blockMs = 20,
): Promise<Float32Array> {
  return joined(await runNode(resampleNode, params, blocks(samples, blockMs, { sampleRate })));
}

/** Of a tone against the ideal one at the other rate, dB: signal to error, and what the level has changed by. */
async function fidelity(hz: number, from: number, params: Partial<ResampleParams> & { targetRate: number }) {
  const edge = Math.round(params.targetRate / 50);
  const out = (await resample(tone(hz, 0.1, from), from, params)).subarray(edge, -edge);
  const ideal = tone(hz, 0.1, params.targetRate).subarray(edge, -edge);
  const error = out.map((value, i) => value - (ideal[i] as number));
  const dB = (ratio: number): number => 20 * Math.log10(ratio);
  return { snrDb: dB(rms(ideal) / rms(error)), changeDb: dB(rms(out) / rms(ideal)) };
}

const QUALITIES = [
  ["low", 60, 0.7],
  ["medium", 80, 0.8],
  ["high", 90, 0.85],
] as const;

const RATES = [
  [48_000, 16_000],
  [16_000, 48_000],
  [44_100, 48_000],
  [192_000, 8_000],
  [8_000, 192_000],
  [44_101, 48_000],
] as const;

describe("Resample", () => {
  it.each(QUALITIES)(
    "of %s quality keeps tones within %d dB up to %d of the band",
    async (quality, db, share) => {
      for (const [from, targetRate] of RATES) {
        for (const part of [0.1, 0.5, 1]) {
          const hz = (share * part * Math.min(from, targetRate)) / 2;
          const { snrDb, changeDb } = await fidelity(hz, from, { targetRate, quality });
          const place = `${hz} Hz from ${from} to ${targetRate} Hz`;
          expect(snrDb, place).toBeGreaterThan(db);
          expect(Math.abs(changeDb), place).toBeLessThan(0.1);
        }
      }
    },
  );

  it.each(QUALITIES)("of %s quality keeps %d dB out what lies above the new band", async (quality, db) => {
    for (const share of [1.06, 1.3, 2.5]) {
      const out = await resample(tone(share * 8_000, 0.1, 48_000), 48_000, { targetRate: 16_000, quality });
      const level = rms(out.subarray(300, -300)) / rms(tone(1000, 0.1, 48_000));
      expect(20 * Math.log10(level), `${share} of the band`).toBeLessThan(-db);
    }
  });

  it("has no delay: an impulse stays where it was, to a fraction of a sample", async () => {
    const samples = new Float32Array(4_800);
    samples[2_400] = 1;
    const out = await resample(samples, 48_000, { targetRate: 16_000 });
    expect(out.indexOf(Math.max(...out))).toBe(800);
    expect(out[799]).toBeCloseTo(out[801] as number, 6);
  });

  it("makes as many samples as the ratio says, tail and all", async () => {
    for (const [from, targetRate] of RATES) {
      const out = await resample(new Float32Array(from / 10), from, { targetRate });
      expect(Math.abs(out.length - targetRate / 10), `from ${from} to ${targetRate} Hz`).toBeLessThanOrEqual(
        1,
      );
    }
  });

  it("makes the same however the input is cut", async () => {
    const samples = tone(700, 0.1, 44_100);
    const whole = await resample(samples, 44_100, { targetRate: 48_000 }, 100);
    for (const blockMs of [0.02, 3, 20])
      expectSame(await resample(samples, 44_100, { targetRate: 48_000 }, blockMs), whole);
  });

  it("says for each block when its first sample was captured", async () => {
    const inputs = blocks(new Float32Array(44_100), 20, {
      sampleRate: 44_100,
      timestampUs: TIME_US,
      peer: "a",
    });
    const outputs = await runNode(resampleNode, { targetRate: 16_000 }, inputs);
    let samples = 0;
    for (const data of sounds(outputs)) {
      expect(Math.abs((data.timestampUs ?? 0) - TIME_US - (samples * 1e6) / 16_000)).toBeLessThanOrEqual(1);
      expect([data.sampleRate, data.channels]).toEqual([16_000, 1]);
      samples += data.samples.length;
    }
    expect(samples).toBe(16_000);
    expect(outputs[0]).toMatchObject({ sequence: 0, metadata: { source_peer: "a" } });
    expect(outputs.at(-1)?.sequence).toBe(49);
  });

  it("begins anew at a gap, so that times stay true", async () => {
    const block = (index: number) =>
      audio(tone(500, 0.02, 48_000), { timestampUs: TIME_US + index * 20_000, sequence: index });
    const outputs = sounds(await runNode(resampleNode, { targetRate: 16_000 }, [0, 1, 5, 6].map(block)));
    const stretches = [0, 100_000].map((at) => {
      const inside = outputs.filter(({ timestampUs = 0 }) => Math.abs(timestampUs - TIME_US - at) < 50_000);
      return { start: (inside[0]?.timestampUs ?? 0) - TIME_US, length: count(inside) };
    });
    expect(stretches).toEqual([
      { start: 0, length: 640 },
      { start: 100_000, length: 640 },
    ]);
  });

  it("mixes down to the mean, and repeats channels up", async () => {
    const three = Float32Array.of(0.1, 0.2, 0.6, 0.4, 0.4, 0.1);
    const convert = async (samples: Float32Array, channels: number, to: number) => {
      const input = audio(samples, { channels });
      const [data] = sounds(await runNode(resampleNode, { targetRate: 48_000, channels: to }, [input]));
      expect(data?.channels).toBe(to);
      return [...(data?.samples ?? [])].map((value) => Math.round(value * 1e6) / 1e6);
    };
    expect(await convert(three, 3, 1)).toEqual([0.3, 0.3]);
    expect(await convert(three, 3, 2)).toEqual([0.35, 0.2, 0.25, 0.4]);
    expect(await convert(Float32Array.of(0.5, -0.5), 1, 2)).toEqual([0.5, 0.5, -0.5, -0.5]);
    expect(await convert(Float32Array.of(0.1, 0.2), 2, 5)).toEqual([0.1, 0.2, 0.1, 0.2, 0.1]);
  });

  it("resamples eight channels each by itself", async () => {
    const samples = new Float32Array(8 * 480);
    tone(1000, 0.01, 48_000).forEach((value, i) => (samples[8 * i + 5] = value));
    const inputs = blocks(samples, 10, { channels: 8 });
    const out = joined(await runNode(resampleNode, { targetRate: 16_000 }, inputs));
    const mono = await resample(tone(1000, 0.01, 48_000), 48_000, { targetRate: 16_000 });
    expectSame(
      out.filter((_, i) => i % 8 === 5),
      mono,
    );
    expect(Math.max(...out.filter((_, i) => i % 8 !== 5).map(Math.abs))).toBe(0);
  });

  it("passes what has the wanted format as it is", async () => {
    const input = audio(tone(500, 0.02, 48_000), { channels: 2 });
    expect((await runNode(resampleNode, { targetRate: 48_000 }, [input]))[0]).toBe(input);
    expect((await runNode(resampleNode, { targetRate: 48_000, channels: 2 }, [input]))[0]).toBe(input);
  });

  it("goes over to another format in mid-stream without losing a sample", async () => {
    const inputs = [
      audio(new Float32Array(480), { timestampUs: TIME_US }),
      audio(new Float32Array(320), { sampleRate: 16_000, channels: 2, timestampUs: TIME_US + 10_000 }),
    ];
    const outputs = sounds(await runNode(resampleNode, { targetRate: 24_000, channels: 1 }, inputs));
    expect(count(outputs)).toBe(240 + 240);
  });
});

function count(data: readonly AudioData[]): number {
  return data.reduce((sum, { samples, channels }) => sum + samples.length / channels, 0);
}
