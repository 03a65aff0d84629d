// A speaker for tests of time scaling: glottal pulses through formants, hissed consonants, pauses with the noise of a
// room. Rosenberg pulses (A. Rosenberg, JASA 49, 1971), pitch jitter of a healthy voice.
import { SeededRandom } from "../../src/testing/random.ts";

/** First three formants of a few vowels, Hz. */
const VOWELS = [
  [730, 1090, 2440],
  [270, 2290, 3010],
  [300, 870, 2240],
  [530, 1840, 2480],
  [570, 840, 2410],
] as const;
const BANDWIDTHS = [70, 100, 150] as const;
/** Share of a period, as a standard deviation. */
const JITTER = 0.005;
const NOISE_LEVEL = 0.0005;

/** Parameters of a speaker. */
export interface Speaker {
  readonly seed: number | string;
  readonly sampleRate: number;
  readonly seconds: number;
  /** Mean pitch, Hz. */
  readonly pitchHz: number;
  /** Share of silence between the syllables; 0 for one who never stops. Default 0.3. */
  readonly pauses?: number;
  /** How far the pitch glides, as a factor; 1 for none. Default 1.3. */
  readonly glide?: number;
}

/** Mono, about -20 dBFS while it speaks. */
export function spoken({
  seed,
  sampleRate,
  seconds,
  pitchHz,
  pauses = 0.3,
  glide = 1.3,
}: Speaker): Float32Array {
  const random = new SeededRandom(seed);
  const out = Float32Array.from(
    { length: Math.round(seconds * sampleRate) },
    () => random.normal() * NOISE_LEVEL,
  );
  for (let at = 0; at < out.length;) {
    const length = Math.round(sampleRate * (0.12 + 0.2 * random.next()));
    const pitches = [0, 1].map(() => pitchHz * glide ** (random.next() - 0.5)) as [number, number];
    const hiss = pauses > 0 && random.chance(0.5) ? Math.round(0.07 * sampleRate) : 0;
    at = utter(out, at, hiss, () => random.normal() * 0.02 - 0.02 * random.normal(), 0.3);
    at = utter(out, at, length, vowel(random, sampleRate, pitches, length), 0.2);
    if (random.chance(2 * pauses)) at += Math.round(sampleRate * 0.3 * random.next());
  }
  return out;
}

/** Add `length` samples of a sound with soft edges. Returns where it ends. */
function utter(out: Float32Array, at: number, length: number, sound: () => number, edge: number): number {
  const end = Math.min(out.length, at + length);
  for (let i = at; i < end; i++) {
    const share = (i - at) / length;
    const envelope = Math.min(1, share / edge, (1 - share) / edge);
    out[i] = (out[i] as number) + envelope * sound();
  }
  return end;
}

function vowel(
  random: SeededRandom,
  sampleRate: number,
  [from, to]: [number, number],
  length: number,
): () => number {
  const formants = VOWELS[random.integer(0, VOWELS.length - 1)] as readonly number[];
  const filters = formants.map((hz, i) => resonator(hz, BANDWIDTHS[i] as number, sampleRate));
  let [phase, step, done] = [0, 0, 0];
  const nextStep = (): number =>
    ((from + ((to - from) * done) / length) / sampleRate) * (1 + JITTER * random.normal());
  return () => {
    if (phase === 0 || phase >= 1) {
      phase = phase >= 1 ? phase - 1 : 0;
      step = nextStep();
    }
    const opening = phase < 0.4 ? 0.5 * (1 - Math.cos((Math.PI * phase) / 0.4)) : 0;
    const closing = phase >= 0.4 && phase < 0.56 ? Math.cos(((phase - 0.4) / 0.16) * (Math.PI / 2)) : 0;
    phase += step;
    done++;
    const source = 1.2 * (opening + closing - 0.3) + 0.004 * random.normal();
    return filters.reduce((sum, filter, i) => sum + (i % 2 === 0 ? 1 : -1) * filter(source), 0);
  };
}

function resonator(hz: number, bandwidthHz: number, sampleRate: number): (input: number) => number {
  const radius = Math.exp((-Math.PI * bandwidthHz) / sampleRate);
  const omega = (2 * Math.PI * hz) / sampleRate;
  const a1 = 2 * radius * Math.cos(omega);
  // A gain of about one at the peak, whatever the rate.
  const gain = 2 * (1 - radius) * Math.sin(omega);
  let [y1, y2] = [0, 0];
  return (input) => {
    const output = gain * input + a1 * y1 - radius * radius * y2;
    y2 = y1;
    y1 = output;
    return output;
  };
}
