// The last thing that happens to audio: decoded samples are resampled so that the sender's clock and ours stay
// together. Opaque payloads pass through; whoever decodes them finds the ratio on the frame. Reads no clock.
import type { Arena } from "../wasm/arena.ts";
import type { ClockDriftEstimate } from "../wasm/clock-drift.ts";
import { DriftResampler } from "../wasm/pcm.ts";
import { DriftCorrection } from "./drift-correction.ts";
import { PhaseTrim } from "./playout.ts";
import type { SyncConfig } from "./sync-config.ts";

const SAMPLE_RATE = 48000;
/** How often the correction hears of the drift. An estimate costs as much as a hundred frames, and changes slowly. */
const UPDATE_MS = 5000;
/** An estimate less sure than this is not worth telling. */
const TOLD_ERROR_PPM = 50;

/** Ratio and resampler of one audio stream. */
export class AudioOutput {
  /** Input consumed per output made for the frame handed to {@link process} last. */
  ratio = 1;
  /** What the frames tell of the drift; 0 while nothing is known. */
  driftPpm = 0;
  /** Us by which what {@link process} returned last begins before the timestamp it came with. */
  delayUs = 0;
  readonly #correction = new DriftCorrection();
  readonly #trim: PhaseTrim;
  readonly #automatic: boolean;
  readonly #paced: boolean;
  readonly #arena: Arena | undefined;
  #resampler: DriftResampler | undefined;
  /** Samples per channel that the resampler has been given. */
  #given = 0;
  #manual = false;
  #updatedMs = -Infinity;

  constructor(config: SyncConfig, arena: Arena | undefined) {
    this.#automatic = config.enableClockDriftCorrection;
    this.#paced = config.release === "paced";
    this.#trim = new PhaseTrim(config.audioClockRate);
    this.#arena = arena;
  }

  /** Whether it is time for {@link follow}. */
  isDue(nowMs: number): boolean {
    return !(nowMs - this.#updatedMs < UPDATE_MS) || nowMs < this.#updatedMs;
  }

  /** Take in what is known of the drift. */
  follow(estimate: ClockDriftEstimate | null, nowMs: number): void {
    this.#updatedMs = nowMs;
    const isSure = estimate !== null && estimate.standardErrorPpm < TOLD_ERROR_PPM;
    this.driftPpm = isSure ? estimate.driftPpm : 0;
    if (this.#automatic && !this.#manual) this.#correction.update(estimate, nowMs);
  }

  /** Correct by hand. @throws TransportError `INVALID_CORRECTION_FACTOR` outside 0.99 to 1.01 */
  apply(factor: number, nowMs: number): void {
    this.#correction.apply(factor, nowMs);
    this.#manual = true;
  }

  /**
   * The next frame has its turn: settle at which ratio it plays.
   * @param ticks its unwrapped timestamp
   * @returns ms for time-scaling to add before it, see {@link PhaseTrim.next}; 0 unless paced
   */
  begin(ticks: number, dueMs: number, nowMs: number): number {
    const ratio = this.#correction.ratioAt(nowMs);
    // Frames that leave as they come are due when they come: jitter, not a clock.
    const stretchMs = this.#paced ? this.#trim.next(ticks, dueMs) : 0;
    const trims = this.#automatic && !this.#manual;
    this.ratio = trims ? ratio + this.#trim.ppm * 1e-6 : ratio;
    this.#trim.play(this.ratio);
    return stretchMs;
  }

  /** Resample decoded samples at the ratio; anything else is returned as it is. */
  process<Payload>(payload: Payload, channels: number): Payload {
    if (!(payload instanceof Float32Array) || !(this.#automatic || this.#manual)) return payload;
    if (this.#resampler?.channels !== channels) {
      this.#resampler?.close();
      this.#resampler = new DriftResampler({ channels, ...(this.#arena && { arena: this.#arena }) });
      this.#given = 0;
    }
    this.delayUs = ((this.#given - this.#resampler.positionSamples) * 1e6) / SAMPLE_RATE;
    this.#given += payload.length / channels;
    return this.#resampler.process(payload, 1 / this.ratio) as Float32Array & Payload;
  }

  /** Another stream begins: ratio 1, automatic, nothing remembered. */
  reset(): void {
    this.#correction.reset();
    this.#trim.reset();
    this.#resampler?.reset();
    this.#given = 0;
    this.#manual = false;
    this.#updatedMs = -Infinity;
    this.ratio = 1;
    this.driftPpm = 0;
  }

  /** Give the memory back. Idempotent. */
  close(): void {
    this.#resampler?.close();
    this.#resampler = undefined;
  }
}
