// What all nodes for sound share: each stream of a node is checked, told apart, placed in time and worked on by itself.
// Pure; the samples of an input are never changed.
import { checkSound } from "../../media/audio-data.ts";
import type { AudioData, JsonObject, TransportData } from "../../runtime/data.ts";
import type { Emit, PipelineNode } from "../node.ts";
import { StreamStates } from "./stream-states.ts";

/** Capture times that are off by less are rounded or jitter, us; and by more no block is so long that it hides it. */
const MIN_GAP_US = 1_000;
const MAX_GAP_US = 10_000;

/** An input that is sound. */
export type AudioInput = TransportData & { readonly data: AudioData };

/** What stays the same within a stream. */
export interface AudioFormat {
  /** Hz, 8000 to 192000. */
  readonly sampleRate: number;
  /** 1 to 8. */
  readonly channels: number;
}

/** A place in a stream. */
export interface Place {
  /** The input that the place lies in: where outputs have their metadata and sequence from. */
  readonly input: AudioInput;
  /** Unix us where `timed`; else media time since the first sample of the stream. */
  readonly startUs: number;
  readonly timed: boolean;
}

/** A checked input. Its place is that of its first sample. */
export interface AudioBlock extends Place {
  /** Samples per channel; 0 happens. */
  readonly frames: number;
  /** By how much it begins later than the block before it ended, us; 0 where it follows. < 0: time went back. */
  readonly gapUs: number;
}

/** One stream of one format at work. */
export interface AudioStream {
  /** Work on the next block; its samples are read, not kept. */
  process(block: AudioBlock, emit: Emit): void;
  /** Hand out what is still held. What follows stands for itself. */
  flush?(emit: Emit): void;
}

/** How a node works on its streams. */
export interface AudioStreamsOptions {
  /** Begin a stream. */
  readonly open: (format: AudioFormat) => AudioStream;
  /** Whether streams are flushed at gaps and so see none; else blocks tell of them. */
  readonly flushAtGaps?: boolean;
}

interface Lane {
  stream: AudioStream | undefined;
  sampleRate: number;
  channels: number;
  timed: boolean;
  /** Where the next block is expected; NaN before the first. */
  endUs: number;
}

/** A node that works on sound, stream by stream. Another format in mid-stream, or first capture times, begin it anew. */
export class AudioStreams implements PipelineNode {
  readonly #options: AudioStreamsOptions;
  readonly #lanes: StreamStates<Lane>;
  readonly #forgotten: Lane[] = [];

  constructor(options: AudioStreamsOptions) {
    this.#options = options;
    this.#lanes = new StreamStates<Lane>(newLane, (lane) => this.#forgotten.push(lane));
  }

  process(input: TransportData, emit: Emit): void {
    if (!isAudioInput(input)) return;
    checkSound(input.data);
    const lane = this.#lanes.of(input);
    this.#forgotten.shift()?.stream?.flush?.(emit);
    const stream = this.#streamOf(lane, input, emit);
    const block = placed(lane, input);
    if (block.gapUs !== 0 && this.#options.flushAtGaps === true) {
      stream.flush?.(emit);
      stream.process({ ...block, gapUs: 0 }, emit);
    } else {
      stream.process(block, emit);
    }
  }

  flush(emit: Emit): void {
    for (const { stream } of this.#lanes.all()) stream?.flush?.(emit);
  }

  #streamOf(lane: Lane, { data }: AudioInput, emit: Emit): AudioStream {
    const { sampleRate, channels, timestampUs } = data;
    const sameFormat = lane.sampleRate === sampleRate && lane.channels === channels;
    const sameTime = lane.timed || timestampUs === undefined;
    if (lane.stream !== undefined && sameFormat && sameTime) return lane.stream;
    lane.stream?.flush?.(emit);
    lane.stream = this.#options.open({ sampleRate, channels });
    lane.sampleRate = sampleRate;
    lane.channels = channels;
    if (!sameTime) lane.endUs = Number.NaN;
    return lane.stream;
  }
}

/** Place a stretch of sound. @param change where the format is not that of the input */
export function soundAt(
  { input, startUs, timed }: Place,
  samples: Float32Array,
  change: Partial<Pick<AudioData, "sampleRate" | "channels" | "streamId">> = {},
): TransportData {
  const time = timed ? { timestampUs: Math.round(startUs) } : undefined;
  return { ...input, data: { ...input.data, ...change, samples, ...time } };
}

/** Place a report. */
export function reportAt({ input, startUs, timed }: Place, value: JsonObject): TransportData {
  const { streamId } = input.data;
  const time = timed ? { timestampUs: Math.round(startUs) } : undefined;
  return { ...input, data: { type: "json", value, ...(streamId !== undefined && { streamId }), ...time } };
}

/** The place `frames` samples per channel behind another, before it if negative; within the same input. */
export function later(place: Place, frames: number): Place {
  const { input, startUs, timed } = place;
  return { input, startUs: startUs + (frames * 1e6) / input.data.sampleRate, timed };
}

function newLane(): Lane {
  return { stream: undefined, sampleRate: 0, channels: 0, timed: false, endUs: Number.NaN };
}

function isAudioInput(input: TransportData): input is AudioInput {
  return input.data.type === "audio";
}

function placed(lane: Lane, input: AudioInput): AudioBlock {
  const { samples, sampleRate, channels, timestampUs } = input.data;
  const frames = samples.length / channels;
  const expectedUs = Number.isNaN(lane.endUs) ? (timestampUs ?? 0) : lane.endUs;
  const startUs = timestampUs ?? expectedUs;
  const lengthUs = (frames * 1e6) / sampleRate;
  const gapUs = startUs - expectedUs;
  const tolerance = Math.min(MAX_GAP_US, Math.max(MIN_GAP_US, lengthUs / 2));
  lane.endUs = startUs + lengthUs;
  lane.timed ||= timestampUs !== undefined;
  return { input, startUs, timed: lane.timed, frames, gapUs: Math.abs(gapUs) > tolerance ? gapUs : 0 };
}
