// Frames as they leave a SyncManager, for tests of the alignment.
import type { SyncedAudioFrame } from "../../src/sync/sync-types.ts";

/** Receiver's wall clock minus its local clock in these tests, ms. */
export const WALL_OFFSET_MS = 1_767_225_600_000;

const SAMPLE_RATE = 48_000;

/** What a test says about a frame. */
export interface FrameFacts {
  /** Local ms of its first sample. */
  captureMs: number;
  samples?: Float32Array;
  frameMs?: number;
  channels?: number;
  sampleRate?: number;
  rtpTimestamp?: number;
  timelineEpoch?: number;
  wallClockErrorUs?: number | null;
  clockDriftPpm?: number;
  quality?: SyncedAudioFrame["quality"];
}

/** A frame captured at a local time; silence of 20 ms unless told otherwise. */
export function syncedFrame(facts: FrameFacts): SyncedAudioFrame {
  const { captureMs, frameMs = 20, channels = 1, sampleRate = SAMPLE_RATE } = facts;
  return {
    samples: facts.samples ?? new Float32Array(Math.round((frameMs * sampleRate * channels) / 1000)),
    sampleRate,
    channels,
    wallClockTimestampUs: (captureMs + WALL_OFFSET_MS) * 1000,
    wallClockErrorUs: facts.wallClockErrorUs === undefined ? 500 : facts.wallClockErrorUs,
    timelineEpoch: facts.timelineEpoch ?? 0,
    rtpTimestamp: facts.rtpTimestamp ?? Math.round(captureMs * 48) >>> 0,
    bufferDelayMs: 20,
    syncConfidence: 1,
    clockDriftPpm: facts.clockDriftPpm ?? 0,
    playbackRatio: 1,
    lostBefore: 0,
    stretchMs: 0,
    quality: facts.quality ?? "received",
  };
}

/** Sound as a function of true time: a few tones no block is a whole number of. */
export function sound(ms: number): number {
  const s = ms / 1000;
  return 0.4 * Math.sin(2 * Math.PI * 317 * s) + 0.3 * Math.sin(2 * Math.PI * 1213 * s + 1);
}

/** Somebody who records `sound` with a clock of their own. */
export class Recorder {
  readonly #startMs: number;
  readonly #rate: number;
  readonly #frameMs: number;
  index = 0;

  constructor(startMs: number, skewPpm = 0, frameMs = 20, rate = SAMPLE_RATE) {
    this.#startMs = startMs;
    this.#rate = rate * (1 + skewPpm * 1e-6);
    this.#frameMs = frameMs;
  }

  /** True time of the next frame. */
  get captureMs(): number {
    return this.#msOf(this.index);
  }

  next(facts: Partial<FrameFacts> = {}): FrameFacts & { samples: Float32Array } {
    const rate = facts.sampleRate ?? SAMPLE_RATE;
    const count = (this.#frameMs * rate) / 1000;
    const rtpTimestamp = ((this.index * 48_000) / rate + 4_294_960_000) >>> 0;
    const { captureMs } = this;
    const samples = Float32Array.from({ length: count }, (_, i) => sound(this.#msOf(this.index + i)));
    this.index += count;
    return { captureMs, rtpTimestamp, samples, ...facts };
  }

  #msOf(index: number): number {
    return this.#startMs + (index * 1000) / this.#rate;
  }
}
