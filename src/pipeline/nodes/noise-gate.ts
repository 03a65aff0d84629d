// The node that keeps the noise between words away. Pure.
import type { Emit, NodeFactory } from "../node.ts";
import { AudioStreams, soundAt } from "./audio-streams.ts";
import type { AudioBlock, AudioFormat, AudioStream } from "./audio-streams.ts";

/** Parameters of `NoiseGate`. */
export type NoiseGateParams = {
  thresholdDb: number;
  hysteresisDb: number;
  attackMs: number;
  holdMs: number;
  releaseMs: number;
  rangeDb: number;
};

class NoiseGateStream implements AudioStream {
  readonly #channels: number;
  /** Magnitudes from which it opens, and which keep it open. */
  readonly #openAt: number;
  readonly #keepAt: number;
  readonly #holdFrames: number;
  /** Gain when closed. */
  readonly #floor: number;
  /** Added to the gain, and multiplied with it, by each sample. */
  readonly #rise: number;
  readonly #fall: number;
  #gain: number;
  /** Samples for which it stays open; 0: it is closed or closes. */
  #left = 0;

  constructor({ sampleRate, channels }: AudioFormat, params: NoiseGateParams) {
    const framesOf = (ms: number): number => Math.round((ms * sampleRate) / 1000);
    this.#channels = channels;
    this.#openAt = 10 ** (params.thresholdDb / 20);
    this.#keepAt = 10 ** ((params.thresholdDb - params.hysteresisDb) / 20);
    this.#holdFrames = Math.max(1, framesOf(params.holdMs));
    this.#floor = 10 ** (params.rangeDb / 20);
    this.#rise = (1 - this.#floor) / Math.max(1, framesOf(params.attackMs));
    this.#fall = this.#floor ** (1 / Math.max(1, framesOf(params.releaseMs)));
    this.#gain = this.#floor;
  }

  process(block: AudioBlock, emit: Emit): void {
    const { samples } = block.input.data;
    const out = new Float32Array(samples.length);
    for (let at = 0; at < samples.length; at += this.#channels) {
      const gain = this.#gainFor(peakOf(samples, at, this.#channels));
      for (let i = at; i < at + this.#channels; i++) out[i] = (samples[i] as number) * gain;
    }
    void emit(soundAt(block, out));
  }

  #gainFor(peak: number): number {
    if (peak >= (this.#left > 0 ? this.#keepAt : this.#openAt)) this.#left = this.#holdFrames;
    else if (this.#left > 0) this.#left--;
    this.#gain =
      this.#left > 0 ? Math.min(1, this.#gain + this.#rise) : Math.max(this.#floor, this.#gain * this.#fall);
    return this.#gain;
  }
}

/**
 * Sound in, the same blocks out, softer by `rangeDb` while the gate is closed. One gate for all channels of a stream:
 * the loudest counts. A stream begins with the gate closed. Adds no delay.
 */
export const noiseGateNode: NodeFactory<NoiseGateParams> = {
  type: "NoiseGate",
  description: "Turns sound down while no channel of it is louder than a threshold; all channels together.",
  schema: {
    type: "object",
    properties: {
      thresholdDb: {
        description: "Magnitude from which the gate opens, dBFS.",
        type: "number",
        minimum: -100,
        maximum: 0,
        default: -45,
      },
      hysteresisDb: {
        description: "By how much below the threshold a magnitude still keeps the gate open, dB.",
        type: "number",
        minimum: 0,
        maximum: 40,
        default: 6,
      },
      attackMs: {
        description: "Time from closed to open, ms; the gain grows linearly.",
        type: "number",
        minimum: 0,
        maximum: 500,
        default: 2,
      },
      holdMs: {
        description: "How long the gate stays open after the last magnitude that keeps it open, ms.",
        type: "number",
        minimum: 0,
        maximum: 10_000,
        default: 50,
      },
      releaseMs: {
        description: "Time from open to closed, ms; the gain falls by equal dB.",
        type: "number",
        minimum: 0,
        maximum: 10_000,
        default: 100,
      },
      rangeDb: {
        description: "Gain when closed, dB; 0 leaves the sound as it is.",
        type: "number",
        minimum: -120,
        maximum: 0,
        default: -80,
      },
    },
  },
  accepts: ["audio"],
  emits: ["audio"],
  create: ({ params }) => new AudioStreams({ open: (format) => new NoiseGateStream(format, params) }),
};

function peakOf(samples: Float32Array, at: number, channels: number): number {
  let peak = 0;
  for (let i = at; i < at + channels; i++) peak = Math.max(peak, Math.abs(samples[i] as number));
  return peak;
}
