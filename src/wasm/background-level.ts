// What counts as background in a stream of sound: its quietest moments, remembered for a while.

/** The remembered minimum rises by so much, so that it follows a room that gets louder: 3 dB/s, as power. */
const RISE_PER_SECOND = 2;
/** Background reaches this far above the minimum: 6 dB, as power. */
const MARGIN = 4;
/** Whatever is louder, -36 dBFS, is not background: a held note is nobody's silence. */
const LOUDEST_POWER = 2.5e-4;
/** Whatever is quieter, -60 dBFS, is silence. */
const SILENCE_POWER = 1e-6;

/** Tracks the level of the background: falls at once, rises slowly. */
export class BackgroundLevel {
  /** Mean square of the quietest block of late. */
  #minimum: number | undefined;

  /** Take notice of a block of samples that lasts so many seconds. */
  hear(samples: Float32Array, seconds: number): void {
    let sum = 0;
    for (let i = 0; i < samples.length; i++) sum += (samples[i] as number) * (samples[i] as number);
    const power = sum / samples.length;
    // What is no number is no level.
    if (!Number.isFinite(power)) return;
    const risen = this.#minimum === undefined ? power : this.#minimum * RISE_PER_SECOND ** seconds;
    // From absolute silence no factor leads up again.
    this.#minimum = Math.max(Math.min(power, risen), SILENCE_POWER / MARGIN);
  }

  /** Whether sound of this mean square is background. */
  covers(power: number): boolean {
    const limit = Math.min(LOUDEST_POWER, MARGIN * (this.#minimum ?? 0));
    return power < Math.max(SILENCE_POWER, limit);
  }

  /** Forget what was heard. */
  reset(): void {
    this.#minimum = undefined;
  }
}
