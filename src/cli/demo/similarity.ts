// Compares what a peer received with what the other sent: how alike the two are, and how late it came.
// Judges by waveform alone: what the transport says of capture times is a hint where to look, and is judged itself.
// Time is ms of the run.
import { decimate, DECIMATION, energy, matchAnywhere, matchNear, TAPS } from "./correlate.ts";
import type { Match } from "./correlate.ts";
import { CallTimes } from "./reference.ts";
import type { Reference } from "./reference.ts";
import { Placement, SampleRing } from "./sample-ring.ts";
import { SAMPLE_RATE } from "./voice.ts";

/** Length of a judged window, in samples (400 ms). */
export const WINDOW_SAMPLES = 0.4 * SAMPLE_RATE;
/** The delay is followed within +-5 ms of where it was; beyond that it is looked for anew. */
const TRACK_SAMPLES = 0.005 * SAMPLE_RATE;
/** Delays that a new search covers: the usual ones, or, when it was in vain, up to 1.5 s. Powers of two of work. */
const USUAL = { least: -0.04 * SAMPLE_RATE, most: 0.58 * SAMPLE_RATE };
const WIDE = { least: -0.1 * SAMPLE_RATE, most: 1.5 * SAMPLE_RATE };
/**
 * The delay of most windows is that of the one before, to these samples: such a match is taken without a search. Clocks
 * that run 200 ppm apart move it by nine in a second.
 */
const STILL_SAMPLES = 10;
const STILL = 0.9;
const STRIDE = 3;
/** Below this correlation the delay counts as lost: chance stays under 0.35, a match through Opus over 0.8. */
const LOCKED = 0.5;
/** Mean square below which a sender was silent (-50 dBFS) and a window says nothing. */
const SPEECH_FLOOR = 1e-5;
/** Mean square below which nothing can be correlated (-70 dBFS). */
const MATCH_FLOOR = 1e-7;
/** A window is judged this late, so that what a page sent has come over its measuring socket. */
const HOLD_SAMPLES = 0.2 * SAMPLE_RATE;
/** Without anything received a window counts as it is after so long. */
const GRACE_SAMPLES = SAMPLE_RATE;
/** The first window begins so long after the pair was connected, in samples. */
const WARM_UP_SAMPLES = 0.3 * SAMPLE_RATE;
/** Held of what was sent: the widest search at the end of the grace, as a power of two (5.5 s). */
const SENT_CAPACITY = 262_144;
/** The same at 8 kHz, as a power of two (8.2 s). */
const DECIMATED_CAPACITY = 65_536;
/** Held of what was received: a window and its hold (0.68 s). */
const RECEIVED_CAPACITY = 32_768;
/** Deliveries remembered: more than a window and its hold contain. */
const MAX_DELIVERIES = 128;
/** Newest values kept per pair for medians and percentiles: hours of windows, minutes of frames. */
const MAX_SIMILARITIES = 4096;
const MAX_LATENCIES = 4096;
const MAX_CAPTURE_ERRORS = 4096;
/** Where a delay is expected before it is known, in samples: 70 ms. */
const LIKELY_DELAY = 0.07 * SAMPLE_RATE;
/** How far a match may be off, in samples (1 ms); added to a frame's end it must not name the next send call. */
const MATCH_TOLERANCE = 48;

/** Sample index on the run's clock of a time in ms. */
export function indexAt(ms: number): number {
  return Math.max(0, Math.round((ms * SAMPLE_RATE) / 1000));
}

/** What a page sent, on the clock of the run, with the times of its send calls. Bounded to some seconds. */
export class SentStream implements Reference {
  readonly #ring = new SampleRing(SENT_CAPACITY);
  /** Index `k` stands for index `6 k` of the ring: decimated once here instead of once per listener. */
  readonly #decimated = new SampleRing(DECIMATED_CAPACITY);
  readonly #placement = new Placement();
  readonly #calls = new CallTimes();

  get end(): number {
    return this.#ring.end;
  }

  /**
   * Note a block handed to the transport.
   *
   * @param samples mono, 48 kHz; read, not kept
   * @param missing samples left out before it
   * @returns index of its first sample on the run's clock
   */
  push(samples: Float32Array, calledMs: number, missing = 0): number {
    const start = this.#placement.place(indexAt(calledMs), samples.length, missing);
    this.#ring.write(start, samples);
    this.#decimate(start);
    this.#calls.note(start + samples.length, calledMs);
    return start;
  }

  read(start: number, count: number, out?: Float32Array): Float32Array {
    return this.#ring.read(start, count, out);
  }

  readDecimated(start: number, count: number): Float32Array {
    return this.#decimated.read(start, count);
  }

  /** Decimate what a block from `start` on has completed, or changed. */
  #decimate(start: number): void {
    const first = Math.max(0, Math.ceil((start - TAPS + 1) / DECIMATION));
    const from = first * DECIMATION;
    this.#decimated.write(first, decimate(this.#ring.read(from, this.#ring.end - from)));
  }

  calledAt(index: number): number | undefined {
    return this.#calls.at(index);
  }
}

