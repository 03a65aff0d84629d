// Time scaling for a live player: takes out or puts in whole pitch periods, or bits of background, so that playout moves
// by milliseconds without a gap and without another pitch. Adds no delay and reads no clock.
import { TransportError } from "../errors/errors.ts";
import type { Arena } from "./arena.ts";
import {
  SCALE_CANDIDATE_ENERGY,
  SCALE_CORRELATION,
  SCALE_REFERENCE_ENERGY,
  SCALE_RESULT_BYTES,
} from "./generated/layout.ts";
import { claimRegion, releaseRegion } from "./regions.ts";
import type { Region } from "./regions.ts";
import { BackgroundLevel } from "./background-level.ts";
import { crossFade } from "./cross-fade.ts";

/** A splice moves by 2.5 to 15 ms: one period of a voice of 400 to 67 Hz, or several of a high one. */
const MIN_LAG_MS = 2.5;
const MAX_LAG_MS = 15;
/** Length of the cross-fade. A block must hold one behind the splice, so a longer one would leave less choice. */
const FADE_MS = 5;
/** What is compared around a splice: the cross-fade and as much before it, more than the period of a low voice. */
const WINDOW_MS = 15;
/** Splices are tried at every such step of a block. */
const PLACE_MS = 2.5;
/** Kept of the signal before a block: what a splice at the block's first sample compares with. */
const HISTORY_MS = MAX_LAG_MS + WINDOW_MS - FADE_MS;
/** Longer blocks are worked on in pieces, so that each may get its splice. */
const MAX_PIECE_MS = 40;
/** Rate of the coarse search. */
const SEARCH_RATE = 8000;
/** From this normalized correlation on a splice in voiced sound is not heard (NetEq uses 0.9 as well). */
const VOICED_CORRELATION = 0.9;
/** What is asked just below `mustMs`; from half of it on the demand falls, since a fair place now spares a bad one. */
const FAIR_CORRELATION = 0.5;
/** After a splice in voiced sound its length times this passes untouched, lest a repeated period become a buzz. */
const REST = 3;
const DEFAULT_MUST_MS = 40;
const F32_BYTES = Float32Array.BYTES_PER_ELEMENT;
/** Samples the kernel compares at once. */
const LANES = 4;

/** Settings of a {@link TimeScaler}. */
export interface TimeScalerOptions {
  /** Hz, a whole number from 8000 to 48000. */
  sampleRate: number;
  /** Interleaved channels, 1 or 2. Both are cut alike. */
  channels: number;
  /** From this debt on, ms, it splices at the best place there is, however it sounds. Default 40. */
  mustMs?: number;
  /** Where its memory lies (some 20 KiB a channel at 48 kHz); a pool of the realm by default. */
  arena?: Arena;
}

/** A block after time scaling. */
export interface ScaledBlock {
  /** Interleaved; the very block given when nothing was changed. */
  readonly samples: Float32Array;
  /** Samples per channel it became longer by; negative: shorter. */
  readonly changedSamples: number;
  /** The same in ms. */
  readonly changedMs: number;
}

/** A splice: the signal goes on at `to` instead of `at`; frames, counted from the start of the piece. */
interface Splice {
  readonly at: number;
  readonly to: number;
  readonly correlation: number;
  /** Mean square of what lies around it. */
  readonly power: number;
}

/**
 * Plays a stream longer or shorter by splices where the signal resembles itself: waveform similarity overlap-add
 * (Verhelst and Roelands, ICASSP 1993) as players of packet voice use it (Liang, Faerber, Girod, "Adaptive playout
 * scheduling and loss concealment for voice over IP networks", IEEE Trans. Multimedia 5, 2003; the accelerate and
 * preemptive-expand operations of NetEq).
 *
 * A block leaves at once; only what came before it is remembered, so the first sample out is the first one in. In voiced
 * sound a splice needs a normalized correlation of 0.9, in silence and background none. Everything else is left alone
 * until the debt is large: beyond half of `mustMs` fairer places do, beyond `mustMs` the best there is. Blocks of 20 ms or more give a choice of places; below 7.5 ms nothing fits in.
 */
export class TimeScaler {
  readonly #channels: number;
  readonly #sampleRate: number;
  readonly #mustFrames: number;
  readonly #region: Region;
  /** History, then the piece at work; interleaved. */
  readonly #signal: Float32Array;
  readonly #coarse: number;
  readonly #result: Float32Array;
  readonly #history: number;
  readonly #maxPiece: number;
  readonly #minLag: number;
  readonly #maxLag: number;
  readonly #window: number;
  readonly #fade: number;
  /** Frames per sample of the coarse search. */
  readonly #factor: number;
  readonly #background = new BackgroundLevel();
  /** Frames still to pass before the next splice in voiced sound. */
  #rest = 0;
  #closed = false;

