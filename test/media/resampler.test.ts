import { describe, expect, it } from "vitest";
import { Resampler } from "../../src/media/resampler.ts";
import { concat, firstDifference, rms, tone } from "./signals.ts";

function resample(
  samples: Float32Array,
  inputRate: number,
  outputRate: number,
  blockLength = Math.round(inputRate / 50),
): Float32Array {
  const resampler = new Resampler({ inputRate, inputChannels: 1, outputRate, outputChannels: 1 });
  const blocks: Float32Array[] = [];
  for (let at = 0; at < samples.length; at += blockLength) {
    blocks.push(resampler.process(samples.subarray(at, at + blockLength)));
  }
  return concat([...blocks, resampler.flush()]);
}

/** Signal to error ratio against the ideal tone at the output's rate, the ends left out; dB. */
function snr(hz: number, inputRate: number, outputRate: number): number {
  const out = resample(tone(hz, 0.25, inputRate), inputRate, outputRate);
  const ideal = tone(hz, 0.25, outputRate);
  const edge = Math.round(outputRate / 50);
  const error = out.map((value, i) => value - (ideal[i] ?? 0)).subarray(edge, ideal.length - edge);
  return 20 * Math.log10(rms(ideal.subarray(edge, ideal.length - edge)) / rms(error));
}

describe("the resampler", () => {
  it.each([8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 44_101, 96_000, 191_999, 192_000])(
    "keeps tones of the passband within -60 dB from %d Hz",
    (inputRate) => {
      const nyquist = Math.min(inputRate, 48_000) / 2;
      for (const share of [0.01, 0.1, 0.4, 0.7, 0.8]) {
        expect(snr(nyquist * share, inputRate, 48_000), `${share} of Nyquist`).toBeGreaterThan(60);
      }
    },
  );

  it("goes down to the rates of narrow encoders too", () => {
    for (const outputRate of [8000, 16_000, 24_000]) {
      expect(snr(outputRate * 0.4, 48_000, outputRate)).toBeGreaterThan(60);
    }
  });

  it("lets nothing above the new Nyquist frequency through", () => {
    for (const hz of [26_000, 30_000, 45_000, 90_000]) {
      const out = resample(tone(hz, 0.2, 192_000), 192_000, 48_000);
      expect(rms(out.subarray(1000, -1000)), `${hz} Hz`).toBeLessThan(0.0005);
    }
  });

  it("makes the same output however the input is cut", () => {
    const input = tone(1000, 0.1, 44_100);
    const whole = resample(input, 44_100, 48_000, input.length);
    for (const length of [1, 7, 441, 1000])
      expect(firstDifference(whole, resample(input, 44_100, 48_000, length))).toBe(-1);
    expect(whole.length).toBe(4800);
  });

  it("keeps a constant constant", () => {
    const out = resample(new Float32Array(4410).fill(0.5), 44_100, 48_000);
    const error = out.subarray(200, -200).map((value) => Math.abs(value - 0.5));
    expect(Math.max(...error)).toBeLessThan(1e-5);
  });

  it("makes exactly as many samples as the ratio says, over seconds and at an odd rate", () => {
    for (const rate of [8000, 44_100, 47_999]) {
      const resampler = new Resampler({
        inputRate: rate,
        inputChannels: 1,
        outputRate: 48_000,
        outputChannels: 1,
      });
      const block = new Float32Array((rate / 10) | 0);
      let inputs = 0;
      let outputs = 0;
      for (let i = 0; i < 30; i++) {
        outputs += resampler.process(block).length;
        inputs += block.length;
      }
      outputs += resampler.flush().length;
      expect(outputs).toBe(Math.ceil((inputs * 48_000) / rate));
    }
  });

  it("waits no longer than it says", () => {
    const resampler = new Resampler({
      inputRate: 16_000,
      inputChannels: 1,
      outputRate: 48_000,
      outputChannels: 1,
    });
    const out = resampler.process(new Float32Array(320));
    expect(out.length).toBeGreaterThanOrEqual(960 - resampler.lookaheadOutputSamples);
    expect(resampler.lookaheadOutputSamples).toBeLessThan(100);
  });

  it("begins anew after a flush", () => {
    const resampler = new Resampler({
      inputRate: 44_100,
      inputChannels: 1,
      outputRate: 48_000,
      outputChannels: 1,
    });
    const input = tone(700, 0.05, 44_100);
    const first = concat([resampler.process(input), resampler.flush()]);
    const second = concat([resampler.process(input), resampler.flush()]);
    expect(firstDifference(first, second)).toBe(-1);
  });

  it("mixes stereo to the mean and doubles mono, at equal rates without any wait", () => {
    const stereo = Float32Array.of(0.5, 0.1, -0.25, 0.75);
    const rates = { inputRate: 48_000, outputRate: 48_000 };
    const down = new Resampler({ ...rates, inputChannels: 2, outputChannels: 1 });
    expect(down.lookaheadSamples).toBe(0);
    expect([...down.process(stereo)]).toEqual([...Float32Array.of(0.3, 0.25)]);
    expect(down.flush().length).toBe(0);
    const up = new Resampler({ ...rates, inputChannels: 1, outputChannels: 2 });
    expect([...up.process(Float32Array.of(0.5, -1))]).toEqual([0.5, 0.5, -1, -1]);
    const same = new Resampler({ ...rates, inputChannels: 2, outputChannels: 2 });
    const out = same.process(stereo);
    expect(out).toBe(stereo);
  });

  it("keeps the channels of stereo apart", () => {
    const left = tone(500, 0.1, 44_100);
    const stereo = new Float32Array(left.length * 2);
    left.forEach((value, i) => (stereo[2 * i] = value));
    const resampler = new Resampler({
      inputRate: 44_100,
      inputChannels: 2,
      outputRate: 48_000,
      outputChannels: 2,
    });
    const out = resampler.process(stereo);
    const silent = out.filter((_, i) => i % 2 === 1);
    expect(Math.max(...silent.map(Math.abs))).toBe(0);
    expect(rms(out.filter((_, i) => i % 2 === 0))).toBeGreaterThan(0.3);
  });
});
