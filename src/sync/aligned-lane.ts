// The audio of one peer on the common grid of capture times: resampled to our clock, put where it was captured, kept
// until its blocks leave. Reads no clock.
import type { AudioQuality } from "../runtime/data.ts";
import type { Arena } from "../wasm/arena.ts";
import { DriftResampler } from "../wasm/pcm.ts";
import { tickDistance } from "../wasm/rtp-clock.ts";
import { AlignedPhase } from "./aligned-phase.ts";
import type { SyncedAudioFrame } from "./sync-types.ts";

/** RTP timestamps of audio count at this rate whatever the samples do. */
const RTP_CLOCK_RATE = 48_000;
/** Phase errors within an epoch are small corrections; beyond this the labels mean another place. */
const MAX_PHASE_ERROR_S = 0.01;
/** Silence of a gap is resampled with the rest, which keeps the phase; after a longer one it begins anew. */
const MAX_BRIDGED_S = 1;
/** Frames whose samples were corrected for drift already have a few more or less than their timestamps say. */
const COUNT_TOLERANCE = 0.02;

/** What a sample of the grid is, by its code; 0 is nothing at all. */
const QUALITIES: readonly AudioQuality[] = ["silence", "received", "fec", "plc", "cng", "silence"];
const NOTHING = 0;
const CAPTURED = [false, true, true, false, false, false];
/** From the best filling of a gap to the worst. */
const GAP_ORDER: readonly AudioQuality[] = ["cng", "plc", "silence"];

/** Settings of an {@link AlignedLane}. */
export interface AlignedLaneOptions {
  readonly sampleRate: number;
  readonly channels: 1 | 2;
  /** Samples per channel that are kept. */
  readonly capacity: number;
  readonly arena?: Arena;
}

/** A piece of the grid. */
export interface LaneBlock {
  /** Interleaved; 0 where there is nothing. */
  readonly samples: Float32Array;
  /** One for each sample of a channel: 1 where it was captured by the peer (also when FEC restored it), 0 elsewhere. */
  readonly mask: Uint8Array;
  /** How the rest is filled; the worst way counts; null without a gap. */
  readonly gapQuality: AudioQuality | null;
}

/** Places on the grid are sample numbers: capture time in local seconds times the sample rate. */
export class AlignedLane {
  readonly #options: AlignedLaneOptions;
  readonly #resampler: DriftResampler;
  readonly #phase: AlignedPhase;
  readonly #samples: Float32Array;
  readonly #codes: Uint8Array;
  #running = false;
  /** Place of the next output. */
  #next = 0;
  /** Inputs since the resampler began. */
  #inputs = 0;
  /** Outputs before this place come from before the first input. */
  #firstPlace = 0;
  #ratio = 1;
  #code = NOTHING;
  #epoch = 0;
  /** RTP timestamp behind the last input. */
  #endTimestamp = 0;
  #lateSamples = 0;
  #displaced = 0;

  constructor(options: AlignedLaneOptions) {
    const { sampleRate, channels, capacity, arena } = options;
    this.#options = options;
    this.#resampler = new DriftResampler({ channels, ...(arena === undefined ? {} : { arena }) });
    this.#phase = new AlignedPhase(sampleRate);
    this.#samples = new Float32Array(capacity * channels);
    this.#codes = new Uint8Array(capacity);
  }

  /** Place up to which everything that came is written; -Infinity before the first frame. */
  get end(): number {
    return this.#running ? this.#next : -Infinity;
  }

  /** Samples that came after their block had left. */
  get lateSamples(): number {
    return this.#lateSamples;
  }

