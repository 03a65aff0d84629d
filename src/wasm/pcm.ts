// Drift resampler over the WebAssembly kernel: streams PCM at a ratio next to one that may change with every block, so
// that a sender's clock and ours stay together. Reads no clock.
import { TransportError } from "../errors/errors.ts";
import type { Arena } from "./arena.ts";
import {
  PCM_GROUP,
  PCM_POSITION,
  PCM_SOURCE,
  PCM_STATE_BYTES,
  PCM_STEP,
  PCM_TAPS,
  PCM_TAPS_AFTER,
  PCM_TAPS_BEFORE,
} from "./generated/layout.ts";
import { claimRegion, releaseRegion } from "./regions.ts";
import type { Region } from "./regions.ts";
import { SINC_TABLE_BYTES, sincTable } from "./sinc-table.ts";

/** Ratios outside would ask for another filter; clocks of real devices differ by less than 0.001. */
export const MIN_RATIO = 0.98;
const MAX_RATIO = 1.02;
/** Input samples per channel for one run of the kernel; longer inputs take several. */
const MAX_BLOCK = 2048;
/** Samples an input buffer holds besides the block: what filters still reach, and room for the kernel's groups. */
const INPUT_SPARE = 3 * PCM_TAPS;
const MAX_OUTPUTS = Math.ceil((MAX_BLOCK + PCM_TAPS) * MAX_RATIO);
const OUTPUT_SPARE = PCM_GROUP;
/** Positions are 32.32 fixed point. As a number they are exact: in a buffer they stay far below 2^21 samples. */
const FRACTION = 2 ** 32;
/** How far rounding the step may put the last output of a run off its place, in samples. */
const ROUNDING = MAX_BLOCK / FRACTION;
const F32_BYTES = Float32Array.BYTES_PER_ELEMENT;

/** Settings of a {@link DriftResampler}. */
export interface DriftResamplerOptions {
  /** Interleaved channels, 1 or 2. */
  channels: number;
  /** Where its 33 KiB (51 KiB with two channels) lie; a pool of the realm by default. */
  arena?: Arena;
}

interface Channel {
  readonly state: number;
  readonly input: Float32Array;
  readonly outputAddress: number;
  readonly output: Float32Array;
}

/**
 * Resamples one stream by a ratio close to one: 16-tap windowed sinc, 256 phases, linear between them. Phase and
 * waveform continue over calls whatever the ratio does, so a change is a bend of the pitch and never a click.
 *
 * Measured at 48 kHz with ratios from 0.98 to 1.0137 (test/wasm/pcm.test.ts): images and aliases lie at least 84 dB
 * below tones up to 15 kHz, 77 dB at 16 kHz, 53 dB at 17 kHz and 39 dB at 18 kHz; the level is flat within 0.002 dB up
 * to 16 kHz and 0.1 dB low at 18 kHz.
 */
export class DriftResampler {
  /**
   * Input samples per channel by which outputs lag: 8 always. A block of outputs begins this much before the inputs
   * given with it (and up to one sample later, see {@link positionSamples}): subtract it from their time stamps.
   */
  readonly delaySamples: number = PCM_TAPS_AFTER;
  readonly channels: 1 | 2;
  readonly #region: Region;
  readonly #table: number;
  readonly #lanes: readonly Channel[];
  /** Samples in the input buffers that filters still reach. */
  #kept = 0;
  /** Position of the next output behind the start of the input buffers. A multiple of 2^-32. */
  #position = 0;
  /** Number of the input sample at the start of the input buffers. */
  #origin = 0;
  /** What rounding the step has cost so far, in units of 2^-32 samples: made good for, so that it never adds up. */
  #owed = 0;
  #closed = false;

