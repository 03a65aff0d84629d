// The node that cuts sound into blocks of one length. Pure.
import type { Emit, NodeContext, NodeFactory } from "../node.ts";
import { AudioStreams, later, soundAt } from "./audio-streams.ts";
import type { AudioBlock, AudioFormat, AudioStream, Place } from "./audio-streams.ts";

/** Parameters of `AudioChunker`. */
export type AudioChunkerParams = {
  chunkSize: number;
  flushPartial: boolean;
};

class ChunkerStream implements AudioStream {
  readonly #context: NodeContext<AudioChunkerParams>;
  readonly #channels: number;
  /** The chunk that is being filled, its place, and its samples per channel up to now. */
  #chunk: Float32Array;
  #place: Place | undefined;
  #filled = 0;

  constructor({ channels }: AudioFormat, context: NodeContext<AudioChunkerParams>) {
    this.#context = context;
    this.#channels = channels;
    this.#chunk = new Float32Array(context.params.chunkSize * channels);
  }

  process(block: AudioBlock, emit: Emit): void {
    const { chunkSize } = this.#context.params;
    const channels = this.#channels;
    for (let at = 0; at < block.frames;) {
      const place = (this.#place ??= later(block, at));
      const count = Math.min(chunkSize - this.#filled, block.frames - at);
      const part = block.input.data.samples.subarray(at * channels, (at + count) * channels);
      this.#chunk.set(part, this.#filled * channels);
      this.#filled += count;
      at += count;
      if (this.#filled < chunkSize) return;
      void emit(soundAt(place, this.#chunk));
      this.#begin();
    }
  }

  flush(emit: Emit): void {
    const place = this.#place;
    if (place === undefined) return;
    const samples = this.#filled;
    if (this.#context.params.flushPartial) {
      void emit(soundAt(place, this.#chunk.slice(0, samples * this.#channels)));
    } else {
      this.#context.log.debug("audio chunker dropped a partial chunk", { samples });
    }
    this.#begin();
  }

  #begin(): void {
    this.#chunk = new Float32Array(this.#chunk.length);
    this.#place = undefined;
    this.#filled = 0;
  }
}

/**
 * Sound in, blocks of `chunkSize` samples per channel out, each with the capture time of its first sample and the
 * metadata of the input that it lies in. No chunk holds sound from both sides of a gap in the capture times.
 */
export const audioChunkerNode: NodeFactory<AudioChunkerParams> = {
  type: "AudioChunker",
  description: "Cuts sound into blocks of one length.",
  schema: {
    type: "object",
    properties: {
      chunkSize: {
        description: "Length of a chunk, samples per channel.",
        type: "integer",
        minimum: 1,
        maximum: 65_536,
        default: 512,
      },
      flushPartial: {
        description:
          "Whether what is left for less than a chunk at the end, at a gap in the capture times or before another format leaves as a shorter one; else it is dropped.",
        type: "boolean",
        default: true,
      },
    },
  },
  accepts: ["audio"],
  emits: ["audio"],
  create: (context) =>
    new AudioStreams({ open: (format) => new ChunkerStream(format, context), flushAtGaps: true }),
};
