// The node that never lets sound get louder than a ceiling: it sees peaks coming and turns down before them. Pure.
import type { Emit, NodeFactory } from "../node.ts";
import { AudioStreams, soundAt } from "./audio-streams.ts";
import type { AudioBlock, AudioFormat, AudioStream } from "./audio-streams.ts";
import { HeldPlaces } from "./held-places.ts";
import { LimiterGain } from "./limiter-gain.ts";

/** Parameters of `Limiter`. */
export type LimiterParams = {
  ceilingDb: number;
  lookaheadMs: number;
  releaseMs: number;
};

class LimiterStream implements AudioStream {
  readonly #channels: number;
  readonly #ceiling: number;
  readonly #gain: LimiterGain;
  readonly #places = new HeldPlaces();
  /** The samples that wait and the newest, as a ring. */
  readonly #ring: Float32Array;
  /** Samples per channel since the last flush, silence of the flush and all. */
  #taken = 0;

  constructor({ sampleRate, channels }: AudioFormat, { ceilingDb, lookaheadMs, releaseMs }: LimiterParams) {
    const lookahead = Math.round((lookaheadMs * sampleRate) / 1000);
    this.#channels = channels;
    this.#ceiling = floatUpTo(10 ** (ceilingDb / 20));
    this.#gain = new LimiterGain(lookahead, (releaseMs * sampleRate) / 1000);
    this.#ring = new Float32Array((lookahead + 1) * channels);
  }

  process(block: AudioBlock, emit: Emit): void {
    this.#places.push(block);
    this.#work(block.input.data.samples, emit);
  }

  flush(emit: Emit): void {
    this.#work(new Float32Array(this.#gain.lookahead * this.#channels), emit);
    this.#gain.clear();
    this.#places.clear();
    this.#taken = 0;
  }

  /** What comes out lags by the look-ahead; silence before the beginning does not come out. */
  #work(samples: Float32Array, emit: Emit): void {
    const channels = this.#channels;
    const { lookahead } = this.#gain;
    const start = Math.max(0, this.#taken - lookahead);
    const end = Math.max(0, this.#taken + samples.length / channels - lookahead);
    const out = new Float32Array((end - start) * channels);
    let outAt = 0;
    for (let at = 0; at < samples.length; at += channels) {
      const gain = this.#gain.push(this.#take(samples, at));
      if (this.#taken++ < lookahead) continue;
      // The slot behind the newest sample holds the oldest.
      let slot = (this.#taken % (lookahead + 1)) * channels;
      for (let channel = 0; channel < channels; channel++) {
        const value = (this.#ring[slot++] as number) * gain;
        // Rounding alone could get above the ceiling.
        out[outAt++] = Math.max(-this.#ceiling, Math.min(this.#ceiling, value));
      }
    }
    const place = out.length > 0 ? this.#places.at(start) : undefined;
    if (place !== undefined) void emit(soundAt(place, out));
  }

  /** Keep a sample of every channel. @returns the gain that the loudest of them allows */
  #take(samples: Float32Array, at: number): number {
    let slot = (this.#taken % (this.#gain.lookahead + 1)) * this.#channels;
    let peak = 0;
    for (let i = at; i < at + this.#channels; i++) {
      const value = samples[i] as number;
      this.#ring[slot++] = value;
      peak = Math.max(peak, Math.abs(value));
    }
    return peak > this.#ceiling ? this.#ceiling / peak : 1;
  }
}

/**
 * Sound in, the same sound out, no sample above the ceiling. It comes out `lookaheadMs` later, with the capture times it
 * had; its first block is shorter by that, and the end of a stream comes when the pipeline is closed, at a gap in the
 * capture times, or before another format. One gain for all channels of a stream: the loudest counts. Sound that stays
 * below the ceiling is not changed.
 */
export const limiterNode: NodeFactory<LimiterParams> = {
  type: "Limiter",
  description:
    "Keeps sound below a ceiling without distortion: peaks are seen before they come; all channels together. Adds a delay of lookahead_ms.",
  schema: {
    type: "object",
    properties: {
      ceilingDb: {
        description: "Largest magnitude that comes out, dBFS.",
        type: "number",
        minimum: -60,
        maximum: 0,
        default: -1,
      },
      lookaheadMs: {
        description: "Time in which the gain goes down before a peak, and by which sound is delayed, ms.",
        type: "number",
        minimum: 0,
        maximum: 20,
        default: 2,
      },
      releaseMs: {
        description: "Time in which the gain comes 63 % of the way back after a peak, ms.",
        type: "number",
        minimum: 0,
        maximum: 5_000,
        default: 50,
      },
    },
  },
  accepts: ["audio"],
  emits: ["audio"],
  create: ({ params }) =>
    new AudioStreams({ open: (format) => new LimiterStream(format, params), flushAtGaps: true }),
};

/** The largest 32-bit number that is not above `value`, > 0. */
function floatUpTo(value: number): number {
  const nearest = Math.fround(value);
  return nearest <= value ? nearest : Math.fround(nearest * (1 - 2 ** -24));
}
