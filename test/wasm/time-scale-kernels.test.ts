// The searching kernels of time scaling against plain JavaScript.
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/testing/random.ts";
import { Arena } from "../../src/wasm/arena.ts";
import { LAYOUT } from "../../src/wasm/generated/kernels.ts";

const { SCALE_CORRELATION, SCALE_REFERENCE_ENERGY, SCALE_CANDIDATE_ENERGY } = LAYOUT;
const SAMPLES = 2000;

const arena = new Arena({ bytes: 65_536 });
const { kernels } = arena;
const result = arena.allocate(16);
const signal = new Float32Array(arena.buffer, arena.allocate(SAMPLES * 4), SAMPLES);
const target = new Float32Array(arena.buffer, arena.allocate(SAMPLES * 4), SAMPLES);

function energy(from: number, length: number): number {
  return signal.subarray(from, from + length).reduce((sum, value) => sum + value * value, 0);
}

function correlation(a: number, b: number, length: number): number {
  let products = 0;
  for (let i = 0; i < length; i++) products += (signal[a + i] as number) * (signal[b + i] as number);
  return products / Math.sqrt(energy(a, length) * energy(b, length) + 1e-20);
}

function value(offset: number): number {
  return new Float32Array(arena.buffer, result + offset, 1)[0] as number;
}

describe("the search for a similar stretch", () => {
  it("finds the candidate of the highest normalized correlation (seed 5)", () => {
    const random = new SeededRandom(5);
    for (let round = 0; round < 300; round++) {
      signal.forEach((_, i) => (signal[i] = Math.sin(i / random.integer(3, 30)) + random.normal()));
      const length = 4 * random.integer(0, 60);
      const stride = random.integer(1, 5) * (random.chance(0.5) ? 1 : -1);
      const count = random.integer(1, 100);
      const [reference, candidate] = [random.integer(0, 1500), 800];
      const index = kernels.findSimilar(
        result,
        signal.byteOffset + reference * 4,
        signal.byteOffset + candidate * 4,
        stride * 4,
        count,
        length,
      );
      const all = Array.from({ length: count }, (_, i) =>
        correlation(reference, candidate + i * stride, length),
      );
      // Ties but for the rounding of f32 may go either way.
      expect(all[index]).toBeCloseTo(Math.max(...all), 5);
      expect(value(SCALE_CORRELATION)).toBeCloseTo(all[index] as number, 5);
      expect(value(SCALE_REFERENCE_ENERGY) / (1 + energy(reference, length))).toBeCloseTo(
        energy(reference, length) / (1 + energy(reference, length)),
        5,
      );
      const found = energy(candidate + index * stride, length);
      expect(value(SCALE_CANDIDATE_ENERGY) / (1 + found)).toBeCloseTo(found / (1 + found), 5);
    }
  });

  it("takes the last of equals, and none where nothing can be compared", () => {
    const search = (count: number): number =>
      kernels.findSimilar(result, signal.byteOffset, signal.byteOffset + 400, 4, count, 40);
    signal.fill(0);
    expect(search(7)).toBe(6);
    expect(search(0)).toBe(-1);
    signal.fill(NaN);
    expect(search(7)).toBe(-1);
    signal.fill(Infinity);
    expect(search(7)).toBe(-1);
  });
});

describe("the lower rate", () => {
  it("consists of means", () => {
    const random = new SeededRandom(6);
    signal.forEach((_, i) => (signal[i] = random.normal()));
    for (const span of [1, 2, 5, 6, 12]) {
      const outputs = Math.floor(SAMPLES / span);
      kernels.decimate(signal.byteOffset, target.byteOffset, outputs, span);
      for (let i = 0; i < outputs; i++) {
        const part = signal.subarray(i * span, (i + 1) * span);
        expect(target[i]).toBeCloseTo(part.reduce((sum, sample) => sum + sample, 0) / span, 5);
      }
    }
  });
});
