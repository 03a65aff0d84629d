// The mix of a conference in plain JavaScript, as fast as one can reasonably write it: one total, from which every voice
// is taken away. The baseline of the SIMD kernel.

const LOUDEST = 16;
const KNEE = Math.fround(Math.SQRT1_2);
const HEADROOM = 1 - KNEE;

/** Levels of a fixed number of voices and what each of them is to hear, at gains of one. */
export class PlainMixMinus {
  readonly powers: Float64Array;
  readonly peaks: Float64Array;
  readonly #total: Float32Array;

  constructor(samples: number, voices: number) {
    this.#total = new Float32Array(samples);
    this.powers = new Float64Array(voices);
    this.peaks = new Float64Array(voices);
  }

  /** A fresh output for every voice. */
  mix(voices: readonly Float32Array[]): Float32Array[] {
    const total = this.#total.fill(0);
    voices.forEach((voice, index) => {
      this.#add(voice, index);
    });
    return voices.map((voice) => {
      const out = new Float32Array(total.length);
      for (let i = 0; i < out.length; i++) {
        const own = voice[i] as number;
        const rest = (total[i] as number) - (own > -LOUDEST && own < LOUDEST ? own : 0);
        out[i] = rest <= KNEE && rest >= -KNEE ? rest : limit(rest);
      }
      return out;
    });
  }

  #add(voice: Float32Array, index: number): void {
    const total = this.#total;
    let peak = 0;
    let squares = 0;
    for (let i = 0; i < total.length; i++) {
      const sample = voice[i] as number;
      const size = Math.abs(sample);
      if (!(size < LOUDEST)) continue;
      if (size > peak) peak = size;
      squares += sample * sample;
      total[i] = (total[i] as number) + sample;
    }
    this.peaks[index] = peak;
    this.powers[index] = squares / total.length;
  }
}

function limit(sample: number): number {
  const v = (Math.abs(sample) - KNEE) / HEADROOM;
  const size = KNEE + (HEADROOM * v) / Math.sqrt(1 + v * v);
  return sample < 0 ? -size : size;
}