  /**
   * @throws TransportError `INVALID_CONFIG` for an option out of range, `LIMIT_EXCEEDED` when the arena is full,
   *   `NOT_SUPPORTED` without WebAssembly
   */
  constructor(options: TimeScalerOptions) {
    const { sampleRate, channels, mustMs = DEFAULT_MUST_MS, arena } = options;
    checkOptions(sampleRate, channels, mustMs);
    this.#channels = channels;
    this.#sampleRate = sampleRate;
    this.#factor = Math.round(sampleRate / SEARCH_RATE);
    // Everything in whole steps of the coarse search, windows in whole groups of the kernel besides.
    const frames = (ms: number, unit = this.#factor): number =>
      Math.round((ms * sampleRate) / 1000 / unit) * unit;
    this.#mustFrames = (mustMs * sampleRate) / 1000;
    this.#minLag = frames(MIN_LAG_MS);
    this.#maxLag = frames(MAX_LAG_MS);
    this.#window = frames(WINDOW_MS, this.#factor * LANES);
    this.#fade = frames(FADE_MS);
    this.#history = frames(HISTORY_MS) + 2 * LANES * this.#factor;
    this.#maxPiece = frames(MAX_PIECE_MS);
    const signalLength = (this.#history + this.#maxPiece + LANES) * channels;
    const coarseLength = Math.ceil(signalLength / channels / this.#factor);
    const signalBytes = Math.ceil(signalLength / LANES) * LANES * F32_BYTES;
    this.#region = claimRegion(SCALE_RESULT_BYTES + signalBytes + coarseLength * F32_BYTES, arena);
    const { address, arena: home } = this.#region;
    this.#result = new Float32Array(home.buffer, address, SCALE_RESULT_BYTES / F32_BYTES);
    this.#signal = new Float32Array(home.buffer, address + SCALE_RESULT_BYTES, signalLength);
    this.#coarse = address + SCALE_RESULT_BYTES + signalBytes;
    this.reset();
  }

  /**
   * Pass a block on, longer or shorter if it lends itself to it.
   *
   * @param samples interleaved, of any length; read, not kept
   * @param wantedMs the debt: above 0 the stream should get longer by so much, below 0 shorter. It is never exceeded,
   *   and one below 2.5 ms stays as it is
   * @returns the block and by how much it changed, exactly: output = input + change
   * @throws TransportError `INVALID_DATA` for a broken block or debt, `ALREADY_SHUTDOWN` after `close()`
   */
  process(samples: Float32Array, wantedMs: number): ScaledBlock {
    this.#check(samples, wantedMs);
    const wanted = Math.trunc((wantedMs * this.#sampleRate) / 1000);
    const frames = samples.length / this.#channels;
    if (frames <= this.#maxPiece) return this.#block(this.#piece(samples, wanted), frames);
    const pieces: Float32Array[] = [];
    const count = Math.ceil(frames / this.#maxPiece);
    let rest = wanted;
    let length = 0;
    for (let i = 0; i < count; i++) {
      const [from, to] = [Math.floor((i * frames) / count), Math.floor(((i + 1) * frames) / count)];
      const piece = this.#piece(samples.subarray(from * this.#channels, to * this.#channels), rest);
      rest -= piece.length / this.#channels - (to - from);
      pieces.push(piece);
      length += piece.length;
    }
    if (rest === wanted) return this.#block(samples, frames);
    const joined = new Float32Array(length);
    for (let at = 0, i = 0; i < count; at += pieces[i++]?.length ?? 0)
      joined.set(pieces[i] as Float32Array, at);
    return this.#block(joined, frames);
  }

  /** Forget the stream: the next block begins another, with silence before it. */
  reset(): void {
    this.#open();
    this.#signal.fill(0);
    this.#background.reset();
    this.#rest = 0;
  }

  /** Give the memory back. Idempotent; `process` and `reset` throw from then on. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    releaseRegion(this.#region);
  }

  #block(samples: Float32Array, frames: number): ScaledBlock {
    const changedSamples = samples.length / this.#channels - frames;
    return { samples, changedSamples, changedMs: (changedSamples * 1000) / this.#sampleRate };
  }

  #piece(piece: Float32Array, wanted: number): Float32Array {
    const frames = piece.length / this.#channels;
    this.#signal.set(piece, this.#history * this.#channels);
    this.#background.hear(piece, frames / this.#sampleRate);
    this.#rest = Math.max(0, this.#rest - frames);
    const splice = this.#choose(frames, wanted);
    const out = splice === undefined ? piece : this.#apply(splice, frames);
    this.#signal.copyWithin(0, piece.length, (this.#history + frames) * this.#channels);
    return out;
  }

  /** The best splice of the piece, if it is good enough for the debt. */
  #choose(frames: number, wanted: number): Splice | undefined {
    const longest = Math.min(this.#maxLag, Math.abs(wanted));
    if (longest < this.#minLag || frames < this.#minLag + this.#fade) return undefined;
    const splice = this.#search(frames, longest, wanted < 0);
    if (splice === undefined) return undefined;
    const urgency = Math.abs(wanted) / this.#mustFrames;
    if (urgency >= 1 || this.#background.covers(splice.power)) return splice;
    const relief = Math.max(0, 2 * urgency - 1) * (VOICED_CORRELATION - FAIR_CORRELATION);
    if (splice.correlation < VOICED_CORRELATION - relief || this.#rest > 0) return undefined;
    this.#rest = REST * Math.abs(splice.to - splice.at);
    return splice;
  }

  /** The most similar pair of places at the lower rate, then the exact lag between them at the full one. */
  #search(frames: number, longest: number, shrinking: boolean): Splice | undefined {
    const { kernels } = this.#region.arena;
    const factor = this.#factor;
    const total = Math.floor((this.#history + frames) / factor);
    kernels.decimate(this.#signal.byteOffset, this.#coarse, total, factor * this.#channels);
    const direction = shrinking ? 1 : -1;
    const place = Math.max(1, Math.round((PLACE_MS * this.#sampleRate) / 1000 / factor)) * factor;
    let best: Splice | undefined;
    for (let at = 0; at + this.#fade <= frames; at += place) {
      const room = shrinking ? Math.min(longest, frames - this.#fade - at) : longest;
      const count = Math.floor((room - this.#minLag) / factor) + 1;
      if (count < 1) break;
      const found = this.#compare(at, this.#minLag * direction, factor * direction, count, true);
      if (found !== undefined && found.correlation > (best?.correlation ?? -2)) best = found;
    }
    if (best === undefined || factor === 1) return best;
    return this.#refine(best, frames, longest, direction);
  }

  #refine({ at, to }: Splice, frames: number, longest: number, direction: 1 | -1): Splice | undefined {
    const coarseLag = (to - at) * direction;
    const least = Math.max(this.#minLag, coarseLag - this.#factor);
    const most = Math.min(
      direction === 1 ? Math.min(longest, frames - this.#fade - at) : longest,
      coarseLag + this.#factor,
    );
    return this.#compare(at, least * direction, direction, most - least + 1, false);
  }

  /** Compare what lies around `at` with what lies around `at + offset`, `at + offset + step` and so on. */
  #compare(at: number, offset: number, step: number, count: number, coarse: boolean): Splice | undefined {
    const unit = coarse ? this.#factor : 1;
    const channels = coarse ? 1 : this.#channels;
    const base = coarse ? this.#coarse : this.#signal.byteOffset;
    const start = this.#history + at + this.#fade - this.#window;
    const address = (frame: number): number => base + (frame / unit) * channels * F32_BYTES;
    const samples = (this.#window / unit) * channels;
    const index = this.#region.arena.kernels.findSimilar(
      this.#result.byteOffset,
      address(start),
      address(start + offset),
      (step / unit) * channels * F32_BYTES,
      count,
      samples,
    );
    if (index < 0) return undefined;
    const value = (byte: number): number => this.#result[byte / F32_BYTES] as number;
    return {
      at,
      to: at + offset + index * step,
      correlation: value(SCALE_CORRELATION),
      power: Math.max(value(SCALE_REFERENCE_ENERGY), value(SCALE_CANDIDATE_ENERGY)) / samples,
    };
  }

  #apply({ at, to, correlation }: Splice, frames: number): Float32Array {
    const channels = this.#channels;
    const start = this.#history * channels;
    const [from, onto, fade, length] = [at, to, this.#fade, frames].map((frame) => frame * channels) as [
      number,
      number,
      number,
      number,
    ];
    const out = new Float32Array(length + from - onto);
    out.set(this.#signal.subarray(start, start + from));
    const leaving = this.#signal.subarray(start + from, start + from + fade);
    const coming = this.#signal.subarray(start + onto, start + onto + fade);
    crossFade(leaving, coming, channels, correlation, out.subarray(from, from + fade));
    out.set(this.#signal.subarray(start + onto + fade, start + length), from + fade);
    return out;
  }

  #check(samples: Float32Array, wantedMs: number): void {
    this.#open();
    if (!(samples instanceof Float32Array) || samples.length % this.#channels !== 0) {
      throw new TransportError(
        "INVALID_DATA",
        `samples must be a Float32Array of whole frames of ${this.#channels} samples`,
      );
    }
    if (!Number.isFinite(wantedMs)) {
      throw new TransportError("INVALID_DATA", `wantedMs must be a finite number, got ${wantedMs}`);
    }
  }

  #open(): void {
    if (!this.#closed) return;
    throw new TransportError("ALREADY_SHUTDOWN", "the time scaler is closed", {
      suggestion: "Create a new TimeScaler.",
    });
  }
}

function checkOptions(sampleRate: number, channels: number, mustMs: number): void {
  const fault = (text: string): TransportError => new TransportError("INVALID_CONFIG", text);
  if (!(Number.isInteger(sampleRate) && sampleRate >= 8000 && sampleRate <= 48_000)) {
    throw fault(`sampleRate must be a whole number from 8000 to 48000, got ${sampleRate}`);
  }
  if (channels !== 1 && channels !== 2) throw fault(`channels must be 1 or 2, got ${channels}`);
  if (!(mustMs > 0)) throw fault(`mustMs must be above 0, got ${mustMs}`);
}
