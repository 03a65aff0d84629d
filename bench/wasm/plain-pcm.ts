// The PCM work in plain JavaScript, as fast as one can reasonably write it: typed arrays, unrolled sums, integer
// phase, nothing allocated in a loop. The baseline of the SIMD kernels.
import { LAYOUT } from "../../src/wasm/generated/kernels.ts";
import { sincTable } from "../../src/wasm/sinc-table.ts";

const { PCM_TAPS, PCM_TAPS_BEFORE, PCM_TAPS_AFTER, PCM_PHASES } = LAYOUT;
/** Adding and taking away 1.5 * 2^52 leaves the nearest integer, ties to even. */
const ROUND = 6_755_399_441_055_744;
const MAX_BLOCK = 2048;

/** Divide by 32768. */
export function plainS16ToF32(samples: Int16Array): Float32Array {
  const out = new Float32Array(samples.length);
  for (let i = 0; i < samples.length; i++) out[i] = (samples[i] as number) * (1 / 32768);
  return out;
}

/** Nearest, ties to even, saturating; NaN is 0. */
export function plainF32ToS16(samples: Float32Array): Int16Array {
  const out = new Int16Array(samples.length);
  for (let i = 0; i < samples.length; i++) {
    const value = (samples[i] as number) * 32768;
    out[i] = value >= 32767 ? 32767 : value <= -32768 ? -32768 : value + ROUND - ROUND;
  }
  return out;
}

/** Weighted sum of ten sources, five in a pass: fewer stores, and still few enough arrays for the registers. */
export function plainMixTen(sources: readonly Float32Array[], gains: Float32Array, out: Float32Array): void {
  for (let first = 0; first < 10; first += 5) {
    const a = sources[first] as Float32Array;
    const b = sources[first + 1] as Float32Array;
    const c = sources[first + 2] as Float32Array;
    const d = sources[first + 3] as Float32Array;
    const e = sources[first + 4] as Float32Array;
    const ga = gains[first] as number;
    const gb = gains[first + 1] as number;
    const gc = gains[first + 2] as number;
    const gd = gains[first + 3] as number;
    const ge = gains[first + 4] as number;
    const keep = first === 0 ? 0 : 1;
    for (let i = 0; i < out.length; i++) {
      out[i] =
        keep * (out[i] as number) +
        ga * (a[i] as number) +
        gb * (b[i] as number) +
        gc * (c[i] as number) +
        gd * (d[i] as number) +
        ge * (e[i] as number);
    }
  }
}

/** The drift resampler in plain JavaScript: the same filter, the same fixed-point phase. */
export class PlainResampler {
  readonly #input = new Float32Array(MAX_BLOCK + 3 * PCM_TAPS);
  #kept: number = PCM_TAPS;
  #whole: number = PCM_TAPS - PCM_TAPS_AFTER;
  /** The rest of the position, u32. */
  #fraction = 0;

  /** Append up to 2048 samples and write what comes out of it into `out`. Returns the number of outputs. */
  process(samples: Float32Array, ratio: number, out: Float32Array): number {
    this.#input.set(samples, this.#kept);
    const held = this.#kept + samples.length;
    const step = Math.round(2 ** 32 / ratio);
    const limit = held - PCM_TAPS_AFTER;
    const made = Math.max(0, Math.ceil(((limit - this.#whole) * 2 ** 32 - this.#fraction) / step));
    this.#filter(out, made, step);
    const done = this.#whole - PCM_TAPS_BEFORE;
    this.#input.copyWithin(0, done, held);
    this.#kept = held - done;
    this.#whole -= done;
    return made;
  }

  #filter(out: Float32Array, outputs: number, step: number): void {
    const table = sincTable();
    const input = this.#input;
    // Multiples of 2^-32 below 2^21: a double holds them exactly.
    const start = this.#whole + this.#fraction / 2 ** 32;
    const stride = step / 2 ** 32;
    for (let k = 0; k < outputs; k++) {
      const position = start + k * stride;
      const whole = position | 0;
      const phase = (position - whole) * PCM_PHASES;
      const row = phase | 0;
      out[k] = blend(table, row * PCM_TAPS, input, whole - PCM_TAPS_BEFORE, phase - row);
    }
    const end = start + outputs * stride;
    this.#whole = Math.floor(end);
    this.#fraction = (end - this.#whole) * 2 ** 32;
  }
}

/** 16 taps of two neighboring rows, eight running sums that wait for nobody. */
function blend(t: Float32Array, row: number, x: Float32Array, at: number, weight: number): number {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let e = 0;
  let f = 0;
  let g = 0;
  let h = 0;
  for (let i = 0; i < 16; i += 4) {
    const x0 = x[at + i] as number;
    const x1 = x[at + i + 1] as number;
    const x2 = x[at + i + 2] as number;
    const x3 = x[at + i + 3] as number;
    a += x0 * (t[row + i] as number);
    b += x1 * (t[row + i + 1] as number);
    c += x2 * (t[row + i + 2] as number);
    d += x3 * (t[row + i + 3] as number);
    e += x0 * (t[row + 16 + i] as number);
    f += x1 * (t[row + 17 + i] as number);
    g += x2 * (t[row + 18 + i] as number);
    h += x3 * (t[row + 19 + i] as number);
  }
  const here = a + b + (c + d);
  return here + weight * (e + f + (g + h) - here);
}