  /**
   * @throws TransportError `INVALID_CONFIG` for another number of channels, `LIMIT_EXCEEDED` when the arena is full,
   *   `NOT_SUPPORTED` without WebAssembly
   */
  constructor({ channels, arena }: DriftResamplerOptions) {
    if (channels !== 1 && channels !== 2) {
      throw new TransportError("INVALID_CONFIG", `channels must be 1 or 2, got ${channels}`);
    }
    this.channels = channels;
    const inputBytes = (MAX_BLOCK + INPUT_SPARE) * F32_BYTES;
    const outputBytes = (MAX_OUTPUTS + OUTPUT_SPARE) * F32_BYTES;
    const laneBytes = (PCM_STATE_BYTES + inputBytes + outputBytes + 15) & ~15;
    this.#region = claimRegion(SINC_TABLE_BYTES + channels * laneBytes, arena);
    const { address, arena: home } = this.#region;
    this.#table = address;
    new Float32Array(home.buffer, address, SINC_TABLE_BYTES / F32_BYTES).set(sincTable());
    this.#lanes = Array.from({ length: channels }, (_, channel) => {
      const state = address + SINC_TABLE_BYTES + channel * laneBytes;
      const inputAddress = state + PCM_STATE_BYTES;
      const outputAddress = inputAddress + inputBytes;
      home.words[(state + PCM_SOURCE) >> 2] = inputAddress;
      return {
        state,
        input: new Float32Array(home.buffer, inputAddress, MAX_BLOCK + INPUT_SPARE),
        outputAddress,
        output: new Float32Array(home.buffer, outputAddress, MAX_OUTPUTS + OUTPUT_SPARE),
      };
    });
    this.#begin();
  }

  /**
   * Exact position of the next output in the input: sample 0 is the first given since the start or the last
   * {@link reset}. Fractional, fine to 2^-32 of a sample; begins at `-delaySamples`.
   */
  get positionSamples(): number {
    return this.#origin + this.#position;
  }

  /**
   * Resample the next piece of the stream. At a constant ratio the outputs of all calls differ in number from the
   * inputs times the ratio by less than one, for ever.
   *
   * @param input interleaved; read, not kept. Any length, also zero
   * @param ratio output samples per input sample, 0.98 to 1.02: above 1 the sound gets longer. Holds for this call
   * @param allocate makes the array for so many samples of all channels; a fresh one by default
   * @returns interleaved samples
   * @throws TransportError `INVALID_DATA` for a broken input, `INVALID_CORRECTION_FACTOR` for a ratio out of range,
   *   `ALREADY_SHUTDOWN` after `close()`
   */
  process(input: Float32Array, ratio: number, allocate = fresh): Float32Array {
    this.#check(input, ratio);
    const frames = input.length / this.channels;
    const exactStep = FRACTION / ratio;
    if (frames <= MAX_BLOCK) return this.#take(this.#run(input, 0, frames, exactStep), allocate);
    const made = allocate((Math.ceil(frames * ratio) + 1) * this.channels);
    let length = 0;
    for (let first = 0; first < frames; first += MAX_BLOCK) {
      const part = this.#take(this.#run(input, first, Math.min(frames, first + MAX_BLOCK), exactStep), fresh);
      made.set(part, length);
      length += part.length;
    }
    return made.subarray(0, length);
  }

  /** Forget the stream: the next input is sample 0, with silence before it. */
  reset(): void {
    this.#open();
    this.#begin();
  }

  /** Give the memory back. Idempotent; `process` and `reset` throw from then on. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    releaseRegion(this.#region);
  }

  #begin(): void {
    for (const { input } of this.#lanes) input.fill(0, 0, PCM_TAPS);
    this.#kept = PCM_TAPS;
    this.#origin = -PCM_TAPS;
    this.#position = PCM_TAPS - PCM_TAPS_AFTER;
    this.#owed = 0;
  }

  /**
   * Filter the frames `first` to `end`: every output whose filter is covered. `exactStep` in 2^-32 input samples.
   * @returns the number of outputs
   */
  #run(input: Float32Array, first: number, end: number, exactStep: number): number {
    const held = this.#kept + end - first;
    const step = Math.round(exactStep) / FRACTION;
    const outputs = this.#countOutputs(held - PCM_TAPS_AFTER, step);
    const position = this.#position;
    this.#position = position + outputs * step + this.#settle(outputs * (exactStep - step * FRACTION));
    const done = Math.floor(this.#position) - PCM_TAPS_BEFORE;
    const { kernels, words } = this.#region.arena;
    for (let channel = 0; channel < this.channels; channel++) {
      const lane = this.#lanes[channel] as Channel;
      this.#copyIn(lane.input, input, channel, first, end);
      storeFixed(words, lane.state + PCM_POSITION, position);
      storeFixed(words, lane.state + PCM_STEP, step);
      kernels.resampleSinc16x4(lane.state, this.#table, lane.outputAddress, outputs);
      lane.input.copyWithin(0, done, held);
    }
    this.#kept = held - done;
    this.#position -= done;
    this.#origin += done;
    return outputs;
  }

  /** What the position has to move, in samples, to make good for another `units` that rounding has cost. */
  #settle(units: number): number {
    const owed = this.#owed + units;
    const whole = Math.trunc(owed);
    this.#owed = owed - whole;
    return whole / FRACTION;
  }

  /** How many outputs lie before `end`. Positions and steps are exact, so only the division needs care. */
  #countOutputs(end: number, step: number): number {
    // What stands at the end but for the rounding of steps belongs to the next call.
    const limit = end - ROUNDING;
    let count = Math.max(0, Math.ceil((limit - this.#position) / step));
    while (count > 0 && this.#position + (count - 1) * step >= limit) count--;
    while (this.#position + count * step < limit) count++;
    return count;
  }

  #copyIn(target: Float32Array, input: Float32Array, channel: number, first: number, end: number): void {
    if (this.channels === 1) {
      target.set(end - first === input.length ? input : input.subarray(first, end), this.#kept);
      return;
    }
    for (let to = this.#kept, from = first * 2 + channel; from < end * 2; from += 2) {
      target[to++] = input[from] as number;
    }
  }

  #take(outputs: number, allocate: (length: number) => Float32Array): Float32Array {
    const [left, right] = this.#lanes;
    const made = allocate(outputs * this.channels);
    if (left === undefined || right === undefined) {
      made.set((left as Channel).output.subarray(0, outputs));
      return made;
    }
    for (let i = 0; i < outputs; i++) {
      made[2 * i] = left.output[i] as number;
      made[2 * i + 1] = right.output[i] as number;
    }
    return made;
  }

  #check(input: Float32Array, ratio: number): void {
    this.#open();
    if (!(input instanceof Float32Array) || input.length % this.channels !== 0) {
      throw new TransportError(
        "INVALID_DATA",
        `input must be a Float32Array of whole frames of ${this.channels} samples`,
      );
    }
    checkRatio(ratio);
  }

  #open(): void {
    if (!this.#closed) return;
    throw new TransportError("ALREADY_SHUTDOWN", "the resampler is closed", {
      suggestion: "Create a new DriftResampler.",
    });
  }
}

function fresh(length: number): Float32Array {
  return new Float32Array(length);
}

/**
 * Insist on a ratio the filter is made for.
 * @throws TransportError `INVALID_CORRECTION_FACTOR` outside 0.98 to 1.02
 */
export function checkRatio(ratio: number): void {
  if (ratio >= MIN_RATIO && ratio <= MAX_RATIO) return;
  throw new TransportError(
    "INVALID_CORRECTION_FACTOR",
    `ratio must be ${MIN_RATIO} to ${MAX_RATIO}, got ${ratio}`,
    { suggestion: "Clocks that differ by more need a Resampler of other rates." },
  );
}

/** Write a number as 32.32 fixed point, low word first. */
export function storeFixed(words: Int32Array, address: number, value: number): void {
  const whole = Math.floor(value);
  words[address >> 2] = (value - whole) * FRACTION;
  words[(address >> 2) + 1] = whole;
}
