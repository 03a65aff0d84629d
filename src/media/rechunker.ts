// Frames of any length become frames of one length, rate and channel count, each with the time of its own first sample;
// or keep their length, and nothing waits. Joins what belongs together and nothing else. One stream; reads no clock.
import type { AudioFrame, AudioQuality } from "../runtime/data.ts";
import { takeSamples } from "../runtime/sample-buffers.ts";
import type { LiveAudioFrame } from "./engine/engine.ts";
import { Resampler } from "./resampler.ts";

/** Ticks a second of RTP timestamps of audio (RFC 7587 section 4.1). */
const CLOCK_RATE = 48_000;
const US_PER_TICK = 1e6 / CLOCK_RATE;

/** A step of the RTP timestamps beyond this, ticks (1 ms), is a gap and no rounding. */
const MAX_STEP_TICKS = 48;

/** From the best to the worst: sound as it was sent, restored, made up, made up where none was sent, nothing. */
const QUALITIES: readonly AudioQuality[] = ["received", "fec", "plc", "cng", "silence"];

/** A frame for one reader, whose queue still says what that reader misses before it. */
export type Chunk = Omit<AudioFrame, "missingBefore"> & { missingBefore: number };

/** What a {@link Rechunker} makes. */
export interface ChunkFormat {
  /** Hz, 8000 to 48000; `frameMs` of it must be whole samples. */
  sampleRate: number;
  /** Length of every chunk; `packet`: each frame is a chunk. */
  frameMs: number | "packet";
  /** Undefined: as the frames come. */
  channels: 1 | 2 | undefined;
}

/** An input frame that still has samples to be told about. */
interface Source {
  /** Only its labels: its samples are gone. */
  readonly frame: LiveAudioFrame;
  /** Where it begins and how long it is, in input samples per channel since the stretch began. */
  readonly start: number;
  readonly length: number;
}

/** See the header. */
export class Rechunker {
  readonly #format: ChunkFormat;
  /** Samples per channel of a chunk; 0: as many as come. */
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
  readonly #chunks: Chunk[] = [];

  constructor(format: ChunkFormat) {
    this.#format = format;
    const { frameMs, sampleRate } = format;
    this.#chunkSamples = frameMs === "packet" ? 0 : (sampleRate * frameMs) / 1000;
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
   * @param frame its samples are read, not kept; the chunks it completes are to be polled
   */
  push(frame: LiveAudioFrame): void {
    const { sampleRate, channels, samples } = frame;
    const length = samples.length / channels;
    const step = (frame.rtpTimestamp - this.#expected) | 0;
    const input = this.#input;
    const sameFormat = input?.sampleRate === sampleRate && input.channels === channels;
    if (!sameFormat || Math.abs(step) > MAX_STEP_TICKS) this.#restart(frame);
    this.#expected = (frame.rtpTimestamp + frame.rtpTicks) >>> 0;
    if (length > 0) this.#sources.push({ frame, start: this.#taken, length });
    this.#taken += length;
    const resampled = this.#resampler?.process(samples) ?? samples;
    const outputChannels = this.#format.channels ?? channels;
    if (this.#chunkSamples > 0) this.#cut(resampled, outputChannels);
    else if (resampled.length > 0) this.#pass(resampled, outputChannels);
  }

  /** The next chunk; undefined when more frames are needed for one. */
  poll(): Chunk | undefined {
    return this.#chunks.shift();
  }

  /** Begin a new stretch with `frame`. */
  #restart({ sampleRate, channels }: LiveAudioFrame): void {
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
    this.#pending = takeSamples(this.#chunkSamples * outputChannels);
  }

  /** Hand on a copy of samples of the output format as they are. */
  #pass(samples: Float32Array, channels: number): void {
    const chunk = takeSamples(samples.length);
    chunk.set(samples);
    this.#chunks.push(this.#label(chunk, channels));
  }

  /** Append samples of the output format; every full chunk may be polled. */
  #cut(samples: Float32Array, channels: number): void {
    const total = samples.length / channels;
    for (let taken = 0; taken < total;) {
      const count = Math.min(total - taken, this.#chunkSamples - this.#pendingSamples);
      const part = samples.subarray(taken * channels, (taken + count) * channels);
      this.#pending.set(part, this.#pendingSamples * channels);
      this.#pendingSamples += count;
      taken += count;
      if (this.#pendingSamples < this.#chunkSamples) break;
      this.#chunks.push(this.#label(this.#pending, channels));
      this.#pending = takeSamples(this.#pending.length);
      this.#pendingSamples = 0;
    }
  }

  /** Where an output sample lies, in input samples; exact where it meets one. */
  #inputPosition(output: number): number {
    return (output * (this.#input?.sampleRate ?? 0)) / this.#format.sampleRate;
  }

  /** Give a chunk its place in time and what is to be said of the frames it is made of. */
  #label(samples: Float32Array, channels: number): Chunk {
    const start = this.#inputPosition(this.#given);
    this.#given += samples.length / channels;
    const end = this.#inputPosition(this.#given);
    const sources = this.#sources;
    // What ends before this chunk is done with; the last frame is kept, since a resampler's outputs lag behind it.
    while (sources.length > 1 && sourceEnd(sources[0]) <= start) sources.shift();
    const first = sources[0] as Source;
    let last = first;
    let wallClockErrorUs: number | null = 0;
    let syncConfidence = 1;
    let worst = 0;
    for (const source of sources) {
      if (source.start >= end) break;
      last = source;
      const { frame } = source;
      wallClockErrorUs = largerError(wallClockErrorUs, frame.wallClockErrorUs);
      syncConfidence = Math.min(syncConfidence, frame.syncConfidence);
      worst = Math.max(worst, QUALITIES.indexOf(frame.quality));
    }
    const startTicks = ticksAt(first, start);
    const rtpTimestamp = Math.round(first.frame.rtpTimestamp + startTicks);
    const { kind, peerId, streamId, timelineEpoch, receivedAt, bufferDelayMs } = first.frame;
    // Field by field: every frame for every reader comes through here, and a spread costs as much as a resampler.
    return {
      kind,
      peerId,
      streamId,
      samples,
      sampleRate: this.#format.sampleRate,
      channels,
      rtpTimestamp: rtpTimestamp >>> 0,
      rtpTicks: (Math.round(last.frame.rtpTimestamp + ticksAt(last, end)) - rtpTimestamp) | 0,
      wallClockTimestampUs: first.frame.wallClockTimestampUs + startTicks * US_PER_TICK,
      wallClockErrorUs,
      timelineEpoch,
      syncConfidence,
      clockDriftPpm: last.frame.clockDriftPpm,
      receivedAt,
      bufferDelayMs,
      quality: QUALITIES[worst] ?? "silence",
      missingBefore: 0,
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

/** The larger of two error bounds; null, unknown, is the largest. */
function largerError(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : Math.max(a, b);
}