/** A block that was delivered, as far as it is judged here. */
export interface DeliveredBlock {
  /** Mono, 48 kHz; read, not kept. */
  samples: Float32Array;
  deliveredMs: number;
  /** Samples known to be missing before it. */
  missing: number;
  /** True time, ms of the run, at which its first sample is said to have been captured, when that is said. */
  labelMs?: number | undefined;
  /** How long its packet lay in the jitter buffer, when that is said. */
  bufferMs?: number | undefined;
}

interface Delivery {
  start: number;
  end: number;
  deliveredMs: number;
  bufferMs: number | undefined;
  /** True time at which its first sample is said to have been captured, in samples; undefined: nothing is said. */
  label: number | undefined;
  /** Whether what is said is to be judged. */
  counts: boolean;
}

/** A window at a time is judged, and forgotten: its samples, and those it is compared with. */
const heard = new Float32Array(WINDOW_SAMPLES);
const said = new Float32Array(WINDOW_SAMPLES + 2 * STILL_SAMPLES);

/** Follows one directed pair: every so often a window of what was received is found in what was sent. */
export class PairTracker {
  readonly #sent: Reference;
  readonly #ring = new SampleRing(RECEIVED_CAPACITY);
  readonly #placement = new Placement();
  readonly #deliveries: Delivery[] = [];
  readonly #similarities: number[] = [];
  readonly #latenciesMs: number[] = [];
  readonly #beyondBufferMs: number[] = [];
  readonly #captureErrorsUs: number[] = [];
  #intervalSamples: number;
  #windowEnd: number;
  #delay: number | undefined;
  #vain = 0;

  /**
   * @param connectedMs when the pair was connected; windows begin a little later
   * @param intervalMs one window per so many ms, at least 400
   */
  constructor(sent: Reference, connectedMs: number, intervalMs: number) {
    this.#sent = sent;
    this.#intervalSamples = indexAt(intervalMs);
    this.#windowEnd = indexAt(connectedMs) + WARM_UP_SAMPLES + WINDOW_SAMPLES;
  }

  /** Judge a window every `intervalMs` from the next one on. */
  set intervalMs(intervalMs: number) {
    this.#intervalSamples = Math.max(WINDOW_SAMPLES, indexAt(intervalMs));
  }

  /** Similarity of each judged window, 0 to 1, oldest first; bounded. */
  get similarities(): readonly number[] {
    return this.#similarities;
  }

  /** Latency of frames in matched windows, ms from the send call that completed a frame to its delivery; bounded. */
  get latenciesMs(): readonly number[] {
    return this.#latenciesMs;
  }

  /** The same without the time in the jitter buffer, where that is said. */
  get beyondBufferMs(): readonly number[] {
    return this.#beyondBufferMs;
  }

  /** How far frames of matched windows were captured from when they said they were, us, without sign; bounded. */
  get captureErrorsUs(): readonly number[] {
    return this.#captureErrorsUs;
  }

