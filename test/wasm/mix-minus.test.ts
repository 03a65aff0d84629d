// The conference mix against plain JavaScript written from its definition, bit by bit, and the limiter by its properties.
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/testing/random.ts";
import { Arena } from "../../src/wasm/arena.ts";
import { MAX_VOICES, MixMinus } from "../../src/wasm/mix-minus.ts";
import type { MixedVoice } from "../../src/wasm/mix-minus.ts";
import { rms, tone } from "../media/signals.ts";

const SEED = 7_310;
const f32 = Math.fround;
const KNEE = f32(Math.SQRT1_2);
const HEADROOM = f32(1 - KNEE);
const ODD = [NaN, Infinity, -Infinity, 16, -16, 3.4e38, -0, 1e-45, 15.99, -15.99];

/** As the kernel does it, one f32 operation after another. */
function limited(sample: number): number {
  const size = Math.abs(sample);
  if (size <= KNEE) return sample;
  const v = f32(f32(size - KNEE) / HEADROOM);
  const bent = f32(v / f32(Math.sqrt(f32(1 + f32(v * v)))));
  return Math.sign(sample) * f32(KNEE + f32(HEADROOM * bent));
}

function isSound(sample: number): boolean {
  return Math.abs(sample) < 16;
}

interface Case {
  readonly samples: number;
  readonly channels: 1 | 2;
  readonly rows: Float32Array[];
  readonly voices: MixedVoice[];
}

/** Random voices, some of them with gains under way, in any order of the rows. */
function randomCase(random: SeededRandom, count: number): Case {
  const channels = random.chance(0.5) ? 1 : 2;
  const samples = channels * random.integer(1, 70);
  const rows = Array.from({ length: count }, () =>
    Float32Array.from({ length: samples }, () =>
      random.chance(0.1)
        ? (ODD[random.integer(0, ODD.length - 1)] as number)
        : (random.next() - 0.5) * (random.chance(0.2) ? 2 : 0.3),
    ),
  );
  const order = rows.map((_, row) => row).sort(() => random.next() - 0.5);
  const voices = order.slice(0, random.integer(0, count)).map((row) => {
    const fromGain = random.chance(0.5) ? 1 : random.next() * 2;
    return { row, fromGain, toGain: random.chance(0.5) ? fromGain : random.next() };
  });
  return { samples, channels, rows, voices };
}

/** The gain of a sample as the kernel comes by it: four at the start, and four steps. */
function gainAt({ fromGain, toGain }: MixedVoice, { samples, channels }: Case, i: number): number {
  const step = ((toGain - fromGain) * channels) / samples;
  const first = f32(fromGain + step * (Math.floor((i % 4) / channels) + 1));
  return f32(first + f32(f32((step * 4) / channels) * Math.floor(i / 4)));
}

/** Sum of the voices before `own` and of those behind it, each in the kernel's order. */
function heardBy(own: number, scene: Case): Float32Array {
  return Float32Array.from({ length: scene.samples }, (_, i) => {
    const weighted = scene.voices.map((voice) => {
      const sample = scene.rows[voice.row]?.[i] as number;
      return f32((isSound(sample) ? sample : 0) * gainAt(voice, scene, i));
    });
    const before = weighted.slice(0, own).reduce((sum, sample) => f32(sum + sample), 0);
    const behind = weighted.slice(own + 1).reduceRight((sum, sample) => f32(sum + sample), 0);
    return limited(f32(before + behind));
  });
}

function mixed({ samples, channels, rows, voices }: Case): Float32Array[] {
  const mixer = new MixMinus({ samples, channels });
  rows.forEach((row, index) => mixer.row(index).set(row));
  mixer.meter(rows.length);
  const outputs = mixer.mix(voices);
  mixer.close();
  return outputs;
}

describe("the mix of a conference", () => {
  it.each([0, 1, 2, 3, 10, MAX_VOICES])("is what the definition says, bit by bit, with %d rows", (count) => {
    const random = new SeededRandom(SEED + count);
    for (let round = 0; round < 60; round++) {
      const scene = randomCase(random, count);
      const outputs = mixed(scene);
      expect(outputs.length).toBe(scene.voices.length + 1);
      outputs.forEach((output, own) => {
        const expected = heardBy(own, scene);
        const wrong = output.findIndex((sample, i) => sample !== expected[i]);
        if (wrong >= 0) {
          expect.fail(`round ${round}, output ${own}[${wrong}]: ${output[wrong]}, not ${expected[wrong]}`);
        }
      });
    }
  });

  it("leaves no trace of a voice in its own output, however loud it is beside the others", () => {
    const loud = tone(440, 0.02, 48_000).map((sample) => sample * 2);
    const quiet = tone(880, 0.02, 48_000).map((sample) => sample * 1e-5);
    const silence = new Float32Array(960);
    const voices = [0, 1, 2, 3].map((row) => ({ row, fromGain: 1, toGain: 1 }));
    const scene = { samples: 960, channels: 1 as const, voices, rows: [silence, loud, silence, silence] };
    expect(mixed(scene)[1]).toEqual(silence);
    expect(mixed({ ...scene, rows: [silence, loud, quiet, silence] })[1]).toEqual(quiet);
  });

  it("moves a gain in a straight line that ends with the block, the same for both channels", () => {
    for (const channels of [1, 2] as const) {
      const samples = 960 * channels;
      const rows = [new Float32Array(samples).fill(0.5)];
      const voices = [{ row: 0, fromGain: 0, toGain: 1 }];
      const total = mixed({ samples, channels, rows, voices })[1] as Float32Array;
      total.forEach((sample, i) =>
        expect(sample).toBeCloseTo((0.5 * (Math.floor(i / channels) + 1)) / 960, 6),
      );
    }
  });
});

