// What one reader of a stream has not yet read: bounded, the oldest goes first, and the next frame tells how much
// is missing before it. Holds decoded frames only.
import type { AudioFrame } from "../runtime/data.ts";
import type { Chunk } from "./rechunker.ts";

/** Ticks a second of RTP timestamps of audio (RFC 7587 section 4.1). */
const CLOCK_RATE = 48_000;

/** How much audio waits for a reader, ms. */
const MAX_QUEUED_MS = 200;

/** A jump of the RTP timestamps by more than this, s, is a new stream and no gap. */
const MAX_GAP_S = 60;

/** The frames of one reader. */
export class FrameQueue {
  readonly #frames: Chunk[] = [];
  #queuedMs = 0;
  #dropped = 0;
  /** RTP timestamp behind the last frame that was read. */
  #expected: number | undefined;

  /** Frames dropped because the reader was slow. */
  get dropped(): number {
    return this.#dropped;
  }

  get length(): number {
    return this.#frames.length;
  }

  /** Append a frame, which belongs to the queue from now on; beyond 200 ms the oldest ones go. */
  push(frame: Chunk): void {
    this.#frames.push(frame);
    this.#queuedMs += durationMs(frame);
    while (this.#queuedMs > MAX_QUEUED_MS && this.#frames.length > 1) {
      this.#queuedMs -= durationMs(this.#frames.shift() as Chunk);
      this.#dropped++;
    }
  }

  /** The oldest frame, with what this reader misses before it; undefined when there is none. */
  shift(): AudioFrame | undefined {
    const frame = this.#frames.shift();
    if (frame === undefined) return undefined;
    this.#queuedMs -= durationMs(frame);
    const gapTicks = this.#expected === undefined ? 0 : (frame.rtpTimestamp - this.#expected) | 0;
    const missing = gapTicks > 0 && gapTicks <= MAX_GAP_S * CLOCK_RATE ? gapTicks : 0;
    this.#expected = (frame.rtpTimestamp + frame.rtpTicks) >>> 0;
    frame.missingBefore = Math.round((missing * frame.sampleRate) / CLOCK_RATE);
    return frame;
  }

  /** Forget everything. */
  clear(): void {
    this.#frames.length = 0;
    this.#queuedMs = 0;
  }
}

function durationMs(frame: Pick<AudioFrame, "samples" | "sampleRate" | "channels">): number {
  return (frame.samples.length / frame.channels / frame.sampleRate) * 1000;
}
