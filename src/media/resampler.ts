// Streaming sample-rate and channel conversion by windowed sinc. Output sample k stands exactly at input time
// k * inputRate / outputRate: no phase shift, only a wait for the input that follows. Bounded state.
import { kaiser, sinc } from "../wasm/windowed-sinc.ts";

/** How exactly a {@link Resampler} works: stop-band attenuation, length and so cost of its filter. */
export type ResamplerQuality = "low" | "medium" | "high";

interface FilterShape {
  /** Zero crossings of the sinc on each side. */
  readonly crossings: number;
  /** Of the Kaiser window: what lies beyond the transition is `8.7 + beta / 0.1102` dB down. */
  readonly beta: number;
  /** Middle of the filter's transition, as a share of the lower Nyquist frequency: it ends just above it. */
  readonly cutoff: number;
}

/** Passed within 0.1 dB up to 0.7, 0.82 and 0.88 of the lower Nyquist frequency; 67, 85 and 104 dB down beyond it. */
const SHAPES: Readonly<Record<ResamplerQuality, FilterShape>> = {
  low: { crossings: 12, beta: 6.5, cutoff: 0.87 },
  medium: { crossings: 24, beta: 8.5, cutoff: 0.94 },
  high: { crossings: 48, beta: 10.5, cutoff: 0.95 },
};

/** Up to this many phases the table is exact; beyond, neighbors are interpolated (error below -100 dB). */
const MAX_EXACT_PHASES = 640;

/** Phases of the interpolated table. */
const TABLE_PHASES = 512;

/**
 * Formats of a {@link Resampler}. Rates in Hz, whole numbers from 8000 to 192000; channels 1 to 8. To fewer channels each
 * output is the mean of the inputs whose number leaves the same rest: of all for mono. To more, they repeat in turn.
 */
export interface ResamplerOptions {
  inputRate: number;
  inputChannels: number;
  outputRate: number;
  outputChannels: number;
  /** Default medium. */
  quality?: ResamplerQuality;
}

/** Converts one stream of interleaved samples. Equal rates pass without filter and without wait. */
export class Resampler {
  readonly options: Readonly<ResamplerOptions>;
  /** Input samples per channel that must follow a position before its output can be made. */
  readonly lookaheadSamples: number;
  readonly #inputStep: number;
  readonly #outputStep: number;
  readonly #channels: number;
  readonly #table: FilterTable | undefined;
  /** Per channel: the input that filters still reach. */
  readonly #history: Float32Array[];
  #historyLength = 0;
  /** Input index of the next output, counted from the history's first sample. */
  #index = 0;
  /** The rest of its position, in 1/#outputStep input samples. */
  #remainder = 0;