describe("the levels of rows", () => {
  it("are the largest magnitude and the mean square of what is sound", () => {
    const random = new SeededRandom(SEED);
    for (const samples of [1, 2, 3, 4, 5, 7, 480, 961]) {
      const mixer = new MixMinus({ samples, channels: 1 });
      const rows = Array.from({ length: MAX_VOICES }, () =>
        Float32Array.from({ length: samples }, () =>
          random.chance(0.1) ? (ODD[random.integer(0, ODD.length - 1)] as number) : random.next() - 0.5,
        ),
      );
      rows.forEach((row, index) => mixer.row(index).set(row));
      const levels = mixer.meter(MAX_VOICES);
      rows.forEach((row, index) => {
        const sound = row.filter(isSound);
        const power = sound.reduce((sum, sample) => sum + sample * sample, 0) / samples;
        expect(levels[index]?.peak).toBe(sound.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0));
        expect(Math.abs((levels[index]?.power ?? NaN) - power)).toBeLessThanOrEqual(1e-5 * power);
        expect(mixer.row(index)).toEqual(row.map((sample) => (isSound(sample) ? sample : 0)));
      });
      expect(mixer.meter(0)).toEqual([]);
      mixer.close();
    }
  });
});

describe("the limiter", () => {
  /** What comes out for one voice of these samples. */
  function limitedBy(samples: Float32Array): Float32Array {
    const voices = [{ row: 0, fromGain: 8, toGain: 8 }];
    const scene = { samples: samples.length, channels: 1 as const, voices };
    return mixed({ ...scene, rows: [samples.map((sample) => sample / 8)] })[1] as Float32Array;
  }

  it("rises always, is odd, leaves what is below its knee, and ends at full scale", () => {
    // Steps of an octave's 1024th, from far below the knee to 24 dB above full scale with a gain of 8.
    const inputs = Float32Array.from({ length: 20_000 }, (_, i) => 127 * 2 ** (-(19_999 - i) / 1024));
    const outputs = limitedBy(inputs);
    expect(limitedBy(inputs.map((sample) => -sample))).toEqual(outputs.map((sample) => -sample));
    const isStraight = outputs.every((sample, i) => (inputs[i] as number) > KNEE || sample === inputs[i]);
    // But for four steps of rounding, -132 dB.
    const rises = outputs.every((sample, i) => sample >= (outputs[i - 1] ?? 0) - 2 ** -22);
    const isBounded = outputs.every((sample) => sample <= 1);
    expect({ isStraight, rises, isBounded }).toEqual({ isStraight: true, rises: true, isBounded: true });
    expect(outputs.at(-1)).toBeGreaterThan(0.9999);
  });

  it("bends without a corner: slope and curvature are those of the straight line at the knee", () => {
    const step = 2 ** -9;
    const at = Float32Array.from({ length: 5 }, (_, i) => KNEE + (i - 2) * step);
    const [a, b, c, d, e] = [...limitedBy(at)] as [number, number, number, number, number];
    const slopes = [b - a, c - b, d - c, e - d].map((rise) => rise / step);
    // Its slope is (1 + v^2)^-1.5, here at most 2.7e-4 below that of the line, and rounding adds 1.2e-4 at most.
    slopes.forEach((slope) => expect(Math.abs(slope - 1)).toBeLessThan(4e-4));
  });

  it("adds little distortion where it begins, and 3.5 % to a sine of full scale", () => {
    const distortionOf = (peakDb: number): number => {
      const sine = Float32Array.from(
        { length: 4800 },
        (_, i) => 10 ** (peakDb / 20) * Math.sin((2 * Math.PI * i) / 480),
      );
      const out = limitedBy(sine);
      const share = out.reduce((sum, sample, i) => sum + sample * (sine[i] as number), 0);
      const scale = share / sine.reduce((sum, sample) => sum + sample * sample, 0);
      return rms(out.map((sample, i) => sample - scale * (sine[i] as number))) / rms(out);
    };
    expect(distortionOf(-3.02)).toBeLessThan(1e-6);
    expect(distortionOf(-2)).toBeLessThan(0.0018);
    expect(distortionOf(0)).toBeLessThan(0.036);
    expect(distortionOf(0)).toBeGreaterThan(0.02);
  });
});

describe("the memory of a mix", () => {
  it("lies in the arena it is given, and goes back there", () => {
    const arena = new Arena({ bytes: 256 * 1024 });
    const mixer = new MixMinus({ samples: 960, channels: 1, arena });
    expect(arena.inUse).toBe(true);
    mixer.close();
    mixer.close();
    expect(arena.inUse).toBe(false);
    for (const use of [() => mixer.row(0), () => mixer.meter(1), () => mixer.mix([])]) {
      expect(use).toThrow(expect.objectContaining({ code: "ALREADY_SHUTDOWN" }) as Error);
    }
  });
});
