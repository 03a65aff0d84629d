// The last thing that happens to live audio: it is made longer or shorter so that it ends when the next frame is due, and
// resampled so that the sender's clock and ours stay together. Reads no clock.
import { takeSamplesWithin } from "../../runtime/sample-buffers.ts";
import { DriftResampler } from "../../wasm/pcm.ts";
import { TimeScaler } from "../../wasm/time-scale.ts";

const SAMPLE_RATE = 48_000;
/** A ratio this close to one slips a sample in an hour: no reason to begin to resample. */
const RATIO_TOLERANCE = 5e-9;
/** A larger demand is no matter of speed: playout goes on where the sender is. */
const MAX_DEMAND_MS = 200;

/** Samples of the live path. */
export interface PlayedAudio {
  /** Interleaved; the very samples given when nothing had to change, else of `takeSamples`. */
  readonly samples: Float32Array;
  /** Us by which they begin before the first of the samples given. */
  readonly delayUs: number;
}

/** Playout of one stream. Makes scaler and resampler when they are first needed; close it to give their memory back. */
export class LivePlayout {
  /** Samples per channel added and taken out since the beginning. */
  insertedSamples = 0;
  removedSamples = 0;
  readonly #channels: number;
  #scaler: TimeScaler | undefined;
  #resampler: DriftResampler | undefined;
  #demandMs = 0;
  #ratio = 1;
  /** Samples per channel that the resampler has been given. */
  #given = 0;

  constructor(channels: number) {
    this.#channels = channels;
  }

  /**
   * How the next samples play.
   * @param stretchMs to be added to (> 0) or taken out of what follows, besides what was demanded before
   * @param ratio input consumed per output made, 0.98 to 1.02
   */
  steer(stretchMs: number, ratio: number): void {
    this.#ratio = ratio;
    this.#demandMs += stretchMs;
    if (Math.abs(this.#demandMs) > MAX_DEMAND_MS) this.#demandMs = 0;
  }

  /** Play the next samples, interleaved; they are read, not kept. */
  play(samples: Float32Array): PlayedAudio {
    return this.#resample(this.#scale(samples));
  }

  /** Another timeline begins. */
  reset(): void {
    this.#demandMs = 0;
    this.#ratio = 1;
    this.#given = 0;
    this.#scaler?.reset();
    this.#resampler?.reset();
  }

  /** Idempotent. */
  close(): void {
    this.#scaler?.close();
    this.#resampler?.close();
    this.#scaler = undefined;
    this.#resampler = undefined;
  }

  #scale(samples: Float32Array): Float32Array {
    if (this.#demandMs !== 0) {
      this.#scaler ??= new TimeScaler({ sampleRate: SAMPLE_RATE, channels: this.#channels });
    }
    // Once there is a scaler it hears everything: what it splices must resemble what came before.
    const scaled = this.#scaler?.process(samples, this.#demandMs);
    if (scaled === undefined) return samples;
    this.#demandMs -= scaled.changedMs;
    if (scaled.changedSamples > 0) this.insertedSamples += scaled.changedSamples;
    else this.removedSamples -= scaled.changedSamples;
    return scaled.samples;
  }

  #resample(samples: Float32Array): PlayedAudio {
    if (this.#resampler === undefined && Math.abs(this.#ratio - 1) > RATIO_TOLERANCE) {
      this.#resampler = new DriftResampler({ channels: this.#channels });
    }
    const resampler = this.#resampler;
    if (resampler === undefined) return { samples, delayUs: 0 };
    const delayUs = ((this.#given - resampler.positionSamples) * 1e6) / SAMPLE_RATE;
    this.#given += samples.length / this.#channels;
    return { samples: resampler.process(samples, 1 / this.#ratio, takeSamplesWithin), delayUs };
  }
}
