// The SIMD kernels against plain JavaScript written from their definitions: every length, every kind of float.
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/testing/random.ts";
import { Arena } from "../../src/wasm/arena.ts";
import { LAYOUT } from "../../src/wasm/generated/kernels.ts";
import { storeFixed } from "../../src/wasm/pcm.ts";
import { f32ToS16, s16ToF32 } from "../../src/wasm/sample-format.ts";
import { sincTable } from "../../src/wasm/sinc-table.ts";

const { PCM_GROUP, PCM_POSITION, PCM_STEP, PCM_SOURCE, PCM_STATE_BYTES } = LAYOUT;
const { PCM_TAPS, PCM_TAPS_BEFORE, PCM_PHASES } = LAYOUT;
const LENGTHS = Array.from({ length: 68 }, (_, length) => length);
const ODD_FLOATS = [
  NaN,
  Infinity,
  -Infinity,
  0,
  -0,
  1e-40,
  -1e-45,
  1,
  -1,
  2,
  3.4e38,
  0.5 / 32768,
  1.5 / 32768,
];
const ODD_INTEGERS = [-32768, 32767, 0, -1, 1];
const SEED = 20_260;

const arena = new Arena({ bytes: 1024 * 1024 });
const { kernels } = arena;

function floatsAt(address: number, length: number): Float32Array {
  return new Float32Array(arena.buffer, address, length);
}

function room(floats: number): number {
  return arena.allocate((floats + PCM_GROUP) * 4);
}

/** Mostly samples around full scale, one in five an odd one. */
function floats(random: SeededRandom, length: number): Float32Array {
  return Float32Array.from({ length }, () =>
    random.chance(0.2)
      ? (ODD_FLOATS[random.integer(0, ODD_FLOATS.length - 1)] as number)
      : (random.next() - 0.5) * 2.4,
  );
}

function tiesToEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

function toS16(value: number): number {
  if (Number.isNaN(value)) return 0;
  // + 0 makes no difference but between the two zeros.
  return Math.max(-32768, Math.min(32767, tiesToEven(value * 32768))) + 0;
}

/** Equal up to the order of f32 sums; not finite alike. */
function expectClose(actual: Float32Array, expected: ArrayLike<number>, what: string): void {
  for (let i = 0; i < actual.length; i++) {
    const [got, want] = [actual[i] as number, Math.fround(expected[i] as number)];
    if (!Number.isFinite(want)) expect(got, `${what}[${i}]`).toBe(want);
    else expect(Math.abs(got - want), `${what}[${i}]`).toBeLessThanOrEqual(2e-6 * (1 + Math.abs(want)));
  }
}

describe("sample formats", () => {
  it("turn floats into integers: nearest, ties to even, saturating, NaN is 0", () => {
    const random = new SeededRandom(SEED);
    for (const length of [...LENGTHS, 4095, 4096, 4097, 10_000]) {
      const samples = floats(random, length);
      expect([...f32ToS16(samples)], `${length} samples`).toEqual([...samples].map(toS16));
    }
  });

  it("tell ties from their neighbors", () => {
    const steps = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5];
    const samples = new Float32Array(steps.map((step) => step / 32768));
    expect([...f32ToS16(samples)].map((value) => value + 0)).toEqual([-2, -2, 0, 0, 2, 2, 4]);
  });

  it("turn integers into floats and back without a change", () => {
    const random = new SeededRandom(SEED + 1);
    for (const length of [...LENGTHS, 5000]) {
      const samples = Int16Array.from({ length }, () =>
        random.chance(0.2)
          ? (ODD_INTEGERS[random.integer(0, ODD_INTEGERS.length - 1)] as number)
          : random.integer(-32768, 32767),
      );
      const converted = s16ToF32(samples);
      expect([...converted]).toEqual([...samples].map((value) => value / 32768));
      expect([...f32ToS16(converted)]).toEqual([...samples]);
    }
  });
});

describe("mixing", () => {
  it.each([0, 1, 2, 9, 10])("sums %d weighted sources", (peers) => {
    const random = new SeededRandom(SEED + 3 + peers);
    const stride = (67 + PCM_GROUP + 3) & ~3;
    const [source, gains, target] = [room(stride * 10), room(10), room(80)];
    for (const length of LENGTHS) {
      const expected = new Float32Array(length);
      for (let peer = 0; peer < peers; peer++) {
        const gain = Math.fround(random.next() - 0.5);
        const samples = floats(random, length);
        floatsAt(gains, peers)[peer] = gain;
        floatsAt(source + peer * stride * 4, length).set(samples);
        samples.forEach((value, i) => (expected[i] = (expected[i] as number) + Math.fround(gain * value)));
      }
      kernels.mixPeers(source, stride * 4, peers, gains, target, length);
      expectClose(floatsAt(target, length), expected, `${peers} peers, ${length} samples`);
    }
  });
});

