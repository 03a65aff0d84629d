// Frames of any length become frames of one length, rate and channel count, each with the time of its own first sample.
// Joins what belongs together and nothing else. One stream; reads no clock.
import type { AudioFrame, AudioQuality } from "../runtime/data.ts";
import { Resampler } from "./resampler.ts";

/** Ticks a second of RTP timestamps of audio (RFC 7587 section 4.1). */
const CLOCK_RATE = 48_000;
const US_PER_TICK = 1e6 / CLOCK_RATE;

/** A step of the RTP timestamps beyond this, ticks (1 ms), is a gap and no rounding. */
const MAX_STEP_TICKS = 48;

/** From the best to the worst: sound as it was sent, restored, made up, made up where none was sent, nothing. */
const QUALITIES: readonly AudioQuality[] = ["received", "fec", "plc", "cng", "silence"];

/** A frame before a reader's queue has added what that reader misses. */
export type ReceivedFrame = Omit<AudioFrame, "missingBefore">;

/** What a {@link Rechunker} makes. */
export interface ChunkFormat {
  /** Hz, 8000 to 48000; `frameMs` of it must be whole samples. */
  sampleRate: number;
  frameMs: number;
  /** Undefined: as the frames come. */
  channels: 1 | 2 | undefined;
}

/** An input frame that still has samples to be told about. */
interface Source {
  readonly frame: ReceivedFrame;
  /** Where it begins and how long it is, in input samples per channel since the stretch began. */
  readonly start: number;
  readonly length: number;
}

/** See the header. */
export class Rechunker {
  readonly #format: ChunkFormat;
  readonly #chunkSamples: number;
  #resampler: Resampler | undefined;
  /** Format of the stretch: what came without a gap. Undefined before the first frame. */
  #input: { sampleRate: number; channels: 1 | 2 } | undefined;
  /** RTP timestamp behind the last frame. */
  #expected = 0;
  /** Input samples per channel in the stretch. */
  #taken = 0;
  /** Samples per channel made of the stretch and handed out. */
  #given = 0;
  /** The beginning of the next chunk. */
  #pending: Float32Array;
  #pendingSamples = 0;
  #dropped = 0;
  readonly #sources: Source[] = [];

  constructor(format: ChunkFormat) {
    this.#format = format;
    this.#chunkSamples = (format.sampleRate * format.frameMs) / 1000;
    this.#pending = new Float32Array(0);
  }

  /** Samples per channel, at the output rate, that wait for others to make a chunk. */
  get pendingSamples(): number {
    return this.#pendingSamples;
  }

  /** Samples per channel, at the output rate, that were left over before gaps: no chunk could be made of them. */
  get droppedSamples(): number {
    return this.#dropped;
  }

