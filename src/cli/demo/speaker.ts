// Says what a signal source says in 20 ms blocks, each at its time: by absolute deadline, so that late timers
// never add up. Knows nothing of peers; what becomes of a block is its owner's business.
import type { SignalSource } from "./loop.ts";
import { SAMPLE_RATE } from "./voice.ts";

/** Length of a block: one Opus frame of the transport's default. */
const BLOCK_MS = 20;
/** The same in samples. */
export const BLOCK_SAMPLES = (BLOCK_MS * SAMPLE_RATE) / 1000;
/** More blocks than this are not caught up with: the process slept, and speech from then is of no use. */
const MAX_LATE_BLOCKS = 10;

/**
 * Takes a block: mono, 48 kHz. `captureMs` is when its first sample would have been spoken, on the given clock;
 * `number` counts blocks from 0.
 */
export type SpeakerSink = (samples: Float32Array, captureMs: number, number: number) => void;

/** Speaks from `start` to `stop`. */
export class Speaker {
  readonly #source: SignalSource;
  readonly #nowMs: () => number;
  readonly #sink: SpeakerSink;
  #dueMs = 0;
  #number = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param nowMs a monotonic clock in ms: the microphone's, whose rate decides how fast it speaks */
  constructor(source: SignalSource, nowMs: () => number, sink: SpeakerSink) {
    this.#source = source;
    this.#nowMs = nowMs;
    this.#sink = sink;
  }

  /** Begin now; the first block is complete, and handed over, one block's length later. */
  start(): void {
    this.#dueMs = this.#nowMs() + BLOCK_MS;
    this.#arm();
  }

  /** Idempotent; no block follows. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(): void {
    this.#timer = setTimeout(() => this.#speak(), Math.max(0, this.#dueMs - this.#nowMs()));
  }

  #speak(): void {
    const late = Math.floor((this.#nowMs() - this.#dueMs) / BLOCK_MS);
    if (late > MAX_LATE_BLOCKS) this.#dueMs += late * BLOCK_MS;
    for (; this.#dueMs <= this.#nowMs(); this.#dueMs += BLOCK_MS) {
      this.#sink(this.#source.next(BLOCK_SAMPLES), this.#dueMs - BLOCK_MS, this.#number++);
    }
    this.#arm();
  }
}
