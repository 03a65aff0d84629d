// What a simulated mesh is judged by: spreads of errors and delays against the truth that only a simulation knows, and
// a digest of everything that came out.
import { Histogram } from "./histogram.ts";
import type { Spread } from "./histogram.ts";
import type { LinkCounters } from "./link-model.ts";

/** Figures of a simulated mesh, from the end of its warm-up on. Times in ms, shares 0 to 1. */
export interface MeshReport {
  readonly seed: number | string;
  readonly peers: number;
  readonly durationMs: number;
  /** Hexadecimal FNV-1a hash of every frame and row that came out, in order: equal for equal seeds. */
  readonly digest: string;
  /** Difference of the errors of two capture times in one aligned row: what the ear takes for a difference in time. */
  readonly alignmentErrorMs: Spread;
  /** Error of single capture times on the receiver's clock. */
  readonly captureErrorMs: Spread;
  /** Share of capture times that are further off than their stated bound. */
  readonly outsideBound: number;
  /** From capture to its turn. Audio includes the 20 ms (or so) of its own frame. */
  readonly audioDelayMs: Spread;
  readonly videoDelayMs: Spread;
  /** How much later video is played than audio captured at the same time, either sign taken as positive. */
  readonly lipSyncMs: Spread;
  /** Audio frames that came and were dropped as too late, of those that came. */
  readonly lateLoss: number;
  /** Audio frames that never came, of those sent. */
  readonly networkLoss: number;
  readonly audioFrames: number;
  readonly videoFrames: number;
  /** Rows of aligned audio, and those of them in which every peer has a frame. */
  readonly rows: number;
  readonly completeRows: number;
}

const RESOLUTION_MS = 0.05;
const LIMIT_MS = 2_000;

/** FNV-1a, 32 bits. */
const FNV_BASIS = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** Collects the figures while the simulation runs. */
export class MeshRecord {
  readonly alignmentError = new Histogram(RESOLUTION_MS, LIMIT_MS);
  readonly captureError = new Histogram(RESOLUTION_MS, LIMIT_MS);
  readonly audioDelay = new Histogram(RESOLUTION_MS, LIMIT_MS);
  readonly videoDelay = new Histogram(RESOLUTION_MS, LIMIT_MS);
  readonly lipSync = new Histogram(RESOLUTION_MS, LIMIT_MS);
  outsideBound = 0;
  bounded = 0;
  rows = 0;
  completeRows = 0;
  #digest = FNV_BASIS;
  readonly #number = new Float64Array(1);
  readonly #words = new Uint32Array(this.#number.buffer);

  /** Take a number into the digest, all of its bits. */
  note(value: number): void {
    this.#number[0] = value;
    this.#digest = Math.imul(this.#digest ^ (this.#words[0] as number), FNV_PRIME);
    this.#digest = Math.imul(this.#digest ^ (this.#words[1] as number), FNV_PRIME);
  }

  /** @param came audio frames that arrived, @param late of them too late, both since the start */
  report(
    about: Pick<MeshReport, "seed" | "peers" | "durationMs">,
    came: number,
    late: number,
    audioLinks: readonly LinkCounters[],
  ): MeshReport {
    const sent = audioLinks.reduce((sum, link) => sum + link.sent, 0);
    const missing = audioLinks.reduce((sum, link) => sum + link.lost + link.overflowed, 0);
    return {
      ...about,
      digest: (this.#digest >>> 0).toString(16).padStart(8, "0"),
      alignmentErrorMs: this.alignmentError.spread,
      captureErrorMs: this.captureError.spread,
      outsideBound: share(this.outsideBound, this.bounded),
      audioDelayMs: this.audioDelay.spread,
      videoDelayMs: this.videoDelay.spread,
      lipSyncMs: this.lipSync.spread,
      lateLoss: share(late, came),
      networkLoss: share(missing, sent),
      audioFrames: this.audioDelay.spread.count,
      videoFrames: this.videoDelay.spread.count,
      rows: this.rows,
      completeRows: this.completeRows,
    };
  }
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
