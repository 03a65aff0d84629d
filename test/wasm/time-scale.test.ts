// Time scaling of voices: durations exactly as asked, and a sound that stays what it was.
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/testing/random.ts";
import { Arena } from "../../src/wasm/arena.ts";
import { TimeScaler } from "../../src/wasm/time-scale.ts";
import { levelErrors, pitchAt, play, sharpestClick, spectralDistance } from "./scaled-sound.ts";
import type { Scaled } from "./scaled-sound.ts";
import { spoken } from "./spoken.ts";

const VOICES = [
  { pitchHz: 95, sampleRate: 48_000 },
  { pitchHz: 130, sampleRate: 48_000 },
  { pitchHz: 210, sampleRate: 48_000 },
  { pitchHz: 120, sampleRate: 16_000 },
  { pitchHz: 130, sampleRate: 8000 },
] as const;
/** Debt that every 20 ms add, ms: 5 %, for one voice 10 % as well. */
const RATES_MS = [-1, 1, -2, 2];
const RUNS = VOICES.flatMap((voice, i) =>
  RATES_MS.slice(0, i === 1 ? 4 : 2).map((rateMs) => ({ ...voice, rateMs, seed: voice.pitchHz })),
);

function scale(input: Float32Array, sampleRate: number, rateMs: number, channels = 1): Scaled {
  const scaler = new TimeScaler({ sampleRate, channels });
  const scaled = play((samples, wantedMs) => scaler.process(samples, wantedMs), input, {
    sampleRate,
    channels,
    rateMs,
  });
  scaler.close();
  return scaled;
}

function noise(seed: number | string, length: number, level: number): Float32Array {
  const random = new SeededRandom(seed);
  return Float32Array.from({ length }, () => level * random.normal());
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number;
}

describe("a voice", () => {
  it.each(RUNS)(
    "of $pitchHz Hz at $sampleRate Hz, moved by $rateMs ms every 20 ms, keeps its level, spectrum and pitch",
    { timeout: 30_000 },
    ({ seed, pitchHz, sampleRate, rateMs }) => {
      const scaled = scale(spoken({ seed, sampleRate, seconds: 5, pitchHz }), sampleRate, rateMs);
      // As long as asked but for the debt that is too small for a splice.
      expect(Math.abs(scaled.changedMs - scaled.askedMs)).toBeLessThan(15);
      expect(scaled.output.length - scaled.input.length).toBe(
        Math.round((scaled.changedMs * sampleRate) / 1000),
      );
      expect(scaled.largestDebtMs).toBeLessThan(30);
      const { hole, bump } = levelErrors(scaled);
      expect(hole).toBeGreaterThan(-1);
      expect(bump).toBeLessThan(1);
      expect(sharpestClick(scaled)).toBeLessThan(3);
      expect(spectralDistance(scaled)).toBeLessThan(0.7);
      const { input, output, places } = scaled;
      const ratios = places.flatMap(([from, to], i) => {
        if (i % 8 !== 0) return [];
        const [before, after] = [pitchAt(input, from, sampleRate), pitchAt(output, to, sampleRate)];
        return before === undefined || after === undefined ? [] : [after / before];
      });
      expect(ratios.length).toBeGreaterThan(10);
      expect(Math.abs(median(ratios) - 1)).toBeLessThan(0.001);
      // Where a splice lies in the 30 ms that are looked at, the pitch of elsewhere in its glide may show.
      const unchanged = ratios.filter((ratio) => Math.abs(ratio - 1) < 0.01).length;
      expect(unchanged / ratios.length).toBeGreaterThan(0.8);
    },
  );

  it("is cut in the same places in both channels", () => {
    const left = spoken({ seed: "stereo", sampleRate: 48_000, seconds: 3, pitchHz: 140 });
    const stereo = Float32Array.from({ length: left.length * 2 }, (_, i) => {
      const value = left[i >> 1] as number;
      return i % 2 === 0 ? value : value / 4;
    });
    for (const rateMs of [-1, 1]) {
      const { output, splicesMs } = scale(stereo, 48_000, rateMs, 2);
      expect(splicesMs.length).toBeGreaterThan(10);
      for (let i = 0; i < output.length; i += 2) {
        if (output[i + 1] !== (output[i] as number) / 4) expect.fail(`rate ${rateMs}, frame ${i / 2}`);
      }
    }
  });

  it("held on one note keeps its pitch within 0.5 %", () => {
    const sampleRate = 16_000;
    const input = spoken({ seed: "note", sampleRate, seconds: 4, pitchHz: 150, pauses: 0, glide: 1 });
    for (const rateMs of [-1, 1]) {
      const { output, splicesMs } = scale(input, sampleRate, rateMs);
      const pitches = Array.from({ length: 30 }, (_, i) => pitchAt(output, 2000 + i * 1600, sampleRate));
      const heard = pitches.filter((pitch) => pitch !== undefined);
      expect(heard.length).toBeGreaterThan(10);
      expect(Math.abs(median(heard) / 150 - 1)).toBeLessThan(0.005);
      expect(splicesMs.length).toBeGreaterThan(20);
    }
  });
});

