// Compares what a peer was given as captured at the same instant with when it truly was: finds stretches of aligned
// sound, sample by sample, in what each sender is known to have sent. Pure; time is ms of the run.
//
// The error of a set is the spread (largest less smallest) over its peers of the true capture times of their samples
// at one position. A stretch of 15 sets is judged at once, since 20 ms of sound say too little; its sets count as one
// error. What was not captured, but filled in, is left out by the mask; a peer that said nothing in the stretch, or of
// whom less than four fifths came, has no say in it.
import { decimate, DECIMATION, energy, matchAnywhere, matchNear } from "./correlate.ts";
import type { Reference } from "./reference.ts";
import { SAMPLE_RATE } from "./voice.ts";

/** Sets of 20 ms in a stretch: 300 ms. */
export const SETS_PER_STRETCH = 15;
/** Stretches waiting for word of what was sent; they come once in so many ms. */
const MAX_WAITING = 8;
/** Word of what was sent may come this much later, ms, over the processes of a run. */
const GRACE_MS = 1_500;
/** A peer of whom less of a stretch was captured is not judged. */
const LEAST_SHARE = 0.8;
/** Mean square below which a sender was silent (-50 dBFS), and below which nothing can be correlated. */
const SPEECH_FLOOR = 1e-5;
const MATCH_FLOOR = 1e-7;
/** Errors are followed within this much of the last one, and looked for anew within the wide range; in samples. */
const NEAR = 0.002 * SAMPLE_RATE;
const WIDE = 0.25 * SAMPLE_RATE;
/** A set this close, in samples, to the end of the one before follows it. */
const CONTIGUOUS = 48;
/** The coarse place is that of 8 kHz, and may be a sample of it off. */
const FINE = DECIMATION + 2;
/** Below this correlation a stretch is not recognized: chance stays under 0.35, a match through Opus over 0.8. */
const RECOGNIZED = 0.6;
/** Errors kept: more than an hour of stretches, one a second. */
const MAX_ERRORS = 4096;

/** One peer's share of a set, as in `AlignedPeerBlock`. */
export interface AlignedShare {
  readonly peerId: string;
  readonly samples: Float32Array;
  readonly mask: Uint8Array;
  readonly errorUs: number | null;
}

/** What was judged of one reader. */
export interface AlignmentFigures {
  peerId: string;
  /** Sets that were judged. */
  sets: number;
  /** Of each stretch, ms. */
  errorsMs: number[];
  /** Of each stretch the largest bound that its peers state, ms; those without a bound are left out. */
  boundsMs: number[];
  /** Shares of peers in stretches that held enough sound to be found, and were not. */
  unrecognized: number;
  /** Of those that were looked for. */
  looked: number;
}

/** How much later than labelled sound was captured. */
export interface CaptureLags {
  /** True time that the label means for which it holds, ms of the run. */
  labelMs: number;
  /** By peer. */
  lagsMs: Record<string, number>;
}

interface Stretch {
  /** True time that the reader's label of the first sample means, in samples. */
  start: number;
  /** Where the next set should begin. */
  end: number;
  sets: number;
  shares: Map<string, { samples: Float32Array; captured: number; errorUs: number | null }>;
  completeMs: number;
}

/** How an {@link AlignmentJudge} judges. */
export interface AlignmentJudgeOptions {
  /** Who reads. */
  peerId: string;
  /** What a peer sent; undefined: it is not known, and the peer is left out. */
  reference: (peerId: string) => Reference | undefined;
  /** Nothing is judged before, ms of the run. */
  fromMs: () => number;
  /** A stretch begins this often, in ms. */
  intervalMs: number;
}

/** See the header. */
export class AlignmentJudge {
  readonly #options: AlignmentJudgeOptions;
  readonly #lags = new Map<string, number>();
  readonly #waiting: Stretch[] = [];
  readonly #figures: AlignmentFigures;
  #judgedMs = 0;
  #open: Stretch | undefined;
  #nextStart = 0;

  constructor(options: AlignmentJudgeOptions) {
    this.#options = options;
    const none = { sets: 0, errorsMs: [], boundsMs: [], unrecognized: 0, looked: 0 };
    this.#figures = { peerId: options.peerId, ...none };
  }

  /** What has been judged. */
  get figures(): Readonly<AlignmentFigures> {
    return this.#figures;
  }

