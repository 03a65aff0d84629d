// The drift resampler as a stream: its filter, its exact positions and counts, its seams.
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/testing/random.ts";
import { Arena } from "../../src/wasm/arena.ts";
import { DriftResampler } from "../../src/wasm/pcm.ts";

const RATE = 48_000;

interface Run {
  samples: number[];
  /** Input position of every output. */
  positions: number[];
  inputs: number;
}

/** Stream `input` in blocks of the given lengths, each at its ratio. */
function run(
  input: Float32Array,
  ratioAt: (block: number) => number,
  blockAt: (block: number) => number = () => 960,
): Run {
  const resampler = new DriftResampler({ channels: 1 });
  const made: Run = { samples: [], positions: [], inputs: 0 };
  for (let block = 0; made.inputs < input.length; block++) {
    const part = input.subarray(made.inputs, made.inputs + blockAt(block));
    const start = resampler.positionSamples;
    resampler.process(part, ratioAt(block)).forEach((value, i) => {
      made.samples.push(value);
      made.positions.push(start + i / ratioAt(block));
    });
    made.inputs += part.length;
  }
  resampler.close();
  return made;
}

function tone(hz: number, samples: number): Float32Array {
  return Float32Array.from({ length: samples }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hz * i) / RATE));
}

/** The part of the outputs that is the tone, and what else there is, by least squares; dB. */
function fit({ samples, positions }: Run, hz: number): { gainDb: number; restDb: number } {
  let [ss, sc, cc, ys, yc, yy] = [0, 0, 0, 0, 0, 0];
  for (let i = 100; i < samples.length; i++) {
    const phase = (2 * Math.PI * hz * (positions[i] as number)) / RATE;
    const [s, c, y] = [Math.sin(phase), Math.cos(phase), samples[i] as number];
    ss += s * s;
    sc += s * c;
    cc += c * c;
    ys += y * s;
    yc += y * c;
    yy += y * y;
  }
  const determinant = ss * cc - sc * sc;
  const a = (ys * cc - yc * sc) / determinant;
  const b = (yc * ss - ys * sc) / determinant;
  const tonePower = a * ys + b * yc;
  return {
    gainDb: 20 * Math.log10(Math.hypot(a, b) / 0.5),
    restDb: 10 * Math.log10((yy - tonePower) / tonePower),
  };
}

describe("the filter of the drift resampler", () => {
  it.each([1.0001, 0.9993, 1.0137, 0.98])("keeps tones clean and level at ratio %d", (ratio) => {
    for (const hz of [100, 380, 1000, 2500, 4000, 6000, 8000, 10_000, 12_000, 14_000, 15_000]) {
      const { gainDb, restDb } = fit(
        run(tone(hz, RATE / 2), () => ratio),
        hz,
      );
      expect(restDb, `images of ${hz} Hz`).toBeLessThan(-84);
      expect(Math.abs(gainDb), `level of ${hz} Hz`).toBeLessThan(0.002);
    }
    for (const [hz, bound] of [
      [16_000, -77],
      [17_000, -53],
      [18_000, -39],
    ] as const) {
      const { gainDb, restDb } = fit(
        run(tone(hz, RATE / 2), () => ratio),
        hz,
      );
      expect(restDb, `images of ${hz} Hz`).toBeLessThan(bound);
      expect(Math.abs(gainDb), `level of ${hz} Hz`).toBeLessThan(0.1);
    }
  });

  it("passes a constant unchanged", () => {
    const { samples } = run(new Float32Array(4800).fill(0.5), () => 1.0003);
    for (const value of samples.slice(20)) expect(Math.abs(value - 0.5)).toBeLessThan(1e-6);
  });

  it("at ratio 1 passes every sample on, 8 late", () => {
    const random = new SeededRandom(7);
    const input = Float32Array.from({ length: 3000 }, () => random.next() - 0.5);
    const { samples } = run(input, () => 1);
    expect(samples.length).toBe(input.length);
    samples.slice(8).forEach((value, i) => expect(value).toBeCloseTo(input[i] as number, 6));
  });
});