  constructor(options: ResamplerOptions) {
    this.options = { ...options };
    const divisor = greatestCommonDivisor(options.inputRate, options.outputRate);
    this.#inputStep = options.inputRate / divisor;
    this.#outputStep = options.outputRate / divisor;
    // Mixing down comes before filtering and doubling after it: the fewer channels of work in both cases.
    this.#channels = Math.min(options.inputChannels, options.outputChannels);
    const shape = SHAPES[options.quality ?? "medium"];
    this.#table =
      options.inputRate === options.outputRate
        ? undefined
        : filterTable(this.#inputStep, this.#outputStep, shape);
    const half = this.#table?.half ?? 0;
    this.lookaheadSamples = half;
    this.#history = Array.from({ length: this.#channels }, () => new Float32Array(half * 4));
    this.#begin();
  }

  /** Output samples per channel that {@link lookaheadSamples} stand for, rounded up. */
  get lookaheadOutputSamples(): number {
    return Math.ceil((this.lookaheadSamples * this.#outputStep) / this.#inputStep);
  }

  /**
   * Convert the next piece of the stream.
   *
   * @param samples interleaved in the input format; read, not kept
   * @returns interleaved samples in the output format: all whose filter is covered by now. Fresh, but for the very
   *   samples given when both formats are the same
   */
  process(samples: Float32Array): Float32Array {
    if (this.#table === undefined && this.options.inputChannels === this.options.outputChannels)
      return samples;
    const frames = samples.length / this.options.inputChannels;
    const planes = this.#toPlanes(samples, frames);
    if (this.#table === undefined) return this.#interleave(planes, frames);
    this.#append(planes, frames);
    return this.#filter(this.#table);
  }

  /** End the stream: the last outputs, made with silence behind the input's end. Then begin a new one. */
  flush(): Float32Array {
    const rest = this.process(new Float32Array(this.lookaheadSamples * this.options.inputChannels));
    this.#begin();
    return rest;
  }

  /** Before the beginning lies silence: as much of it as the first output's filter reaches back. */
  #begin(): void {
    this.#historyLength = Math.max(0, this.lookaheadSamples - 1);
    for (const history of this.#history) history.fill(0, 0, this.#historyLength);
    this.#index = this.#historyLength;
    this.#remainder = 0;
  }

  #toPlanes(samples: Float32Array, frames: number): Float32Array[] {
    const { inputChannels } = this.options;
    if (inputChannels === 1) return [samples];
    const planes: Float32Array[] = [];
    for (let channel = 0; channel < this.#channels; channel++) {
      const plane = new Float32Array(frames);
      const parts = Math.ceil((inputChannels - channel) / this.#channels);
      for (let i = 0; i < frames; i++) {
        const end = (i + 1) * inputChannels;
        let sum = 0;
        for (let at = i * inputChannels + channel; at < end; at += this.#channels) sum += samples[at] ?? 0;
        plane[i] = sum / parts;
      }
      planes.push(plane);
    }
    return planes;
  }

  #interleave(planes: readonly Float32Array[], frames: number): Float32Array {
    const { outputChannels } = this.options;
    if (outputChannels === 1) return (planes[0] as Float32Array).slice(0, frames);
    const out = new Float32Array(frames * outputChannels);
    for (let channel = 0; channel < outputChannels; channel++) {
      const plane = planes[channel % planes.length] as Float32Array;
      for (let i = 0; i < frames; i++) out[i * outputChannels + channel] = plane[i] as number;
    }
    return out;
  }

  #append(planes: readonly Float32Array[], frames: number): void {
    // What lies before the next output's filter is done with.
    const done = Math.max(0, Math.min(this.#historyLength, this.#index - this.lookaheadSamples + 1));
    const kept = this.#historyLength - done;
    for (let channel = 0; channel < this.#channels; channel++) {
      let history = this.#history[channel] as Float32Array;
      if (history.length < kept + frames) {
        const larger = new Float32Array(kept + frames);
        larger.set(history.subarray(done, done + kept));
        history = this.#history[channel] = larger;
      } else {
        history.copyWithin(0, done, done + kept);
      }
      history.set((planes[channel] as Float32Array).subarray(0, frames), kept);
    }
    this.#historyLength = kept + frames;
    this.#index -= done;
  }

  #filter(table: FilterTable): Float32Array {
    const { half, taps, phases, coefficients } = table;
    const available = this.#historyLength - half;
    if (available <= this.#index) return new Float32Array(0);
    const upperBound = Math.ceil(((available - this.#index) * this.#outputStep) / this.#inputStep) + 1;
    const outputs = this.#history.map(() => new Float32Array(upperBound));
    let made = 0;
    // The filter of position `index + remainder` covers the inputs index - half + 1 .. index + half.
    while (this.#index < available) {
      const phase = (this.#remainder * phases) / this.#outputStep;
      const row = Math.floor(phase);
      const share = phase - row;
      const start = this.#index - half + 1;
      for (let channel = 0; channel < this.#channels; channel++) {
        const history = this.#history[channel] as Float32Array;
        let value = dot(history, start, coefficients, row * taps, taps);
        if (share > 0) value += share * (dot(history, start, coefficients, (row + 1) * taps, taps) - value);
        (outputs[channel] as Float32Array)[made] = value;
      }
      made++;
      this.#remainder += this.#inputStep;
      const whole = Math.floor(this.#remainder / this.#outputStep);
      this.#index += whole;
      this.#remainder -= whole * this.#outputStep;
    }
    return this.#interleave(outputs, made);
  }
}

interface FilterTable {
  /** Taps on each side. */
  half: number;
  taps: number;
  phases: number;
  /** `phases + 1` rows of `taps`; the last is the first, one sample on. */
  coefficients: Float32Array;
}

/** The filter for a ratio in lowest terms: output `k` lies at `k * inputStep / outputStep` input samples. */
function filterTable(inputStep: number, outputStep: number, shape: FilterShape): FilterTable {
  // Below the input's rate the filter must cut at the output's Nyquist frequency and so grows in length.
  const scale = Math.min(1, outputStep / inputStep);
  const half = Math.ceil(shape.crossings / scale);
  const taps = half * 2;
  const phases = outputStep <= MAX_EXACT_PHASES ? outputStep : TABLE_PHASES;
  const coefficients = new Float32Array((phases + 1) * taps);
  const cutoff = scale * shape.cutoff;
  for (let phase = 0; phase <= phases; phase++) {
    const row = coefficients.subarray(phase * taps, (phase + 1) * taps);
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) {
      const distance = tap - half + 1 - phase / phases;
      const value = sinc(distance * cutoff) * kaiser(distance / half, shape.beta);
      row[tap] = value;
      sum += value;
    }
    // A gain of exactly one at zero frequency for every phase, else a constant input would ripple.
    for (let tap = 0; tap < taps; tap++) row[tap] = (row[tap] ?? 0) / sum;
  }
  return { half, taps, phases, coefficients };
}

function dot(
  samples: Float32Array,
  start: number,
  coefficients: Float32Array,
  row: number,
  taps: number,
): number {
  let even = 0;
  let odd = 0;
  for (let i = 0; i < taps; i += 2) {
    even += (samples[start + i] as number) * (coefficients[row + i] as number);
    odd += (samples[start + i + 1] as number) * (coefficients[row + i + 1] as number);
  }
  return even + odd;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
