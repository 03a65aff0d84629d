// A seeded voice-like signal that never repeats: glottal pulses of wandering pitch and breath through moving
// formants, in syllables with short pauses. It never depends on the block sizes it is asked for.

/** Sample rate of everything the demo generates, measures and records, in Hz. */
export const SAMPLE_RATE = 48_000;

/** Pitch, formants and level are renewed this often, in samples (1.33 ms): finer is inaudible, and dearer. */
const CONTROL_SAMPLES = 64;

/** Formant frequencies (F1 F2 F3, Hz) of the vowels it babbles, for a long vocal tract. */
const VOWELS: readonly (readonly [number, number, number])[] = [
  [730, 1090, 2440],
  [350, 2290, 3010],
  [380, 1000, 2240],
  [530, 1840, 2480],
  [570, 840, 2410],
  [660, 1720, 2410],
  [490, 1350, 1690],
];
/** Formant bandwidths, Hz; on the wide side of speech, for narrow ones make all voices alike. */
const BANDWIDTHS = [160, 200, 260] as const;

/** Longest pause between syllables, in ms: every 400 ms window holds speech. */
const MAX_PAUSE_MS = 150;

/** Brings speech to about -20 dBFS, as a well set microphone does. */
const OUTPUT_GAIN = 0.07;

/** A deterministic stream of numbers in [0, 1), equal for equal seeds (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * Below this, Hz, a microphone hears little. Pulses that all have one sign would make a swell there instead, which Opus
 * takes away, as it takes all below 3 Hz: what is left would look unlike what was sent, the more voices the more so.
 */
const MICROPHONE_HZ = 40;
const MICROPHONE_DECAY = Math.exp((-2 * Math.PI * MICROPHONE_HZ) / SAMPLE_RATE);

interface Syllable {
  samples: number;
  pauseSamples: number;
  consonantSamples: number;
  level: number;
  startPitchHz: number;
  endPitchHz: number;
  from: readonly [number, number, number];
  to: readonly [number, number, number];
}

/** A two-pole resonator; its pole moves without clicks because its state is kept. */
class Resonator {
  #a1 = 0;
  #a2 = 0;
  #gain = 0;
  #y1 = 0;
  #y2 = 0;

  tune(frequencyHz: number, bandwidthHz: number): void {
    const radius = Math.exp((-Math.PI * bandwidthHz) / SAMPLE_RATE);
    this.#a1 = 2 * radius * Math.cos((2 * Math.PI * frequencyHz) / SAMPLE_RATE);
    this.#a2 = -radius * radius;
    this.#gain = 1 - radius;
  }

  step(input: number): number {
    const output = this.#gain * input + this.#a1 * this.#y1 + this.#a2 * this.#y2;
    this.#y2 = this.#y1;
    this.#y1 = output;
    return output;
  }
}

/** Takes away what is lower than sound: a one-pole high-pass. */
class HighPass {
  #input = 0;
  #output = 0;

  step(input: number): number {
    this.#output = MICROPHONE_DECAY * (this.#output + input - this.#input);
    this.#input = input;
    return this.#output;
  }
}

/** One speaker, made from a seed; different seeds are different speakers saying different things. */
export class Voice {
  readonly #random: () => number;
  readonly #basePitchHz: number;
  readonly #tract: number;
  readonly #formants = [new Resonator(), new Resonator(), new Resonator()] as const;
  readonly #microphone = [new HighPass(), new HighPass()] as const;
  #syllable: Syllable;
  #position = 0;
  #pitchHz: number;
  #samplesToPulse = 0;
  #level = 0;
  #consonant = 0;
  #lastNoise = 0;

  /** @param seed any integer; the same seed gives the same samples */
  constructor(seed: number) {
    this.#random = seededRandom(Math.imul(seed, 0x9e3779b1) ^ 0x51f15eed);
    this.#basePitchHz = this.#between(100, 230);
    this.#tract = this.#between(0.9, 1.2);
    this.#pitchHz = this.#basePitchHz;
    this.#syllable = this.#nextSyllable(this.#vowel());
  }