describe("what is no voice", () => {
  it("is left alone, a hiss for example, until the debt must be paid", () => {
    const hiss = noise("hiss", 48_000 * 4, 0.1);
    for (const sign of [-1, 1]) {
      const scaler = new TimeScaler({ sampleRate: 48_000, channels: 1, mustMs: 40 });
      for (let at = 0; at < 96_000; at += 960) {
        const block = hiss.subarray(at, at + 960);
        const made = scaler.process(block, sign * 15);
        expect(made.changedSamples).toBe(0);
        expect(made.changedMs).toBe(0);
        expect(made.samples).toBe(block);
      }
      const paid = scaler.process(hiss.subarray(0, 960), sign * 40).changedMs * sign;
      expect(paid).toBeGreaterThanOrEqual(2.5);
      expect(paid).toBeLessThanOrEqual(15);
      scaler.close();
    }
  });

  it("keeps its level even when it must be spliced", () => {
    const hiss = noise("must", 48_000 * 4, 0.1);
    for (const sign of [-1, 1]) {
      const scaler = new TimeScaler({ sampleRate: 48_000, channels: 1 });
      const made: number[] = [];
      for (let at = 0; at < hiss.length; at += 960) {
        made.push(...scaler.process(hiss.subarray(at, at + 960), sign * 50).samples);
      }
      for (let at = 0; at + 240 <= made.length; at += 240) {
        const power = made.slice(at, at + 240).reduce((sum, value) => sum + value * value, 0) / 240;
        // 240 samples of noise vary by themselves: a fade without care would halve the power for their middle.
        expect(Math.abs(10 * Math.log10(power / 0.01)), `at ${at}`).toBeLessThan(2.2);
      }
      scaler.close();
    }
  });

  it("is cut freely when it is the background between words", () => {
    const sampleRate = 48_000;
    const scaler = new TimeScaler({ sampleRate, channels: 1 });
    const room = noise("room", sampleRate * 3, 0.004);
    let paid = 0;
    for (let at = 0; at < room.length; at += 960)
      paid += scaler.process(room.subarray(at, at + 960), -15).changedMs;
    // Half of all blocks at the least, several ms in each.
    expect(paid).toBeLessThan(-75 * 5);
    scaler.close();
  });

  it("is cut freely in digital silence, up to the debt and no further", () => {
    const scaler = new TimeScaler({ sampleRate: 48_000, channels: 1 });
    const silence = new Float32Array(960);
    for (const wantedMs of [-15, -7.5, -2.5, 2.5, 11, 15, 30]) {
      const { changedMs, samples } = scaler.process(silence, wantedMs);
      expect(changedMs).toBeCloseTo(Math.sign(wantedMs) * Math.min(15, Math.abs(wantedMs)), 6);
      expect([...samples].every((value) => value === 0)).toBe(true);
    }
    for (const wantedMs of [-2.4, 0, 2.4]) expect(scaler.process(silence, wantedMs).changedSamples).toBe(0);
    scaler.close();
  });
});