  /**
   * Take the next frame.
   *
   * A step of the RTP timestamps that `rtpTicks` does not explain, and another format, end what came before: less than a
   * chunk that is left of it is dropped, so that no chunk holds samples from both sides. A step of the capture times
   * alone (`timelineEpoch`) is no gap in the sound: a chunk has the epoch of its first sample.
   *
   * @returns the chunks it completes; the very frame when it is one already and nothing waits
   */
  push(frame: ReceivedFrame): ReceivedFrame[] {
    const { sampleRate, channels, samples } = frame;
    const length = samples.length / channels;
    const step = (frame.rtpTimestamp - this.#expected) | 0;
    const { sampleRate: rate, channels: width } = this.#input ?? {};
    if (rate !== sampleRate || width !== channels || Math.abs(step) > MAX_STEP_TICKS) this.#restart(frame);
    this.#expected = (frame.rtpTimestamp + frame.rtpTicks) >>> 0;
    if (this.#isChunk(frame, length)) return [frame];
    if (length > 0) this.#sources.push({ frame, start: this.#taken, length });
    this.#taken += length;
    return this.#cut(this.#resampler?.process(samples) ?? samples);
  }

  /** Whether a frame is what readers want and can go through as it is. */
  #isChunk({ sampleRate, channels }: ReceivedFrame, length: number): boolean {
    if (this.#pendingSamples > 0 || sampleRate !== this.#format.sampleRate) return false;
    return length === this.#chunkSamples && channels === (this.#format.channels ?? channels);
  }

  /** Begin a new stretch with `frame`. */
  #restart({ sampleRate, channels }: ReceivedFrame): void {
    const from = this.#input;
    this.#dropped += this.#pendingSamples;
    this.#pendingSamples = 0;
    this.#taken = 0;
    this.#given = 0;
    this.#sources.length = 0;
    if (from?.sampleRate === sampleRate && from.channels === channels) {
      this.#resampler?.flush();
      return;
    }
    const inputChannels = channels as 1 | 2;
    this.#input = { sampleRate, channels: inputChannels };
    const { sampleRate: outputRate, channels: outputChannels = inputChannels } = this.#format;
    const same = sampleRate === outputRate && channels === outputChannels;
    this.#resampler = same
      ? undefined
      : new Resampler({ inputRate: sampleRate, inputChannels, outputRate, outputChannels });
    this.#pending = new Float32Array(this.#chunkSamples * outputChannels);
  }

  /** Append samples of the output format; every full chunk leaves. */
  #cut(samples: Float32Array): ReceivedFrame[] {
    const chunks: ReceivedFrame[] = [];
    const channels = this.#pending.length / this.#chunkSamples;
    const total = samples.length / channels;
    for (let taken = 0; taken < total;) {
      const count = Math.min(total - taken, this.#chunkSamples - this.#pendingSamples);
      const part = samples.subarray(taken * channels, (taken + count) * channels);
      this.#pending.set(part, this.#pendingSamples * channels);
      this.#pendingSamples += count;
      taken += count;
      if (this.#pendingSamples < this.#chunkSamples) break;
      chunks.push(this.#label(this.#pending, channels));
      this.#pending = new Float32Array(this.#pending.length);
      this.#pendingSamples = 0;
    }
    return chunks;
  }

  /** Where an output sample lies, in input samples; exact where it meets one. */
  #inputPosition(output: number): number {
    return (output * (this.#input?.sampleRate ?? 0)) / this.#format.sampleRate;
  }

  /** Give a chunk its place in time and what is to be said of the frames it is made of. */
  #label(samples: Float32Array, channels: number): ReceivedFrame {
    const start = this.#inputPosition(this.#given);
    this.#given += this.#chunkSamples;
    const end = this.#inputPosition(this.#given);
    // What ends before this chunk is done with; the last frame is kept, since a resampler's outputs lag behind it.
    while (this.#sources.length > 1 && sourceEnd(this.#sources[0]) <= start) this.#sources.shift();
    const parts = this.#sources.filter((source) => source.start < end);
    const first = parts[0] as Source;
    const last = parts[parts.length - 1] as Source;
    const startTicks = ticksAt(first, start);
    const rtpTimestamp = Math.round(first.frame.rtpTimestamp + startTicks);
    return {
      ...first.frame,
      samples,
      sampleRate: this.#format.sampleRate,
      channels,
      rtpTimestamp: rtpTimestamp >>> 0,
      rtpTicks: (Math.round(last.frame.rtpTimestamp + ticksAt(last, end)) - rtpTimestamp) | 0,
      wallClockTimestampUs: first.frame.wallClockTimestampUs + startTicks * US_PER_TICK,
      wallClockErrorUs: largestError(parts),
      syncConfidence: Math.min(...parts.map(({ frame }) => frame.syncConfidence)),
      clockDriftPpm: last.frame.clockDriftPpm,
      quality: worstQuality(parts),
    };
  }
}

function sourceEnd(source: Source | undefined): number {
  return source === undefined ? -Infinity : source.start + source.length;
}

/** Ticks from the beginning of a frame to a place in it, which playout may have stretched. */
function ticksAt({ frame, start, length }: Source, position: number): number {
  return ((position - start) / length) * frame.rtpTicks;
}

function largestError(parts: readonly Source[]): number | null {
  let largest = 0;
  for (const { frame } of parts) {
    if (frame.wallClockErrorUs === null) return null;
    largest = Math.max(largest, frame.wallClockErrorUs);
  }
  return largest;
}

function worstQuality(parts: readonly Source[]): AudioQuality {
  const worst = Math.max(...parts.map(({ frame }) => QUALITIES.indexOf(frame.quality)));
  return QUALITIES[worst] ?? "silence";
}
