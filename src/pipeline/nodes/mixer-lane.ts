// One input of a mixer on the grid of capture times: its samples where they were captured, its beginnings and ends
// faded, kept until their block leaves. Pure; reads no clock.

/** Beginnings, ends and seams take this long: no click, and no syllable lost. */
const FADE_MS = 5;
/** Labels that are off by more mean a gap or another place; less is the jitter of labels. */
const STEP_MS = 8;
/** How far a stream may run beside its labels on average before it is put right, as timelines step beyond this. */
const TOLERANCE_MS = 5;
/** Frames over which the labels are averaged. */
const AVERAGED_FRAMES = 8;

/** Places are sample numbers: capture time in seconds times the sample rate. */
export class MixerLane {
  readonly #fade: number;
  readonly #step: number;
  readonly #tolerance: number;
  /** Sound from place `#base` on; zeros behind what is known. */
  #window = new Float32Array(0);
  #base: number;
  /** Of the sample that follows the last one that came; NaN before the first. */
  #position = Number.NaN;
  #end = -Infinity;
  /** How far labels lie behind the running position, samples, on average. */
  #error = 0;
  /** The last sample, from which a sound that breaks off fades. */
  #last = 0;
  #broken = true;
  /** Samples of a beginning that are still to be faded in. */
  #fading = 0;
  #lateSamples = 0;
  #lostSamples = 0;

  /** @param base places before it have left */
  constructor(sampleRate: number, base: number) {
    this.#fade = Math.round((FADE_MS * sampleRate) / 1000);
    this.#step = (STEP_MS * sampleRate) / 1000;
    this.#tolerance = (TOLERANCE_MS * sampleRate) / 1000;
    this.#base = base;
  }

  /** Place behind the last sample that was kept; -Infinity before the first. Nothing is known of what follows. */
  get end(): number {
    return this.#end;
  }

  /** Place behind the last sound that has not left, fade and all; -Infinity when all is gone. */
  get reach(): number {
    const reach = this.#end + (this.#broken ? this.#fade : 0);
    return reach > this.#base ? reach : -Infinity;
  }

  /** Where a frame without a capture time goes on; NaN before the first frame. */
  get position(): number {
    return this.#position;
  }

  /** Samples that came after their place had left, or had been filled. */
  get lateSamples(): number {
    return this.#lateSamples;
  }

  /** Those of the last frames, as long as no sample was in time. */
  get lostSamples(): number {
    return this.#lostSamples;
  }

  /**
   * Put in the next frame; its samples are read, not kept.
   * @param place of its first sample by its label, a whole number
   */
  write(place: number, samples: Float32Array): void {
    const start = this.#startOf(place);
    this.#position = start + samples.length;
    const skip = Math.max(this.#end - start, this.#base - start, 0);
    this.#lateSamples += Math.min(skip, samples.length);
    if (skip >= samples.length) {
      this.#lostSamples += samples.length;
      return;
    }
    this.#lostSamples = 0;
    if (this.#broken || start !== this.#end) {
      this.#breakOff();
      this.#fading = this.#fade;
    }
    this.#paint(start + skip, samples.subarray(skip));
    this.#end = this.#position;
    this.#broken = false;
  }

  /** Add the next samples to a row, as many as it has; they are gone then. A sound that ends within them fades. */
  take(row: Float32Array): void {
    if (this.#end < this.#base + row.length) this.#breakOff();
    const count = Math.min(row.length, this.#window.length);
    for (let i = 0; i < count; i++) row[i] = (row[i] as number) + (this.#window[i] as number);
    this.#window.copyWithin(0, count);
    this.#window.fill(0, this.#window.length - count);
    this.#base += row.length;
  }

  /** Go to another place; nothing has a sound before it. */
  skipTo(base: number): void {
    this.#breakOff();
    this.#window.fill(0);
    this.#base = base;
  }

  // Labels jitter, samples do not: a frame goes where the last one ended, unless its label says another place.
  #startOf(place: number): number {
    const error = place - this.#position;
    if (!(Math.abs(error) <= this.#step)) {
      this.#error = 0;
      return place;
    }
    this.#error += (error - this.#error) / AVERAGED_FRAMES;
    if (Math.abs(this.#error) <= this.#tolerance) return this.#position;
    const start = Math.round(this.#position + this.#error);
    this.#error = 0;
    return start;
  }

  #paint(place: number, samples: Float32Array): void {
    const offset = place - this.#base;
    this.#makeRoom(offset + samples.length);
    for (let i = 0; i < samples.length; i++) {
      this.#last = samples[i] as number;
      if (this.#fading > 0) this.#last *= 1 - falling(this.#fade - this.#fading--, this.#fade);
      this.#window[offset + i] = (this.#window[offset + i] as number) + this.#last;
    }
  }

  /** Let the last sample fade, once. */
  #breakOff(): void {
    if (this.#broken) return;
    this.#broken = true;
    const offset = this.#end - this.#base;
    if (offset < 0) return;
    this.#makeRoom(offset + this.#fade);
    for (let i = 0; i < this.#fade; i++) {
      const sample = this.#window[offset + i] as number;
      this.#window[offset + i] = sample + this.#last * falling(i, this.#fade);
    }
  }

  #makeRoom(length: number): void {
    if (length <= this.#window.length) return;
    const wider = new Float32Array(Math.max(length, 2 * this.#window.length));
    wider.set(this.#window);
    this.#window = wider;
  }
}

/** A raised cosine from 1 to 0. */
function falling(index: number, length: number): number {
  return 0.5 + 0.5 * Math.cos((Math.PI * (index + 0.5)) / length);
}