describe("the stream", () => {
  it("is conserved in blocks of any length and rate, and the debt never overpaid (seed 11)", () => {
    const random = new SeededRandom(11);
    for (const sampleRate of [8000, 11_025, 16_000, 44_100, 47_999, 48_000]) {
      const input = spoken({ seed: sampleRate, sampleRate, seconds: 2, pitchHz: 140 });
      const scaler = new TimeScaler({ sampleRate, channels: 1 });
      for (let at = 0; at < input.length;) {
        const block = input.subarray(at, at + random.integer(0, Math.round(sampleRate * 0.15)));
        const wantedMs = (random.next() - 0.5) * 120;
        const { samples, changedSamples, changedMs } = scaler.process(block, wantedMs);
        expect(samples.length - block.length).toBe(changedSamples);
        expect(changedMs).toBe((changedSamples * 1000) / sampleRate);
        expect(changedMs * Math.sign(wantedMs)).toBeGreaterThanOrEqual(0);
        expect(Math.abs(changedMs)).toBeLessThanOrEqual(Math.abs(wantedMs));
        for (const value of samples) if (!(Math.abs(value) <= 2)) expect.fail(`${value} out of speech`);
        // Blocks join as before: the first sample is at most the very beginning of a fade, the last its very end.
        if (block.length > 0) {
          expect(Math.abs((samples[0] as number) - (block[0] as number))).toBeLessThan(1e-3);
          expect(Math.abs((samples.at(-1) as number) - (block.at(-1) as number))).toBeLessThan(1e-3);
        }
        at += block.length + 1;
      }
      scaler.close();
    }
  });

  it("lets blocks too short for a splice pass", () => {
    const scaler = new TimeScaler({ sampleRate: 48_000, channels: 1 });
    for (const length of [0, 1, 100, 359]) {
      expect(scaler.process(new Float32Array(length), 100).changedSamples).toBe(0);
    }
    expect(scaler.process(new Float32Array(480), -100).changedMs).toBe(-5);
    scaler.close();
  });

  it("survives what is not finite, and works on after it", () => {
    const scaler = new TimeScaler({ sampleRate: 48_000, channels: 1 });
    for (const value of [NaN, Infinity, -Infinity, 3e38]) {
      for (const wantedMs of [-50, 50, 0]) {
        const { samples, changedSamples } = scaler.process(new Float32Array(960).fill(value), wantedMs);
        expect(samples.length).toBe(960 + changedSamples);
      }
    }
    const silence = new Float32Array(960);
    for (let i = 0; i < 3; i++) scaler.process(silence, 0);
    expect(scaler.process(silence, -15).changedMs).toBe(-15);
    scaler.close();
  });

  it("after a reset knows nothing of before", () => {
    const input = spoken({ seed: "reset", sampleRate: 48_000, seconds: 1, pitchHz: 120 });
    const scaler = new TimeScaler({ sampleRate: 48_000, channels: 1 });
    const run = (): number[] => {
      const made: number[] = [];
      for (let at = 0; at < input.length; at += 960) {
        made.push(...scaler.process(input.subarray(at, at + 960), -12).samples);
      }
      return made;
    };
    const first = run();
    scaler.reset();
    expect(run()).toEqual(first);
    expect(first.length).toBeLessThan(input.length);
    scaler.close();
  });

  it("gives its memory back and refuses what it cannot do", () => {
    const arena = new Arena({ bytes: 128 * 1024 });
    const scaler = new TimeScaler({ sampleRate: 48_000, channels: 2, arena });
    expect(() => scaler.process(new Float32Array(3), 0)).toThrow(/whole frames of 2/);
    expect(() => scaler.process([0, 0] as unknown as Float32Array, 0)).toThrow(/Float32Array/);
    expect(() => scaler.process(new Float32Array(2), NaN)).toThrow(/wantedMs/);
    scaler.close();
    scaler.close();
    expect(arena.bytesInUse).toBe(0);
    const closed = expect.objectContaining({ code: "ALREADY_SHUTDOWN" }) as Error;
    expect(() => scaler.process(new Float32Array(2), 0)).toThrow(closed);
    expect(() => scaler.reset()).toThrow(closed);
    const faults = [
      { sampleRate: 7999, channels: 1 },
      { sampleRate: 48_000.5, channels: 1 },
      { sampleRate: 48_001, channels: 1 },
      { sampleRate: 48_000, channels: 3 },
      { sampleRate: 48_000, channels: 1, mustMs: 0 },
    ];
    for (const fault of faults) {
      expect(() => new TimeScaler(fault)).toThrow(
        expect.objectContaining({ code: "INVALID_CONFIG" }) as Error,
      );
    }
  });
});