  /** How much later than labelled the samples of each peer were captured, as last judged. */
  lags(): CaptureLags {
    const lagsMs = [...this.#lags].map(([peerId, lag]) => [peerId, (lag * 1000) / SAMPLE_RATE]);
    return { labelMs: this.#judgedMs, lagsMs: Object.fromEntries(lagsMs) as Record<string, number> };
  }

  /**
   * Note a set of 20 ms.
   *
   * @param shares mono, 48 kHz; read, not kept
   * @param labelMs true time that the reader's label of the first sample means
   */
  push(shares: readonly AlignedShare[], labelMs: number, nowMs: number): void {
    const start = (labelMs * SAMPLE_RATE) / 1000;
    // Sets that the reader was too slow for are missing: a stretch must be whole.
    if (this.#open !== undefined && Math.abs(start - this.#open.end) > CONTIGUOUS) this.#open = undefined;
    if (this.#open === undefined) {
      if (start < this.#nextStart) return;
      this.#open = { start, end: start, sets: 0, shares: new Map(), completeMs: 0 };
      this.#nextStart = start + (this.#options.intervalMs * SAMPLE_RATE) / 1000;
    }
    const stretch = this.#open;
    for (const share of shares) addShare(stretch, share);
    stretch.end += shares[0]?.samples.length ?? 0;
    if (++stretch.sets < SETS_PER_STRETCH) return;
    this.#open = undefined;
    stretch.completeMs = nowMs;
    this.#waiting.push(stretch);
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift();
  }

  /** Judge a stretch of which it is known what was sent; call some times a second. @returns whether there was one */
  tick(nowMs: number): boolean {
    const stretch = this.#waiting[0];
    if (stretch === undefined) return false;
    const known = [...stretch.shares.keys()].every((peerId) => {
      const end = this.#options.reference(peerId)?.end ?? Infinity;
      return end >= stretch.end + NEAR;
    });
    if (!known && nowMs < stretch.completeMs + GRACE_MS) return false;
    this.#waiting.shift();
    this.#judge(stretch, nowMs >= this.#options.fromMs());
    return true;
  }

  #judge(stretch: Stretch, counts: boolean): void {
    this.#judgedMs = ((stretch.start + stretch.end) * 500) / SAMPLE_RATE;
    const lags: number[] = [];
    let boundUs: number | null = 0;
    for (const [peerId, { samples, captured, errorUs }] of stretch.shares) {
      const reference = this.#options.reference(peerId);
      if (reference === undefined || captured < LEAST_SHARE * samples.length) continue;
      const lag = this.#find(peerId, samples, stretch.start, reference);
      if (lag === "silent") continue;
      if (counts) this.#figures.looked++;
      if (lag === undefined) {
        this.#lags.delete(peerId);
        if (counts) this.#figures.unrecognized++;
        continue;
      }
      this.#lags.set(peerId, lag);
      lags.push(lag);
      boundUs = errorUs === null || boundUs === null ? null : Math.max(boundUs, errorUs);
    }
    if (!counts || lags.length < 2) return;
    const spread = Math.max(...lags) - Math.min(...lags);
    this.#figures.sets += stretch.sets;
    remember(this.#figures.errorsMs, (spread * 1000) / SAMPLE_RATE);
    if (boundUs !== null) remember(this.#figures.boundsMs, boundUs / 1000);
  }

  /** How many samples later than labelled a share was captured; undefined: it is not found. */
  #find(
    peerId: string,
    samples: Float32Array,
    label: number,
    reference: Reference,
  ): number | "silent" | undefined {
    const last = this.#lags.get(peerId);
    const near = last === undefined ? undefined : search(samples, label, reference, last, NEAR);
    return near ?? search(samples, label, reference, 0, WIDE);
  }
}

/** The same among lags within `reach` of `around`: coarsely at 8 kHz, then to a part of a sample. */
function search(
  samples: Float32Array,
  label: number,
  reference: Reference,
  around: number,
  reach: number,
): number | "silent" | undefined {
  const first = Math.floor(label + around - reach) - FINE;
  const haystack = reference.read(first, samples.length + 2 * (reach + FINE));
  if (energy(haystack, reach + FINE, samples.length) < SPEECH_FLOOR * samples.length) return "silent";
  const needle = decimate(samples);
  const sparse = decimate(haystack);
  const { offset: place } =
    reach > NEAR
      ? matchAnywhere(needle, sparse, MATCH_FLOOR)
      : matchNear(needle, sparse, 0, sparse.length - needle.length, MATCH_FLOOR);
  const from = place * DECIMATION;
  const fine = matchNear(samples, haystack, from - FINE, from + FINE, MATCH_FLOOR);
  if (fine.correlation < RECOGNIZED) return undefined;
  const at = (offset: number): number =>
    matchNear(samples, haystack, offset, offset, MATCH_FLOOR).correlation;
  const peak = vertex(at(fine.offset - 1), fine.correlation, at(fine.offset + 1));
  return first + fine.offset + peak - label;
}

/** Where between -0.5 and 0.5 the parabola through three neighbouring values is highest. */
function vertex(before: number, middle: number, after: number): number {
  const curvature = before - 2 * middle + after;
  return curvature < 0 ? Math.max(-0.5, Math.min(0.5, (before - after) / (2 * curvature))) : 0;
}

function addShare(stretch: Stretch, { peerId, samples, mask, errorUs }: AlignedShare): void {
  const known = stretch.shares.get(peerId);
  const share = known ?? {
    samples: new Float32Array(samples.length * SETS_PER_STRETCH),
    captured: 0,
    errorUs: 0,
  };
  if (known === undefined) stretch.shares.set(peerId, share);
  const at = stretch.sets * samples.length;
  for (let i = 0; i < samples.length; i++) {
    if (mask[i] !== 1) continue;
    share.samples[at + i] = samples[i] as number;
    share.captured++;
  }
  share.errorUs = errorUs === null || share.errorUs === null ? null : Math.max(share.errorUs, errorUs);
}

function remember(values: number[], value: number): void {
  values.push(value);
  if (values.length > MAX_ERRORS) values.shift();
}
