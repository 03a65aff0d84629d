// The node that brings sound to another sample rate and number of channels. Pure.
import { Resampler } from "../../media/resampler.ts";
import type { ResamplerQuality } from "../../media/resampler.ts";
import type { Emit, NodeFactory } from "../node.ts";
import { AudioStreams, soundAt } from "./audio-streams.ts";
import type { AudioBlock, AudioFormat, AudioStream } from "./audio-streams.ts";
import { HeldPlaces } from "./held-places.ts";

/** Parameters of `Resample`. */
export type ResampleParams = {
  targetRate: number;
  quality: ResamplerQuality;
  channels: "same" | number;
};

class ResampleStream implements AudioStream {
  readonly #resampler: Resampler;
  readonly #places = new HeldPlaces();
  /** Samples per channel made since the last flush. */
  #made = 0;

  constructor({ sampleRate, channels }: AudioFormat, params: ResampleParams) {
    this.#resampler = new Resampler({
      inputRate: sampleRate,
      inputChannels: channels,
      outputRate: params.targetRate,
      outputChannels: params.channels === "same" ? channels : params.channels,
      quality: params.quality,
    });
  }

  process(block: AudioBlock, emit: Emit): void {
    this.#places.push(block);
    this.#send(this.#resampler.process(block.input.data.samples), emit);
  }

  flush(emit: Emit): void {
    const rest = this.#resampler.flush();
    if (this.#places.end > 0) this.#send(rest, emit);
    this.#places.clear();
    this.#made = 0;
  }

  #send(samples: Float32Array, emit: Emit): void {
    if (samples.length === 0) return;
    const { inputRate, outputRate: sampleRate, outputChannels: channels } = this.#resampler.options;
    const place = this.#places.at((this.#made * inputRate) / sampleRate);
    this.#made += samples.length / channels;
    if (place !== undefined) void emit(soundAt(place, samples, { sampleRate, channels }));
  }
}

/**
 * Sound in, the same sound at `targetRate` and with `channels` out. Output sample k stands exactly at input time
 * k / `targetRate`, and the labels say so; the filter waits for a little of the input that follows, below 5 ms from
 * 8000 Hz. That last bit of a stream comes when the pipeline is closed, at a gap in the capture times, or before
 * another format. To fewer channels, each output is the mean of the inputs whose number leaves the same rest (of all for
 * mono); to more, they repeat in turn. Sound of the wanted format passes as it is.
 */
export const resampleNode: NodeFactory<ResampleParams> = {
  type: "Resample",
  aliases: ["FastResample"],
  description: "Brings sound to a sample rate and a number of channels.",
  schema: {
    type: "object",
    properties: {
      targetRate: {
        description: "Sample rate of the outputs, Hz.",
        type: "integer",
        minimum: 8_000,
        maximum: 192_000,
      },
      quality: {
        description:
          "How well other frequencies are kept out: low 60 dB and passing 0.7 of the band, medium 80 dB and 0.8, high 90 dB and 0.85; each costs up to twice as much as the one before.",
        type: "string",
        enum: ["low", "medium", "high"],
        default: "medium",
      },
      channels: {
        description: "Channels of the outputs, 1 to 8, or same: as many as the inputs have.",
        enum: ["same", 1, 2, 3, 4, 5, 6, 7, 8],
        default: "same",
      },
    },
    required: ["targetRate"],
  },
  accepts: ["audio"],
  emits: ["audio"],
  create: ({ params }) =>
    new AudioStreams({ open: (format) => streamFor(format, params), flushAtGaps: true }),
};

function streamFor(format: AudioFormat, params: ResampleParams): AudioStream {
  const sameRate = format.sampleRate === params.targetRate;
  const sameChannels = params.channels === "same" || params.channels === format.channels;
  if (sameRate && sameChannels) return { process: ({ input }, emit) => void emit(input) };
  return new ResampleStream(format, params);
}