describe("the stream of the drift resampler", () => {
  it.each([0.98, 1 - 37e-6, 1, 1 + 451e-6, 1.02])(
    "makes as many samples as the ratio %d says, for five minutes of audio in odd blocks",
    (ratio) => {
      const resampler = new DriftResampler({ channels: 1 });
      const random = new SeededRandom(`counts ${ratio}`);
      const silence = new Float32Array(2000);
      let [inputs, outputs] = [0, 0];
      while (inputs < 300 * RATE) {
        // Mostly long ones, so that the test stays short.
        const length = random.chance(0.05) ? random.integer(0, 20) : random.integer(1500, 2000);
        outputs += resampler.process(silence.subarray(0, length), ratio).length;
        inputs += length;
        if (!(Math.abs(outputs - inputs * ratio) < 1)) {
          expect.fail(`${outputs} outputs after ${inputs} inputs`);
        }
      }
      // Fixed point alone would be off by a thousandth of a sample here.
      expect(Math.abs(resampler.positionSamples + 8 - outputs / ratio)).toBeLessThan(1e-4);
      resampler.close();
    },
  );

  it("says where the next output stands, before and after every call", () => {
    const resampler = new DriftResampler({ channels: 1 });
    expect(resampler.delaySamples).toBe(8);
    expect(resampler.positionSamples).toBe(-8);
    const made = resampler.process(new Float32Array(960), 1.0005);
    expect(resampler.positionSamples).toBeCloseTo(-8 + made.length / 1.0005, 6);
    const next = resampler.positionSamples - (960 - resampler.delaySamples);
    expect(next).toBeGreaterThanOrEqual(0);
    expect(next).toBeLessThan(1);
    resampler.reset();
    expect(resampler.positionSamples).toBe(-8);
  });

  it("makes the same output however the input is cut, long blocks included", () => {
    const random = new SeededRandom("cuts");
    const input = Float32Array.from({ length: 12_000 }, () => random.next() - 0.5);
    const whole = run(
      input,
      () => 1.0007,
      () => 12_000,
    ).samples;
    for (const length of [1, 7, 480, 2047, 2048, 2049, 5000]) {
      const cut = run(
        input,
        () => 1.0007,
        () => length,
      ).samples;
      expect(cut.length, `blocks of ${length}`).toBe(whole.length);
      // Making good for the rounded step happens between calls and is far below hearing.
      cut.forEach((value, i) => {
        if (Math.abs(value - (whole[i] as number)) > 1e-5) expect.fail(`blocks of ${length}: sample ${i}`);
      });
    }
  });

  it("bends the pitch without a click while the ratio ramps or leaps", () => {
    const hz = 1000;
    const input = tone(hz, RATE);
    const random = new SeededRandom("ratios");
    const ramp = (block: number): number => 1 + 0.02 * Math.sin(block / 8);
    const leap = (block: number): number => (block % 2 === 0 ? 0.98 : 1.02);
    const chance = Array.from({ length: 2000 }, () => 0.98 + 0.04 * random.next());
    for (const ratioAt of [ramp, leap, (block: number): number => chance[block] as number]) {
      const { samples, positions } = run(input, ratioAt, (block) => 40 + ((block * 97) % 400));
      let worst = 0;
      for (let i = 40; i < samples.length; i++) {
        const ideal = 0.5 * Math.sin((2 * Math.PI * hz * (positions[i] as number)) / RATE);
        worst = Math.max(worst, Math.abs((samples[i] as number) - ideal));
      }
      // Every sample is the tone at its own position: what does not stray from the wave cannot click.
      expect(worst).toBeLessThan(1e-4);
    }
  });

  it("treats both channels of stereo as it treats mono", () => {
    const random = new SeededRandom("stereo");
    const [left, right] = [0, 1].map(() =>
      Float32Array.from({ length: 5000 }, () => random.next() - 0.5),
    ) as [Float32Array, Float32Array];
    const both = Float32Array.from(
      { length: 10_000 },
      (_, i) => (i % 2 === 0 ? left : right)[i >> 1] as number,
    );
    const stereo = new DriftResampler({ channels: 2 });
    const mono = [new DriftResampler({ channels: 1 }), new DriftResampler({ channels: 1 })] as const;
    for (const [from, to] of [
      [0, 700],
      [700, 701],
      [701, 5000],
    ] as const) {
      const made = stereo.process(both.subarray(from * 2, to * 2), 0.9991);
      const lone = [left, right].map((input, i) => mono[i]?.process(input.subarray(from, to), 0.9991));
      expect([...made]).toEqual(Array.from(made, (_, i) => lone[i % 2]?.[i >> 1]));
    }
    for (const resampler of [stereo, ...mono]) resampler.close();
  });

  it("after a reset knows nothing of before", () => {
    const resampler = new DriftResampler({ channels: 1 });
    const input = tone(440, 1500);
    const first = resampler.process(input, 1.001);
    resampler.process(new Float32Array([NaN, Infinity]), 1.02);
    resampler.reset();
    expect(resampler.process(input, 1.001)).toEqual(first);
    resampler.close();
  });

  it("works in shared memory and gives its memory back", () => {
    if (typeof SharedArrayBuffer === "undefined") return;
    const arena = new Arena({ bytes: 256 * 1024, shared: true });
    const resampler = new DriftResampler({ channels: 2, arena });
    const made = resampler.process(new Float32Array(960).fill(0.5), 1.001);
    expect(made.buffer).not.toBe(arena.buffer);
    resampler.close();
    resampler.close();
    expect(arena.bytesInUse).toBe(0);
  });

  it("refuses what it cannot do, and says what it wants", () => {
    const made = (channels: number): DriftResampler => new DriftResampler({ channels });
    expect(() => made(3)).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }) as Error);
    const resampler = made(2);
    const input = new Float32Array(4);
    for (const ratio of [0.979, 1.021, NaN, Infinity, -1]) {
      expect(() => resampler.process(input, ratio)).toThrow(/ratio must be 0.98 to 1.02/);
    }
    expect(() => resampler.process(new Float32Array(3), 1)).toThrow(/whole frames of 2/);
    expect(() => resampler.process([0, 0] as unknown as Float32Array, 1)).toThrow(/Float32Array/);
    resampler.close();
    const closed = expect.objectContaining({ code: "ALREADY_SHUTDOWN" }) as Error;
    expect(() => resampler.process(input, 1)).toThrow(closed);
    expect(() => resampler.reset()).toThrow(closed);
  });
});
