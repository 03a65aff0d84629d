// What a peer of the demo has sent, made anew from a few numbers: all of them say known loops at the pace of known
// clocks, so that no sound needs to travel between processes to be compared. Pure.
import { addClicks } from "./click.ts";
import type { Loop } from "./loop.ts";
import { CallTimes, decimated } from "./reference.ts";
import type { Reference } from "./reference.ts";
import { BLOCK_SAMPLES } from "./speaker.ts";
import { SAMPLE_RATE } from "./voice.ts";

/** One block that a peer handed to its transport. */
export interface SentBlock {
  /** Counts all blocks it was to say from the first on, also those that it left out. */
  number: number;
  /** True time of its first sample, ms of the run. */
  captureMs: number;
  /** When the transport was called, ms of the run. */
  calledMs: number;
}

/** Stretches of blocks without a gap that are remembered; a peer leaves blocks out only when it is in trouble. */
const MAX_STRETCHES = 64;
/** A block this close, in samples, to the end of the one before follows it. */
const CONTIGUOUS = 0.5;

/** Blocks that follow each other. */
interface Stretch {
  /** Index of the first sample on the clock of the run; between two unless the clock is true. */
  start: number;
  /** Number of the first block, and how many there are. */
  first: number;
  count: number;
}

/** See the header. */
export class KnownSignal implements Reference {
  readonly #makeLoop: () => Loop;
  #loop: Loop | undefined;
  /** Samples of true time between two of its samples. */
  readonly #step: number;
  readonly #clicks: boolean;
  readonly #calls = new CallTimes();
  readonly #stretches: Stretch[] = [];

  /**
   * @param makeLoop makes what it says, when it is first asked for
   * @param skewPpm of its clock
   * @param clicks whether there are clicks in it
   */
  constructor(makeLoop: () => Loop, skewPpm: number, clicks: boolean) {
    this.#makeLoop = makeLoop;
    this.#step = 1 / (1 + skewPpm * 1e-6);
    this.#clicks = clicks;
  }

  get end(): number {
    const last = this.#stretches.at(-1);
    return last === undefined ? 0 : Math.ceil(this.#endOf(last));
  }

  /** Note a block, in the order in which they were sent. */
  note({ number, captureMs, calledMs }: SentBlock): void {
    const start = (captureMs * SAMPLE_RATE) / 1000;
    const last = this.#stretches.at(-1);
    const follows =
      last !== undefined &&
      number === last.first + last.count &&
      Math.abs(start - this.#endOf(last)) < CONTIGUOUS;
    if (follows) last.count++;
    else {
      // Between true samples only a wrong clock puts it: a true one needs no interpolation.
      const place = this.#step === 1 ? Math.round(start) : start;
      this.#stretches.push({ start: place, first: number, count: 1 });
      if (this.#stretches.length > MAX_STRETCHES) this.#stretches.shift();
    }
    this.#calls.note(this.end, calledMs);
  }

  read(start: number, count: number, out: Float32Array = new Float32Array(count)): Float32Array {
    out.fill(0);
    const loop = (this.#loop ??= this.#makeLoop());
    for (const stretch of this.#stretches) {
      const from = Math.max(start, Math.ceil(stretch.start));
      const to = Math.min(start + count, Math.ceil(this.#endOf(stretch)));
      if (to <= from) continue;
      const part = out.subarray(from - start, to - start);
      const position = (from - stretch.start) / this.#step + stretch.first * BLOCK_SAMPLES;
      if (this.#step === 1) loop.copy(part, position);
      else interpolate(part, loop, position, 1 / this.#step);
      if (this.#clicks) addClicks(part, from, 1);
    }
    return out;
  }

  readDecimated(start: number, count: number): Float32Array {
    return decimated(this, start, count);
  }

  calledAt(index: number): number | undefined {
    return this.#calls.at(index);
  }

  #endOf({ start, count }: Stretch): number {
    return start + count * BLOCK_SAMPLES * this.#step;
  }
}

/**
 * Fill `out` with the loop from a position between two samples on, `advance` samples of the loop for each: Lagrange's
 * cubic through four of them, 40 dB off at 8 kHz and far less where voices are; a windowed sinc would cost several times
 * as much.
 */
function interpolate(out: Float32Array, loop: Loop, position: number, advance: number): void {
  const first = Math.floor(position) - 1;
  const source = new Float32Array(Math.ceil((out.length - 1) * advance) + 5);
  loop.copy(source, first);
  const slope = advance - 1;
  // For thousands of samples in a row the place moves by whole samples and creeps from one to the next.
  for (let from = 0; from < out.length;) {
    const at = position + from * advance - first;
    const whole = Math.floor(at);
    const room = slope > 0 ? 1 - (at - whole) : at - whole;
    const count = Math.max(1, Math.floor(room / Math.abs(slope)));
    const to = Math.min(out.length, from + count);
    let d = at - whole;
    let before = source[whole - 1] as number;
    let low = source[whole] as number;
    let high = source[whole + 1] as number;
    for (let i = from; i < to; i++) {
      const after = source[whole + 2 + i - from] as number;
      const linear = high - before / 3 - low / 2 - after / 6;
      const square = (before + high) / 2 - low;
      const cube = (after - before) / 6 + (low - high) / 2;
      out[i] = ((cube * d + square) * d + linear) * d + low;
      d += slope;
      before = low;
      low = high;
      high = after;
    }
    from = to;
  }
}
