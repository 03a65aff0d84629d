// What was sent, as those who judge what was received ask for it: by index on the clock of the run, 48,000 a second of
// true time from its beginning. Knows nothing of peers.
import { decimate, DECIMATION, TAPS } from "./correlate.ts";

/** A signal that was sent, on the clock of the run. */
export interface Reference {
  /** Index after the newest sample that is known to have been sent. */
  readonly end: number;
  /**
   * `count` samples from index `start`; silence where nothing was sent or it is no longer known.
   * @param out filled and returned; a fresh array by default
   */
  read(start: number, count: number, out?: Float32Array): Float32Array;
  /** As `read` at 8 kHz: `count` samples from index `6 start`, low-passed. */
  readDecimated(start: number, count: number): Float32Array;
  /** When the call was made that sent the sample at `index`, ms of the run; undefined when it is not known any more. */
  calledAt(index: number): number | undefined;
}

/** Send calls remembered: 5 s of 10 ms blocks. */
const MAX_CALLS = 512;

/** Times of the latest send calls. */
export class CallTimes {
  readonly #calls: { end: number; calledMs: number }[] = [];

  /** The call at `calledMs` sent the samples up to `end`. */
  note(end: number, calledMs: number): void {
    this.#calls.push({ end, calledMs });
    if (this.#calls.length > MAX_CALLS) this.#calls.shift();
  }

  /** See {@link Reference.calledAt}. */
  at(index: number): number | undefined {
    let found: number | undefined;
    for (let i = this.#calls.length - 1; i >= 0; i--) {
      const call = this.#calls[i];
      if (call === undefined || call.end <= index) return found;
      found = call.calledMs;
    }
    // All calls end after it: unless the oldest one holds it, the right one has been forgotten.
    return undefined;
  }
}

/** {@link Reference.readDecimated} by way of `read`. */
export function decimated(reference: Pick<Reference, "read">, start: number, count: number): Float32Array {
  return decimate(reference.read(start * DECIMATION, (count - 1) * DECIMATION + TAPS));
}

/** Of a mix, so many samples (100 ms) are put together at a time: lags change from one piece to the next. */
const PIECE = 4_800;

/** One signal among those of a mix. */
export interface MixPart {
  reference: Reference;
  /** How much later than the mix says its samples in it were captured, in samples. */
  lag: number;
}

/** The sum of several signals. */
export class MixedReference implements Reference {
  readonly #parts: (index: number) => readonly MixPart[];
  /** What one part says; used over and over. */
  readonly #part = new Float32Array(PIECE);

  /** @param parts of the mix at an index; asked each time: speakers come and go, and lags change */
  constructor(parts: (index: number) => readonly MixPart[]) {
    this.#parts = parts;
  }

  get end(): number {
    return Math.max(0, ...this.#parts(0).map(({ reference }) => reference.end));
  }

  read(start: number, count: number, sum: Float32Array = new Float32Array(count)): Float32Array {
    sum.fill(0);
    for (let from = 0; from < count; from += PIECE) {
      this.#add(sum.subarray(from, Math.min(count, from + PIECE)), start + from);
    }
    return sum;
  }

  #add(sum: Float32Array, start: number): void {
    const count = sum.length;
    for (const { reference, lag } of this.#parts(start + count / 2)) {
      const samples = reference.read(start + Math.round(lag), count, this.#part.subarray(0, count));
      for (let i = 0; i < count; i++) sum[i] = (sum[i] as number) + (samples[i] as number);
    }
  }

  readDecimated(start: number, count: number): Float32Array {
    return decimated(this, start, count);
  }

  /** The earliest of the calls that what is heard at `index` was made of: the latency of the slowest part counts. */
  calledAt(index: number): number | undefined {
    const calls = this.#parts(index).map(({ reference, lag }) => reference.calledAt(index + Math.round(lag)));
    const known = calls.filter((call) => call !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  }
}