  /**
   * Note a block that was delivered.
   *
   * @param labelCounts whether what it says of its capture is to be judged
   * @returns index of its first sample on the run's clock
   */
  received(block: DeliveredBlock, labelCounts = true): number {
    const { samples, deliveredMs, missing, labelMs, bufferMs } = block;
    const start = this.#placement.place(indexAt(deliveredMs), samples.length, missing);
    this.#ring.write(start, samples);
    const label = labelMs === undefined ? undefined : (labelMs * SAMPLE_RATE) / 1000;
    const end = start + samples.length;
    this.#deliveries.push({ start, end, deliveredMs, bufferMs, label, counts: labelCounts });
    if (this.#deliveries.length > MAX_DELIVERIES) this.#deliveries.shift();
    return start;
  }

  /**
   * Judge at most one window that is complete, or that nothing comes for; call some times a second.
   *
   * @param maySearch asked when the delay must be searched for, which costs some ms; a window that may not be
   *   searched is left out
   * @returns whether a window was looked at, which costs about a ms
   */
  tick(nowMs: number, maySearch: () => boolean): boolean {
    const received = this.#ring.end >= this.#windowEnd + HOLD_SAMPLES;
    const complete = received && this.#sent.end >= this.#windowEnd;
    if (!complete && indexAt(nowMs) < this.#windowEnd + GRACE_SAMPLES) return false;
    // After a stall the ring holds only the end of it: windows it has lost are skipped, not judged as silence.
    const oldest = this.#ring.end - RECEIVED_CAPACITY + WINDOW_SAMPLES;
    if (complete && oldest > this.#windowEnd) this.#windowEnd = oldest;
    this.#judge(this.#windowEnd - WINDOW_SAMPLES, maySearch);
    this.#windowEnd += this.#intervalSamples;
    return true;
  }

  #judge(start: number, maySearch: () => boolean): void {
    const received = this.#ring.read(start, WINDOW_SAMPLES, heard);
    const expected = start - (this.#delay ?? LIKELY_DELAY);
    const stretch = this.#sent.read(expected - STILL_SAMPLES, said.length, said);
    if (energy(stretch, STILL_SAMPLES, WINDOW_SAMPLES) < SPEECH_FLOOR * WINDOW_SAMPLES) return;
    const match = this.#match(received, start, stretch, maySearch);
    if (match === undefined) return;
    remember(this.#similarities, Math.min(1, match.correlation), MAX_SIMILARITIES);
    if (match.correlation >= LOCKED) this.#measureLatency(start, start - match.offset);
  }

  /** The best match; `offset` is an index of what was sent. Undefined: it is not known without a search. */
  #match(
    received: Float32Array,
    start: number,
    stretch: Float32Array,
    maySearch: () => boolean,
  ): Match | undefined {
    if (energy(received) < MATCH_FLOOR * WINDOW_SAMPLES) return { offset: 0, correlation: 0 };
    const expected = this.#delay === undefined ? undefined : start - this.#delay;
    if (expected !== undefined) {
      const still = matchSmooth(received, stretch, 2 * STILL_SAMPLES);
      still.offset += expected - STILL_SAMPLES;
      if (still.correlation >= STILL) return this.#locked(still, start);
    }
    const needle = decimate(received);
    if (expected !== undefined) {
      const near = this.#search(needle, received, expected - TRACK_SAMPLES, expected + TRACK_SAMPLES);
      if (near.correlation >= LOCKED) return this.#locked(near, start);
      this.#delay = undefined;
    }
    const claimed = this.#claimedAt(start);
    if (claimed !== undefined) {
      const near = this.#search(needle, received, claimed - TRACK_SAMPLES, claimed + TRACK_SAMPLES);
      if (near.correlation >= LOCKED) return this.#locked(near, start);
    }
    if (!maySearch()) return undefined;
    const { least, most } = this.#vain % 2 === 0 ? USUAL : WIDE;
    const far = this.#search(needle, received, start - most, start - least);
    if (far.correlation >= LOCKED) return this.#locked(far, start);
    this.#vain++;
    return far;
  }

  /** Where in what was sent a received sample is said to come from. */
  #claimedAt(index: number): number | undefined {
    const delivery = this.#deliveries.find(({ start, end }) => start <= index && index < end);
    return delivery?.label === undefined ? undefined : Math.round(delivery.label) + index - delivery.start;
  }

  #locked(match: Match, start: number): Match {
    this.#delay = start - match.offset;
    this.#vain = 0;
    return match;
  }

  /** Coarse at 8 kHz, then to the sample at 48 kHz, among starts `from..to` of what was sent. */
  #search(needle: Float32Array, received: Float32Array, from: number, to: number): Match {
    const first = Math.floor(from / DECIMATION);
    const starts = Math.ceil(to / DECIMATION) - first;
    const haystack = this.#sent.readDecimated(first, starts + needle.length);
    const wide = to - from > 4 * TRACK_SAMPLES;
    const coarse = wide
      ? matchAnywhere(needle, haystack, MATCH_FLOOR)
      : matchNear(needle, haystack, 0, starts, MATCH_FLOOR);
    return this.#refine(received, (first + coarse.offset) * DECIMATION, DECIMATION);
  }

  /** To the sample at 48 kHz, among starts within `reach` of `around`. */
  #refine(received: Float32Array, around: number, reach: number): Match {
    const first = around - reach;
    const stretch = this.#sent.read(first, WINDOW_SAMPLES + 2 * reach);
    const fine = matchNear(received, stretch, 0, 2 * reach, MATCH_FLOOR);
    return { offset: first + fine.offset, correlation: fine.correlation };
  }

  #measureLatency(start: number, delay: number): void {
    for (const { start: from, end, deliveredMs, bufferMs, label, counts } of this.#deliveries) {
      if (from < start || end > start + WINDOW_SAMPLES) continue;
      if (label !== undefined && counts) {
        const errorUs = (Math.abs(label - (from - delay)) * 1e6) / SAMPLE_RATE;
        remember(this.#captureErrorsUs, errorUs, MAX_CAPTURE_ERRORS);
      }
      const calledMs = this.#sent.calledAt(end - 1 - delay - MATCH_TOLERANCE);
      if (calledMs === undefined) continue;
      const latencyMs = deliveredMs - calledMs;
      remember(this.#latenciesMs, latencyMs, MAX_LATENCIES);
      if (bufferMs !== undefined) remember(this.#beyondBufferMs, latencyMs - bufferMs, MAX_LATENCIES);
    }
  }
}

/** The best match among starts up to `most`: every third first, for voices change little in three samples. */
function matchSmooth(needle: Float32Array, haystack: Float32Array, most: number): Match {
  const { offset } = matchNear(needle, haystack, 0, most, MATCH_FLOOR, STRIDE);
  return matchNear(needle, haystack, offset - STRIDE + 1, Math.min(most, offset + STRIDE - 1), MATCH_FLOOR);
}

function remember(values: number[], value: number, most: number): void {
  values.push(value);
  if (values.length > most) values.shift();
}
