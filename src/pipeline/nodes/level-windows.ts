// Cuts a stream into windows of one length, whatever the length of its blocks, and measures how loud each is. Pure.
import { powerDb } from "../../media/audio-level.ts";
import { later } from "./audio-streams.ts";
import type { AudioBlock, AudioFormat, Place } from "./audio-streams.ts";

/** At this magnitude and beyond a converter of 16 bits has nothing more to give. */
const FULL_SCALE = 32_767 / 32_768;

/** A window that is over. It belongs to whoever is told, during the call. */
export interface LevelWindow {
  readonly place: Place;
  /** Samples per channel; fewer than usual only where the stream broke off. */
  readonly frames: number;
  /** Mean square by channel. */
  readonly powers: Float64Array;
  /** Mean square of all channels. */
  readonly power: number;
  /** Largest magnitude. */
  readonly peak: number;
  /** Samples at full scale, of `frames` times the channels. */
  readonly clipped: number;
}

/** See the header. */
export class LevelWindows {
  /** Samples per channel of a window. */
  readonly frames: number;
  readonly #onWindow: (window: LevelWindow) => void;
  readonly #sums: Float64Array;
  #place: Place | undefined;
  #taken = 0;
  #peak = 0;
  #clipped = 0;

  /** @param windowMs rounded to whole samples, one at least */
  constructor(format: AudioFormat, windowMs: number, onWindow: (window: LevelWindow) => void) {
    this.frames = Math.max(1, Math.round((windowMs * format.sampleRate) / 1000));
    this.#sums = new Float64Array(format.channels);
    this.#onWindow = onWindow;
  }

  /** Take the next block of the stream. */
  push(block: AudioBlock): void {
    for (let at = 0; at < block.frames;) {
      this.#place ??= later(block, at);
      const count = Math.min(this.frames - this.#taken, block.frames - at);
      this.#measure(block.input.data.samples, at, count);
      this.#taken += count;
      at += count;
      if (this.#taken === this.frames) this.#end();
    }
  }

  /** The stream broke off: tell of the window that has begun. */
  flush(): void {
    if (this.#taken > 0) this.#end();
  }

  /** Forget the window that has begun. */
  clear(): void {
    this.#place = undefined;
    this.#sums.fill(0);
    this.#taken = 0;
    this.#peak = 0;
    this.#clipped = 0;
  }

  #measure(samples: Float32Array, at: number, count: number): void {
    const channels = this.#sums.length;
    let peak = this.#peak;
    let clipped = 0;
    for (let channel = 0; channel < channels; channel++) {
      let sum = 0;
      const end = (at + count) * channels;
      for (let i = at * channels + channel; i < end; i += channels) {
        const value = samples[i] as number;
        const magnitude = Math.abs(value);
        sum += value * value;
        if (magnitude > peak) peak = magnitude;
        if (magnitude >= FULL_SCALE) clipped++;
      }
      this.#sums[channel] = (this.#sums[channel] as number) + sum;
    }
    this.#peak = peak;
    this.#clipped += clipped;
  }

  #end(): void {
    const frames = this.#taken;
    const powers = this.#sums.map((sum) => sum / frames);
    const power = powers.reduce((sum, value) => sum + value, 0) / powers.length;
    const window = {
      place: this.#place as Place,
      frames,
      powers,
      power,
      peak: this.#peak,
      clipped: this.#clipped,
    };
    this.clear();
    this.#onWindow(window);
  }
}

/** A mean square in dBFS as reports say it: -127 at least, to a hundredth. */
export function reportedDb(power: number): number {
  return Math.round(powerDb(power) * 100) / 100;
}