const table = room(sincTable().length);
floatsAt(table, sincTable().length).set(sincTable());

interface State {
  position: number;
  step: number;
  gain: number;
  samples: Float32Array;
}

/** By definition: the filters of the two nearest rows, blended, applied in f64. */
function resampled({ position, step, samples }: State, outputs: number): Float32Array {
  return Float32Array.from({ length: outputs }, (_, k) => {
    // Multiples of 2^-32 below 2^21: exact.
    const at = position + k * step;
    const whole = Math.floor(at);
    const phase = (at - whole) * PCM_PHASES;
    const row = Math.floor(phase);
    let [here, next] = [0, 0];
    for (let tap = 0; tap < PCM_TAPS; tap++) {
      const sample = samples[whole - PCM_TAPS_BEFORE + tap] as number;
      here += sample * (sincTable()[row * PCM_TAPS + tap] as number);
      next += sample * (sincTable()[(row + 1) * PCM_TAPS + tap] as number);
    }
    return here + (phase - row) * (next - here);
  });
}

function fixed(value: number): number {
  return Math.round(value * 2 ** 32) / 2 ** 32;
}

function randomState(random: SeededRandom, tame = false): State {
  const length = 120;
  return {
    position: fixed(PCM_TAPS_BEFORE + random.next() * 10),
    step: fixed(0.98 + random.next() * 0.0404),
    gain: Math.fround(random.next()),
    samples: tame ? Float32Array.from({ length }, () => random.next() - 0.5) : floats(random, length),
  };
}

/** Put a stream into memory; `source` is its buffer, `state` its description. */
function describeState(state: number, source: number, { position, step, samples }: State): void {
  floatsAt(source, samples.length).set(samples);
  storeFixed(arena.words, state + PCM_POSITION, position);
  storeFixed(arena.words, state + PCM_STEP, step);
  arena.words[(state + PCM_SOURCE) >> 2] = source;
}

function positionOf(state: number): number {
  const at = (state + PCM_POSITION) >> 2;
  return (arena.words[at + 1] as number) + ((arena.words[at] as number) >>> 0) / 2 ** 32;
}

describe("resampling", () => {
  it("blends the rows of the table around every position, and moves the position exactly", () => {
    const random = new SeededRandom(SEED + 20);
    const [state, source, target] = [arena.allocate(PCM_STATE_BYTES), room(200), room(80)];
    for (const length of LENGTHS) {
      const stream = randomState(random, true);
      describeState(state, source, stream);
      kernels.resampleSinc16x4(state, table, target, length);
      expectClose(floatsAt(target, length), resampled(stream, length), `${length} outputs`);
      expect(positionOf(state)).toBe(stream.position + length * stream.step);
    }
  });

  it("lets what is not finite through to the outputs whose filter covers it, and nowhere else", () => {
    const [state, source, target] = [arena.allocate(PCM_STATE_BYTES), room(200), room(80)];
    const samples = new Float32Array(120).fill(0.25);
    samples[50] = NaN;
    describeState(state, source, { position: PCM_TAPS_BEFORE, step: 1, gain: 1, samples });
    kernels.resampleSinc16x4(state, table, target, 67);
    const broken = [...floatsAt(target, 67)].flatMap((value, i) => (Number.isNaN(value) ? [i] : []));
    expect(broken).toEqual(Array.from({ length: PCM_TAPS }, (_, i) => 35 + i));
  });

  it.each([0, 1, 3, 10])("and mixing %d streams is one tick", (peers) => {
    const random = new SeededRandom(SEED + 30 + peers);
    const [states, gains, rows] = [arena.allocate(10 * PCM_STATE_BYTES), room(10), room(10 * 80)];
    const target = room(80);
    const sources = Array.from({ length: peers }, () => room(200));
    for (const length of LENGTHS) {
      const streams = sources.map(() => randomState(random, true));
      const expected = new Float32Array(length);
      streams.forEach((stream, peer) => {
        describeState(states + peer * PCM_STATE_BYTES, sources[peer] as number, stream);
        floatsAt(gains, 10)[peer] = stream.gain;
        resampled(stream, length).forEach(
          (value, i) => (expected[i] = (expected[i] as number) + value * stream.gain),
        );
      });
      kernels.audioTick(states, gains, peers, table, rows, target, length);
      expectClose(floatsAt(target, length), expected, `${peers} peers, ${length} samples`);
      streams.forEach(({ position, step }, peer) =>
        expect(positionOf(states + peer * PCM_STATE_BYTES)).toBe(position + length * step),
      );
    }
    for (const address of [states, gains, rows, target, ...sources]) arena.free(address);
  });
});
