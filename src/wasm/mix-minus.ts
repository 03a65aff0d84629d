// The mix of a conference over the WebAssembly kernel: levels of all voices, then what each of them is to hear, all the
// others. Keeps nothing from block to block.
import { TransportError } from "../errors/errors.ts";
import type { Arena } from "./arena.ts";
import {
  MIX_GAIN,
  MIX_GAIN_STEP,
  MIX_GROUP,
  MIX_LEVEL_BYTES,
  MIX_PEAKS,
  MIX_ROW,
  MIX_SQUARES,
  MIX_VOICE_BYTES,
} from "./generated/layout.ts";
import { claimRegion, releaseRegion } from "./regions.ts";
import type { Region } from "./regions.ts";

/** Ten peers, and what a program adds to them: its own voice, music, an announcement. */
export const MAX_VOICES = 16;
const F32_BYTES = Float32Array.BYTES_PER_ELEMENT;

/** Settings of a {@link MixMinus}. */
export interface MixMinusOptions {
  /** Of one block, all channels together: a whole number from 1, a multiple of `channels`. */
  readonly samples: number;
  /** Interleaved, 1 or 2. */
  readonly channels: 1 | 2;
  /** Where its memory lies (33 blocks); a pool of the realm by default. */
  readonly arena?: Arena;
}

/** A row in the mix; the gain goes in a straight line from the end of the last block to the end of this one. */
export interface MixedVoice {
  /** Number of its row, 0 to 15; none twice. */
  readonly row: number;
  /** Linear. */
  readonly fromGain: number;
  readonly toGain: number;
}

/** Level of a row, as linear values. */
export interface RowLevel {
  /** Largest magnitude. */
  readonly peak: number;
  /** Mean square. */
  readonly power: number;
}

/**
 * One block of up to 16 voices: fill the rows, measure them, mix them. Outputs are limited above -3.01 dBFS: below it a
 * sample is the sum, bit by bit; beyond, the curve v / sqrt(1 + v^2) bends it to end at full scale, so that a sine of
 * -2 dBFS gets 0.17 % of distortion, one of 0 dBFS 3.5 %.
 */
export class MixMinus {
  readonly #samples: number;
  readonly #channels: 1 | 2;
  readonly #region: Region;
  readonly #rowBytes: number;
  readonly #rows: readonly Float32Array[];
  readonly #outputs: readonly Float32Array[];
  readonly #voices: number;
  readonly #levels: Float32Array;
  #closed = false;

  /** @throws TransportError `LIMIT_EXCEEDED` when the arena is full, `NOT_SUPPORTED` without WebAssembly */
  constructor({ samples, channels, arena }: MixMinusOptions) {
    this.#samples = samples;
    this.#channels = channels;
    this.#rowBytes = Math.ceil(samples / MIX_GROUP) * MIX_GROUP * F32_BYTES;
    const levelBytes = MAX_VOICES * MIX_LEVEL_BYTES;
    const voiceBytes = MAX_VOICES * MIX_VOICE_BYTES;
    this.#region = claimRegion(levelBytes + voiceBytes + (2 * MAX_VOICES + 1) * this.#rowBytes, arena);
    const { address, arena: home } = this.#region;
    this.#levels = new Float32Array(home.buffer, address, levelBytes / F32_BYTES);
    this.#voices = address + levelBytes;
    const first = this.#voices + voiceBytes;
    // Zeros behind the last sample stay zeros.
    new Uint8Array(home.buffer, first, MAX_VOICES * this.#rowBytes).fill(0);
    const block = (_: unknown, index: number): Float32Array =>
      new Float32Array(home.buffer, first + index * this.#rowBytes, samples);
    const blocks = Array.from({ length: 2 * MAX_VOICES + 1 }, block);
    this.#rows = blocks.slice(0, MAX_VOICES);
    this.#outputs = blocks.slice(MAX_VOICES);
  }

  /**
   * The samples of a voice, to be filled anew for every block: mixing weights them in place.
   * @throws TransportError `ALREADY_SHUTDOWN` after `close()`
   */
  row(index: number): Float32Array {
    this.#open();
    return this.#rows[index] as Float32Array;
  }

  /**
   * Measure the first rows, before their gains. Samples that are no sound, 24 dB above full scale or no number, become
   * silence in them.
   */
  meter(count: number): RowLevel[] {
    this.#open();
    const { kernels } = this.#region.arena;
    kernels.meterRows(
      this.#rows[0]?.byteOffset ?? 0,
      this.#rowBytes,
      count,
      this.#levels.byteOffset,
      this.#samples,
    );
    return Array.from({ length: count }, (_, row) => {
      const at = (row * MIX_LEVEL_BYTES) / F32_BYTES;
      let peak = 0;
      let squares = 0;
      for (let lane = 0; lane < MIX_GROUP; lane++) {
        peak = Math.max(peak, this.#levels[at + MIX_PEAKS / F32_BYTES + lane] as number);
        squares += this.#levels[at + MIX_SQUARES / F32_BYTES + lane] as number;
      }
      return { peak, power: squares / this.#samples };
    });
  }

  /**
   * Mix measured rows. Returns fresh blocks: for every voice the sum of the others, in the order given, and last the sum
   * of all.
   * @throws TransportError `ALREADY_SHUTDOWN` after `close()`
   */
  mix(voices: readonly MixedVoice[]): Float32Array[] {
    this.#open();
    voices.forEach((voice, index) => this.#describe(voice, this.#voices + index * MIX_VOICE_BYTES));
    const { kernels } = this.#region.arena;
    kernels.mixMinus(
      this.#voices,
      voices.length,
      this.#outputs[0]?.byteOffset ?? 0,
      this.#rowBytes,
      this.#samples,
    );
    return this.#outputs.slice(0, voices.length + 1).map((output) => output.slice());
  }

  /** Give the memory back. Idempotent; everything else throws from then on. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    releaseRegion(this.#region);
  }

  #describe({ row, fromGain, toGain }: MixedVoice, address: number): void {
    const { words, buffer } = this.#region.arena;
    const gains = new Float32Array(buffer, address, 2 * MIX_GROUP);
    const step = ((toGain - fromGain) * this.#channels) / this.#samples;
    for (let lane = 0; lane < MIX_GROUP; lane++) {
      const frame = Math.floor(lane / this.#channels);
      gains[MIX_GAIN / F32_BYTES + lane] = fromGain + step * (frame + 1);
      gains[MIX_GAIN_STEP / F32_BYTES + lane] = (step * MIX_GROUP) / this.#channels;
    }
    words[(address + MIX_ROW) >> 2] = this.#rows[row]?.byteOffset ?? 0;
  }

  #open(): void {
    if (!this.#closed) return;
    throw new TransportError("ALREADY_SHUTDOWN", "the mixer is closed", {
      suggestion: "Create a new mixer.",
    });
  }
}
