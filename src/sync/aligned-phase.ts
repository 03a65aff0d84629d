// At which ratio one peer's samples are resampled so that they come to lie where their capture times say. Pure numbers.

/** Clocks of real devices differ by 1500 ppm at most; a little more, since the ratio is one over that. */
const MAX_DRIFT = 1600e-6;
/** What corrections of the phase may bend the pitch: 300 ppm are half a hundredth of a semitone. */
const MAX_TRIM = 300e-6;
/** Errors of more than this many seconds may bend it in proportion, up to what a rate may be off: they would last. */
const LARGE_ERROR_S = 0.001;
/** Seconds in which a phase error fades to a third. */
const SETTLE_S = 0.5;
/** Between two looks at the rate, seconds: capture times have steps of 0.25 us, here 1 ppm. */
const LOOK_S = 0.2;
/** Looks of which the middle one counts. */
const LOOKS = 31;

/**
 * Capture times of frames in, resampling ratio out. The rate is the median of the last six seconds: the times themselves
 * are corrected now and then, quickly and for a short while, which says nothing of the rate. What is left of the phase
 * error fades at 300 ppm, faster only beyond a millisecond.
 */
export class AlignedPhase {
  readonly #sampleRate: number;
  /** Outputs per input, less one. */
  #drift = 0;
  readonly #looks: number[] = [];
  #lookPlace = 0;
  #lookInputs = 0;

  /** @param sampleRate Hz */
  constructor(sampleRate: number) {
    this.#sampleRate = sampleRate;
  }

  /**
   * Start anew at input 0.
   * @param place where it belongs, in samples of our clock
   * @param driftPpm a first guess: the sender's media clock against ours, > 0 fast
   */
  begin(place: number, driftPpm: number): void {
    this.#drift = clamp(-driftPpm * 1e-6, MAX_DRIFT);
    this.#looks.length = 0;
    this.#lookPlace = place;
    this.#lookInputs = 0;
  }

  /** The input of this number belongs at `place`. Numbers rise. */
  observe(place: number, inputs: number): void {
    const since = inputs - this.#lookInputs;
    if (since < LOOK_S * this.#sampleRate) return;
    this.#looks.push((place - this.#lookPlace) / since - 1);
    if (this.#looks.length > LOOKS) this.#looks.shift();
    this.#lookPlace = place;
    this.#lookInputs = inputs;
    const sorted = Float64Array.from(this.#looks).sort();
    this.#drift = clamp(sorted[sorted.length >> 1] as number, MAX_DRIFT);
  }

  /**
   * The ratio for the next inputs, outputs per input.
   * @param errorSamples by how much the next output comes too early, in outputs
   */
  ratio(errorSamples: number): number {
    const size = Math.max(1, Math.abs(errorSamples) / (LARGE_ERROR_S * this.#sampleRate));
    const limit = Math.min(MAX_DRIFT, MAX_TRIM * size);
    return 1 + this.#drift + clamp(errorSamples / (SETTLE_S * this.#sampleRate), limit);
  }

  /** What the sender's rate is taken to be, ppm, > 0 fast. */
  get driftPpm(): number {
    return -this.#drift * 1e6;
  }
}

function clamp(value: number, size: number): number {
  return Math.min(size, Math.max(-size, value));
}
