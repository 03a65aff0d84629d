// A recording played in an endless loop at 48 kHz, whatever rate it came in. Pure.
import { SAMPLE_RATE } from "./voice.ts";
import type { Wav } from "./wav.ts";

/** What a peer of the demo says: the next samples on demand, without end. */
export interface SignalSource {
  /** The next `frames` samples: mono, 48 kHz, within [-1, 1]. */
  next(frames: number): Float32Array;
}

/** Half the length of the interpolation filter, in zero crossings; 16 keep aliases 60 dB down. */
const CROSSINGS = 16;
/** Table steps per zero crossing; linear interpolation between them errs below 16-bit resolution. */
const STEPS = 256;

/** `wav` at 48 kHz as a loop without a seam, clipped to [-1, 1]. */
export function resampleLoop(wav: Wav): Float32Array {
  const clip = (sample: number): number => Math.max(-1, Math.min(1, sample));
  if (wav.sampleRate === SAMPLE_RATE) return wav.samples.map(clip);
  const length = Math.max(1, Math.round((wav.samples.length * SAMPLE_RATE) / wav.sampleRate));
  const ratio = wav.samples.length / length;
  // Going down in rate, the filter must also remove what the lower rate cannot carry.
  const scale = Math.min(1, 1 / ratio);
  const table = sincTable();
  const reach = CROSSINGS / scale;
  const output = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    const center = i * ratio;
    let sum = 0;
    for (let k = Math.ceil(center - reach); k <= center + reach; k++) {
      const at = Math.abs(k - center) * scale * STEPS;
      const step = Math.floor(at);
      const low = table[step] ?? 0;
      const weight = low + ((table[step + 1] ?? 0) - low) * (at - step);
      sum += weight * (wav.samples[modulo(k, wav.samples.length)] as number);
    }
    output[i] = clip(sum * scale);
  }
  return output;
}

/** One side of a Blackman-windowed sinc, `STEPS` entries per zero crossing. */
function sincTable(): Float64Array {
  const table = new Float64Array(CROSSINGS * STEPS + 2);
  table[0] = 1;
  for (let i = 1; i < CROSSINGS * STEPS; i++) {
    const x = i / STEPS;
    const phase = (Math.PI * x) / CROSSINGS;
    const window = 0.42 + 0.5 * Math.cos(phase) + 0.08 * Math.cos(2 * phase);
    table[i] = (Math.sin(Math.PI * x) / (Math.PI * x)) * window;
  }
  return table;
}

function modulo(value: number, length: number): number {
  return ((value % length) + length) % length;
}

/** Endless repetition of some samples. */
export class Loop implements SignalSource {
  readonly #pcm: Int16Array;
  readonly #start: number;
  #position = 0;

  /**
   * @param pcm mono, 48 kHz, at least one; kept
   * @param start 0..1: where in the loop to begin
   */
  constructor(pcm: Int16Array, start: number) {
    this.#pcm = pcm;
    this.#start = Math.floor(start * pcm.length);
  }

  next(frames: number): Float32Array {
    const block = new Float32Array(frames);
    this.copy(block, this.#position);
    this.#position += frames;
    return block;
  }

  /** Fill `out` with what comes at `position`, counted from the first sample that `next` gives; may be below 0. */
  copy(out: Float32Array, position: number): void {
    let at = modulo(this.#start + position, this.#pcm.length);
    for (let i = 0; i < out.length; i++) {
      out[i] = (this.#pcm[at] as number) / 0x8000;
      if (++at === this.#pcm.length) at = 0;
    }
  }
}
