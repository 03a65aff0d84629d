// What one reader of a stream has not yet read: bounded, the oldest goes first, and the next frame tells how much
// is missing before it. Holds decoded frames only; reads no clock.
import type { AudioFrame } from "../runtime/data.ts";
import type { Chunk } from "./rechunker.ts";

/** Ticks a second of RTP timestamps of audio (RFC 7587 section 4.1). */
const CLOCK_RATE = 48_000;

/** How much audio waits for a reader that had this long to read it, ms. */
const MAX_QUEUED_MS = 200;

/**
 * How much waits in any case, ms: a thread that stood still hands out all that is due at once, before the reader, which
 * is not slow, has had its turn.
 */
const MAX_BURST_MS = 1_000;

/** A jump of the RTP timestamps by more than this, s, is a new stream and no gap. */
const MAX_GAP_S = 60;

/** The frames of one reader. */
export class FrameQueue {
  readonly #frames: Chunk[] = [];
  /** When each of them came, ms. */
  readonly #cameMs: number[] = [];
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

  /**
   * Append a frame, which belongs to the queue from now on. Beyond 200 ms the oldest ones go that have waited as long,
   * beyond a second all of the oldest.
   */
  push(frame: Chunk, nowMs: number): void {
    this.#frames.push(frame);
    this.#cameMs.push(nowMs);
    this.#queuedMs += durationMs(frame);
    while (this.#frames.length > 1 && this.#queuedMs > this.#limitMs(nowMs)) {
      this.#take();
      this.#dropped++;
    }
  }

  #limitMs(nowMs: number): number {
    return nowMs - (this.#cameMs[0] ?? nowMs) >= MAX_QUEUED_MS ? MAX_QUEUED_MS : MAX_BURST_MS;
  }

  #take(): Chunk | undefined {
    const frame = this.#frames.shift();
    this.#cameMs.shift();
    if (frame !== undefined) this.#queuedMs -= durationMs(frame);
    return frame;
  }

  /** The oldest frame, with what this reader misses before it; undefined when there is none. */
  shift(): AudioFrame | undefined {
    const frame = this.#take();
    if (frame === undefined) return undefined;
    const gapTicks = this.#expected === undefined ? 0 : (frame.rtpTimestamp - this.#expected) | 0;
    const missing = gapTicks > 0 && gapTicks <= MAX_GAP_S * CLOCK_RATE ? gapTicks : 0;
    this.#expected = (frame.rtpTimestamp + frame.rtpTicks) >>> 0;
    frame.missingBefore = Math.round((missing * frame.sampleRate) / CLOCK_RATE);
    return frame;
  }

  /** Forget everything. */
  clear(): void {
    this.#frames.length = 0;
    this.#cameMs.length = 0;
    this.#queuedMs = 0;
  }
}

function durationMs(frame: Pick<AudioFrame, "samples" | "sampleRate" | "channels">): number {
  return (frame.samples.length / frame.channels / frame.sampleRate) * 1000;
}