  /** The next `frames` samples: mono, 48 kHz, within (-1, 1). */
  next(frames: number): Float32Array {
    const block = new Float32Array(frames);
    for (let i = 0; i < frames; i++) block[i] = this.#sample();
    return block;
  }

  #sample(): number {
    if (this.#position >= this.#syllable.samples + this.#syllable.pauseSamples) {
      this.#syllable = this.#nextSyllable(this.#syllable.to);
      this.#position = 0;
    }
    if (this.#position % CONTROL_SAMPLES === 0) this.#control();
    this.#position++;

    const noise = this.#random() * 2 - 1;
    const source = (this.#pulse() + noise * 3.5) * this.#level * (1 - this.#consonant);
    // The sign of the second keeps parallel resonators from cancelling between two formants.
    const [first, second, third] = this.#formants;
    const voiced = first.step(source) - 0.9 * second.step(source) + 0.6 * third.step(source);
    // The difference of white noise rises with frequency, as a fricative does.
    const hiss = (noise - this.#lastNoise) * 0.12 * this.#consonant * this.#level;
    this.#lastNoise = noise;
    const [once, twice] = this.#microphone;
    return Math.tanh(OUTPUT_GAIN * twice.step(once.step(voiced + hiss)));
  }

  /** An impulse per glottal cycle; each cycle's length differs a little, so no two are alike. */
  #pulse(): number {
    this.#samplesToPulse--;
    if (this.#samplesToPulse > 0) return 0;
    const cycle = SAMPLE_RATE / this.#pitchHz;
    this.#samplesToPulse += Math.max(1, cycle * this.#between(0.9, 1.1));
    return Math.sqrt(cycle) * this.#between(2.2, 3.4);
  }

  #control(): void {
    const { samples, consonantSamples, level, startPitchHz, endPitchHz, from, to } = this.#syllable;
    const progress = Math.min(1, this.#position / samples);
    const glide = progress * progress * (3 - 2 * progress);
    this.#pitchHz = startPitchHz + (endPitchHz - startPitchHz) * glide;
    const attack = Math.min(1, this.#position / (0.02 * SAMPLE_RATE));
    const release = Math.min(1, Math.max(0, samples - this.#position) / (0.05 * SAMPLE_RATE));
    this.#level = level * Math.min(attack, release);
    this.#consonant = this.#position < consonantSamples ? 1 - this.#position / consonantSamples : 0;
    for (let f = 0; f < 3; f++) {
      const hz = ((from[f] ?? 0) + ((to[f] ?? 0) - (from[f] ?? 0)) * glide) * this.#tract;
      this.#formants[f]?.tune(hz, BANDWIDTHS[f] ?? 0);
    }
  }

  #nextSyllable(from: readonly [number, number, number]): Syllable {
    const pauses = this.#random() < 0.3;
    return {
      samples: this.#samples(90, 220),
      pauseSamples: pauses ? this.#samples(30, MAX_PAUSE_MS) : 0,
      consonantSamples: this.#samples(15, 70),
      level: this.#between(0.5, 1),
      startPitchHz: this.#basePitchHz * this.#between(0.75, 1.4),
      endPitchHz: this.#basePitchHz * this.#between(0.75, 1.4),
      from,
      to: this.#vowel(),
    };
  }

  #vowel(): readonly [number, number, number] {
    const vowel = VOWELS[Math.floor(this.#random() * VOWELS.length)] ?? [500, 1500, 2500];
    return [vowel[0] * this.#between(0.9, 1.1), vowel[1] * this.#between(0.9, 1.1), vowel[2]];
  }

  #samples(fromMs: number, toMs: number): number {
    return Math.round((this.#between(fromMs, toMs) * SAMPLE_RATE) / 1000);
  }

  #between(low: number, high: number): number {
    return low + (high - low) * this.#random();
  }
}
