// The newest samples of a stream by absolute index, and where on the clock of the run each block of a stream
// belongs. Bounded; knows nothing of what the samples mean.
import { SAMPLE_RATE } from "./voice.ts";

/** The last `capacity` samples written, read by absolute index; what was never written reads as silence. */
export class SampleRing {
  readonly #samples: Float32Array;
  readonly #mask: number;
  #end = 0;

  /** @param capacity a power of two */
  constructor(capacity: number) {
    this.#samples = new Float32Array(capacity);
    this.#mask = capacity - 1;
  }

  /** Index after the newest sample written. */
  get end(): number {
    return this.#end;
  }

  /** Write at an absolute index >= 0: what lies between becomes silence, what overlaps is replaced. */
  write(start: number, samples: Float32Array): void {
    const capacity = this.#samples.length;
    const stop = start + samples.length;
    const oldest = Math.max(this.#end, stop) - capacity;
    for (let index = Math.max(this.#end, oldest); index < start; index++)
      this.#samples[index & this.#mask] = 0;
    for (let index = Math.max(start, oldest); index < stop;) {
      const run = Math.min(stop - index, capacity - (index & this.#mask));
      this.#samples.set(samples.subarray(index - start, index - start + run), index & this.#mask);
      index += run;
    }
    this.#end = Math.max(this.#end, stop);
  }

  /** The `count` samples from `start`, in `out`; silence where nothing is, or is no longer, held. */
  read(start: number, count: number, out: Float32Array = new Float32Array(count)): Float32Array {
    const capacity = this.#samples.length;
    out.fill(0);
    const stop = Math.min(start + count, this.#end);
    for (let index = Math.max(start, this.#end - capacity, 0); index < stop;) {
      const at = index & this.#mask;
      const run = Math.min(stop - index, capacity - at);
      out.set(this.#samples.subarray(at, at + run), index - start);
      index += run;
    }
    return out;
  }
}

/** Further off than this, in samples, a stream has been interrupted and starts anew at the present. */
const JUMP_SAMPLES = 0.5 * SAMPLE_RATE;
/** Off by more than this for `SETTLE_SAMPLES` on end, a stream is moved: a burst or a drifting clock, not jitter. */
const SLACK_SAMPLES = 0.04 * SAMPLE_RATE;
const SETTLE_SAMPLES = 2 * SAMPLE_RATE;

/**
 * Lays the blocks of a stream end to end on the clock of the run: the times at which blocks come jitter, their
 * samples do not.
 */
export class Placement {
  #end: number | undefined;
  #offSince: number | undefined;
  #leastOff = 0;

  /**
   * @param now index on the run's clock at which the block came
   * @param count samples in the block
   * @param missing samples known to be lost before it
   * @returns index of the block's first sample
   */
  place(now: number, count: number, missing = 0): number {
    const start = Math.max(0, this.#start(now, missing));
    this.#end = start + count;
    return start;
  }

  #start(now: number, missing: number): number {
    if (this.#end === undefined) return now;
    const start = this.#end + missing;
    const off = start - now;
    if (Math.abs(off) > JUMP_SAMPLES) {
      this.#offSince = undefined;
      return now;
    }
    if (Math.abs(off) <= SLACK_SAMPLES || Math.sign(off) !== Math.sign(this.#leastOff || off)) {
      this.#offSince = undefined;
      this.#leastOff = 0;
      return start;
    }
    if (this.#offSince === undefined) {
      this.#offSince = now;
      this.#leastOff = off;
    }
    if (Math.abs(off) < Math.abs(this.#leastOff)) this.#leastOff = off;
    if (now - this.#offSince < SETTLE_SAMPLES) return start;
    const moved = start - this.#leastOff;
    this.#offSince = undefined;
    this.#leastOff = 0;
    return moved;
  }
}