  /** How far the samples of the last frame lie from where its capture time puts them at most, us. */
  get displacedUs(): number {
    return (this.#displaced * 1e6) / this.#options.sampleRate;
  }

  /** What the capture times say of the sender's rate, ppm, > 0 fast. */
  get driftPpm(): number {
    return this.#phase.driftPpm;
  }

  /**
   * Write a frame.
   * @param samples as `channels` has it
   * @param place of its first sample, fractional
   * @param from places before have left
   */
  write(frame: SyncedAudioFrame<unknown>, samples: Float32Array, place: number, from: number): void {
    const { sampleRate, channels } = this.#options;
    const ticksPerSample = RTP_CLOCK_RATE / sampleRate;
    const count = samples.length / channels;
    const gapTicks = tickDistance(frame.rtpTimestamp, this.#endTimestamp);
    const gap = Math.round(gapTicks / ticksPerSample);
    const contiguous = Math.abs(gap) <= COUNT_TOLERANCE * count;
    const bridged = gap > 0 && gap <= MAX_BRIDGED_S * sampleRate;
    const follows = this.#running && frame.timelineEpoch === this.#epoch && (contiguous || bridged);
    const missing = follows && !contiguous ? gap : 0;
    if (!follows || Math.abs(this.#errorAt(place, missing)) > MAX_PHASE_ERROR_S * sampleRate) {
      this.#anchor(place, frame, from);
    } else if (missing > 0) {
      this.#feed(new Float32Array(missing * channels), NOTHING, from);
    }
    this.#phase.observe(place, this.#inputs);
    const error = this.#errorAt(place, 0);
    this.#displaced = Math.abs(error);
    this.#ratio = this.#phase.ratio(error);
    this.#feed(samples, QUALITIES.indexOf(frame.quality, 1), from);
    this.#endTimestamp = (frame.rtpTimestamp + Math.round(count * ticksPerSample)) >>> 0;
  }

  /** Take a piece out; what stood there is gone. */
  take(from: number, count: number): LaneBlock {
    const { channels } = this.#options;
    const samples = new Float32Array(count * channels);
    const mask = new Uint8Array(count);
    let worst = -1;
    let done = 0;
    this.#runs(from, count, (cell, length) => {
      samples.set(this.#samples.subarray(cell * channels, (cell + length) * channels), done * channels);
      for (let i = 0; i < length; i++) {
        const code = this.#codes[cell + i] as number;
        if (CAPTURED[code] === true) mask[done + i] = 1;
        else worst = Math.max(worst, GAP_ORDER.indexOf(QUALITIES[code] as AudioQuality));
      }
      done += length;
    });
    this.skip(from, count);
    return { samples, mask, gapQuality: GAP_ORDER[worst] ?? null };
  }

  /** Forget a piece that nobody took. */
  skip(from: number, count: number): void {
    const { channels, capacity } = this.#options;
    this.#runs(from, Math.min(count, capacity), (cell, length) => {
      this.#samples.fill(0, cell * channels, (cell + length) * channels);
      this.#codes.fill(NOTHING, cell, cell + length);
    });
  }

  /** Give the resampler's memory back. */
  close(): void {
    this.#resampler.close();
  }

  // By how much the next output comes too early if the input number `#inputs + missing` belongs at `place`.
  #errorAt(place: number, missing: number): number {
    const behind = this.#resampler.positionSamples - (this.#inputs + missing);
    return place + behind * this.#ratio - this.#next;
  }

  #anchor(place: number, frame: SyncedAudioFrame<unknown>, from: number): void {
    // What the filter still holds of the sound before.
    if (this.#running) this.#feed(this.#silence(2 * this.#resampler.delaySamples), NOTHING, from);
    this.#resampler.reset();
    this.#phase.begin(place, frame.clockDriftPpm);
    this.#running = true;
    this.#epoch = frame.timelineEpoch;
    this.#inputs = 0;
    this.#ratio = 1;
    this.#code = NOTHING;
    this.#firstPlace = Math.round(place);
    this.#next = this.#firstPlace + this.#resampler.positionSamples;
  }

  #silence(count: number): Float32Array {
    return new Float32Array(count * this.#options.channels);
  }

  #feed(samples: Float32Array, code: number, from: number): void {
    const { channels } = this.#options;
    // Outputs up to here are still of the inputs before.
    const before = Math.ceil((this.#inputs - this.#resampler.positionSamples) * this.#ratio);
    const outputs = this.#resampler.process(samples, this.#ratio);
    const count = outputs.length / channels;
    const turn = Math.max(0, Math.min(before, count));
    this.#inputs += samples.length / channels;
    this.#store(outputs.subarray(0, turn * channels), this.#next, this.#code, from);
    this.#store(outputs.subarray(turn * channels), this.#next + turn, code, from);
    this.#next += count;
    this.#code = code;
  }

  #store(outputs: Float32Array, place: number, code: number, from: number): void {
    if (code === NOTHING) return;
    const { channels } = this.#options;
    const end = place + outputs.length / channels;
    const least = Math.max(place, this.#firstPlace);
    const first = Math.min(Math.max(least, from), end);
    this.#lateSamples += Math.max(0, first - least);
    let done = (first - place) * channels;
    this.#runs(first, end - first, (cell, length) => {
      this.#samples.set(outputs.subarray(done, done + length * channels), cell * channels);
      this.#codes.fill(code, cell, cell + length);
      done += length * channels;
    });
  }

  // The cells of a piece: one run, or two around the end of the ring.
  #runs(place: number, count: number, use: (cell: number, length: number) => void): void {
    if (count <= 0) return;
    const { capacity } = this.#options;
    const cell = ((place % capacity) + capacity) % capacity;
    const length = Math.min(count, capacity - cell);
    use(cell, length);
    if (length < count) use(0, count - length);
  }
}
