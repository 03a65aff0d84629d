// Mixes the audio of all peers over the WebAssembly kernel: each stream is resampled to one clock and weighted, all of
// them in one call a tick.
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
import { checkRatio, MIN_RATIO, storeFixed } from "./pcm.ts";
import { claimRegion, releaseRegion } from "./regions.ts";
import type { Region } from "./regions.ts";
import { SINC_TABLE_BYTES, sincTable } from "./sinc-table.ts";

const MAX_PEERS = 10;
const MAX_SAMPLES = 4096;
const DEFAULT_SAMPLES = 480;
/** Samples an input buffer holds besides a tick's: what filters still reach, and room for the kernel's groups. */
const INPUT_SPARE = 3 * PCM_TAPS;
const FRACTION = 2 ** 32;
const F32_BYTES = Float32Array.BYTES_PER_ELEMENT;

/** Settings of an {@link AudioMixer}. */
export interface AudioMixerOptions {
  /** Samples made by every tick, 1 to 4096. Default 480, which are 10 ms at 48 kHz. */
  samples?: number;
  /** Where its memory lies (some 70 KiB); a pool of the realm by default. */
  arena?: Arena;
}

interface Stream {
  readonly address: number;
  readonly input: Float32Array;
  kept: number;
  /** Of the next output, behind the start of the input buffer. A multiple of 2^-32. */
  position: number;
  step: number;
  gain: number;
}

/** Resamples up to ten mono streams to one clock and adds them up. Outputs lag behind inputs by 8 samples. */
export class AudioMixer {
  readonly samples: number;
  readonly #region: Region;
  readonly #states: number;
  readonly #rows: number;
  readonly #target: Float32Array;
  readonly #streams: readonly Stream[];
  readonly #gains: Float32Array;
  #closed = false;

  /**
   * @throws TransportError `INVALID_CONFIG` for another number of samples, `LIMIT_EXCEEDED` when the arena is full,
   *   `NOT_SUPPORTED` without WebAssembly
   */
  constructor({ samples = DEFAULT_SAMPLES, arena }: AudioMixerOptions = {}) {
    if (!(Number.isInteger(samples) && samples >= 1 && samples <= MAX_SAMPLES)) {
      throw new TransportError("INVALID_CONFIG", `samples must be 1 to ${MAX_SAMPLES}, got ${samples}`);
    }
    this.samples = samples;
    const outputLength = Math.ceil(samples / PCM_GROUP) * PCM_GROUP;
    const inputLength = (Math.ceil(outputLength / MIN_RATIO) + INPUT_SPARE + 3) & ~3;
    const stateBytes = MAX_PEERS * PCM_STATE_BYTES;
    const gainBytes = PCM_GROUP * F32_BYTES;
    const outputBytes = outputLength * F32_BYTES;
    const inputBytes = inputLength * F32_BYTES;
    const soundBytes = (MAX_PEERS + 1) * outputBytes + MAX_PEERS * inputBytes;
    this.#region = claimRegion(SINC_TABLE_BYTES + stateBytes + gainBytes + soundBytes, arena);
    const { address, arena: home } = this.#region;
    new Float32Array(home.buffer, address, SINC_TABLE_BYTES / F32_BYTES).set(sincTable());
    this.#states = address + SINC_TABLE_BYTES;
    this.#gains = new Float32Array(home.buffer, this.#states + stateBytes, MAX_PEERS);
    this.#rows = this.#gains.byteOffset + gainBytes;
    const outputs = this.#rows + MAX_PEERS * outputBytes;
    this.#target = new Float32Array(home.buffer, outputs, samples);
    const inputs = outputs + outputBytes;
    this.#streams = Array.from({ length: MAX_PEERS }, (_, peer) => {
      const input = new Float32Array(home.buffer, inputs + peer * inputBytes, inputLength);
      const stream = { address: input.byteOffset, input, kept: 0, position: 0, step: 1, gain: 1 };
      begin(stream);
      return stream;
    });
  }

  /**
   * How a stream counts from the next tick on.
   * @param peer 0 to 9
   * @param ratio output samples per input sample, 0.98 to 1.02; 1 at first
   * @param gain linear weight; 1 at first. A change takes effect at once
   * @throws TransportError `INVALID_DATA` for an unknown peer or a gain that is no finite number,
   *   `INVALID_CORRECTION_FACTOR` for a ratio out of range
   */
  setPeer(peer: number, ratio: number, gain: number): void {
    const stream = this.#stream(peer);
    checkRatio(ratio);
    if (!Number.isFinite(gain)) {
      throw new TransportError("INVALID_DATA", `gain must be a finite number, got ${gain}`);
    }
    stream.step = Math.round(FRACTION / ratio) / FRACTION;
    stream.gain = gain;
  }

  /** Forget a stream: another begins in its place, with silence before it and ratio and gain as they are. */
  resetPeer(peer: number): void {
    begin(this.#stream(peer));
  }

  /** How many samples of a stream the next tick takes. */
  needed(peer: number): number {
    const { position, step, kept } = this.#stream(peer);
    return Math.floor(position + (this.samples - 1) * step) + PCM_TAPS_AFTER + 1 - kept;
  }

  /**
   * Make the next samples of the mix.
   * @param inputs for every peer `needed(peer)` samples, or undefined when it stands still; read, not kept
   * @returns `samples` fresh samples, not limited to [-1, 1]
   * @throws TransportError `INVALID_DATA` for an input of another length, `ALREADY_SHUTDOWN` after `close()`
   */
  tick(inputs: readonly (Float32Array | undefined)[]): Float32Array {
    this.#open();
    for (let peer = 0; peer < inputs.length; peer++) this.#checkInput(peer, inputs[peer]);
    let active = 0;
    for (let peer = 0; peer < inputs.length; peer++) {
      const input = inputs[peer];
      if (input !== undefined) this.#enter(this.#streams[peer] as Stream, input, active++);
    }
    const { kernels } = this.#region.arena;
    const target = this.#target;
    kernels.audioTick(
      this.#states,
      this.#gains.byteOffset,
      active,
      this.#region.address,
      this.#rows,
      target.byteOffset,
      this.samples,
    );
    for (let peer = 0; peer < inputs.length; peer++) {
      if (inputs[peer] !== undefined) this.#advance(this.#streams[peer] as Stream);
    }
    return target.slice();
  }

  /** Give the memory back. Idempotent; everything else throws from then on. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    releaseRegion(this.#region);
  }

  /** Copy the input in and describe the stream to the kernel as the one at `index`. */
  #enter(stream: Stream, input: Float32Array, index: number): void {
    const { words } = this.#region.arena;
    stream.input.set(input, stream.kept);
    stream.kept += input.length;
    const state = this.#states + index * PCM_STATE_BYTES;
    storeFixed(words, state + PCM_POSITION, stream.position);
    storeFixed(words, state + PCM_STEP, stream.step);
    words[(state + PCM_SOURCE) >> 2] = stream.address;
    this.#gains[index] = stream.gain;
  }

  #advance(stream: Stream): void {
    const position = stream.position + this.samples * stream.step;
    const done = Math.floor(position) - PCM_TAPS_BEFORE;
    stream.input.copyWithin(0, done, stream.kept);
    stream.kept -= done;
    stream.position = position - done;
  }

  #checkInput(peer: number, input: Float32Array | undefined): void {
    const needed = this.needed(peer);
    if (input === undefined || (input instanceof Float32Array && input.length === needed)) return;
    throw new TransportError("INVALID_DATA", `inputs[${peer}] must be a Float32Array of ${needed} samples`);
  }

  #stream(peer: number): Stream {
    this.#open();
    const stream = this.#streams[peer];
    if (stream !== undefined) return stream;
    throw new TransportError("INVALID_DATA", `peer must be 0 to ${MAX_PEERS - 1}, got ${peer}`);
  }

  #open(): void {
    if (!this.#closed) return;
    throw new TransportError("ALREADY_SHUTDOWN", "the mixer is closed", {
      suggestion: "Create a new AudioMixer.",
    });
  }
}

/** Silence as far as the first filter reaches back. */
function begin(stream: Stream): void {
  stream.input.fill(0, 0, PCM_TAPS);
  stream.kept = PCM_TAPS;
  stream.position = PCM_TAPS - PCM_TAPS_AFTER;
}
