// Quality tiers: what each of them takes of a path, and which one a peer is in as its path changes. Pure numbers; time
// is a parameter.

/** Names of tiers, the best first. */
export const QUALITY_TIERS = ["high", "medium", "low"] as const;

/** How good a form of a picture a peer gets. */
export type QualityTier = (typeof QUALITY_TIERS)[number];

/** One tier. */
export interface TierDefinition {
  readonly tier: QualityTier;
  /** What its pictures are encoded with at most, kbit/s. */
  readonly kbps: number;
  /** Size of its pictures at most, in pixels. */
  readonly width: number;
  readonly height: number;
  /** A path that carries less, kbit/s, gets a lower tier; 0 of the lowest. */
  readonly minKbps: number;
}

/** Tiers of sources up to 1080p at 30 pictures a second. */
export const DEFAULT_TIERS: readonly TierDefinition[] = [
  { tier: "high", kbps: 4000, width: 1920, height: 1080, minKbps: 3000 },
  { tier: "medium", kbps: 1500, width: 1280, height: 720, minKbps: 1000 },
  { tier: "low", kbps: 500, width: 854, height: 480, minKbps: 0 },
];

/** Pixels a second that {@link DEFAULT_TIERS} are made for. */
const FULL_PIXEL_RATE = 1920 * 1080 * 30;

/** Four times the pixels take less than four times the bits, as neighbours are alike: three quarters of the way. */
const BITS_EXPONENT = 0.75;

/** What encoders take, kbit/s. */
const MIN_KBPS = 16;
const MAX_KBPS = 50_000;

/** Sizes of the tiers, as shares of the source's sides. */
const SIDE_SHARES: Readonly<Record<QualityTier, number>> = { high: 1, medium: 2 / 3, low: 1 / 3 };

/** What a source makes. */
export interface TierSource {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** Pictures a second. */
  readonly framerateFps: number;
}

/**
 * The tiers of one source: its own size, two thirds of it and a third, sides even, with rates and bounds of
 * {@link DEFAULT_TIERS} times the three-quarter power of its pixels a second over those of 1080p at 30.
 *
 * @returns the best first
 */
export function tiersFor({ width, height, framerateFps }: TierSource): TierDefinition[] {
  const factor = ((width * height * framerateFps) / FULL_PIXEL_RATE) ** BITS_EXPONENT;
  return DEFAULT_TIERS.map(({ tier, kbps, minKbps }) => ({
    tier,
    kbps: Math.min(MAX_KBPS, Math.max(MIN_KBPS, Math.round(kbps * factor))),
    width: even(width * SIDE_SHARES[tier]),
    height: even(height * SIDE_SHARES[tier]),
    minKbps: Math.round(minKbps * factor),
  }));
}

/** So long below a bound, ms, and a peer goes down; so much lost, and it does at once. */
const DOWN_MS = 2_000;
const HEAVY_LOSS = 0.1;

/** So long at so many times the bound of the next better tier, ms, and a peer goes up. */
const UP_MS = 10_000;
const UP_FACTOR = 1.2;

/** Least time in a tier, ms. */
const STAY_MS = 5_000;

/** For so long from the first observation a path is still being measured, which begins low: up at once, ms. */
const START_MS = 2_000;

/** Options of a {@link TierChoice}. */
export interface TierChoiceOptions {
  /** At least one, the best first, `minKbps` falling. Default {@link DEFAULT_TIERS}. */
  readonly tiers?: readonly TierDefinition[] | undefined;
  /** The largest picture that the peer takes, either way up; default: any. The lowest tier is given even so. */
  readonly maxVideo?: { readonly width: number; readonly height: number } | undefined;
}

/** What was seen of the path to a peer. What is undefined is not known, and nothing is done for it. */
export interface PathObservation {
  /** What it carries, kbit/s. */
  readonly bandwidthKbps?: number | undefined;
  /** Of what was sent to it of late, 0 to 1. */
  readonly lossRate?: number | undefined;
}

/**
 * The tier of one peer. The first observation decides where it begins, and for the two seconds in which a path is measured
 * it goes up as soon as it can. After that it goes down to where its path holds after 2 s below the bound of its tier, and
 * by one tier when more than 10 % are lost; up by one tier after 10 s at 1.2 times that tier's bound without such loss. It
 * stays in a tier for 5 s at least.
 */
export class TierChoice {
  /** The best first. */
  readonly #tiers: readonly TierDefinition[];
  /** Index of the best one that the peer takes. */
  #best: number;
  #at: number;
  #startMs = -Infinity;
  #changedMs = -Infinity;
  /** Since when the path has carried less than this tier wants, and enough for the next better one; Infinity: not so. */
  #belowSinceMs = Infinity;
  #aboveSinceMs = Infinity;

  constructor({ tiers = DEFAULT_TIERS, maxVideo }: TierChoiceOptions = {}) {
    this.#tiers = tiers;
    this.#best = this.#bestFor(maxVideo);
    this.#at = this.#best;
  }

  /** The one it is in now; before the first observation the best that it takes. */
  get tier(): QualityTier {
    return this.#now.tier;
  }

  /** The peer has said what it takes: what is too large for it is given no longer, from now on. */
  limit(maxVideo: TierChoiceOptions["maxVideo"], nowMs: number): void {
    this.#best = this.#bestFor(maxVideo);
    if (this.#isNew) this.#at = this.#best;
    else if (this.#at < this.#best) this.#move(this.#best, nowMs);
  }

  /**
   * Take in what was seen of the path, about once a second.
   * @param nowMs monotonic
   * @returns the tier it is in from now on
   */
  observe({ bandwidthKbps, lossRate = 0 }: PathObservation, nowMs: number): QualityTier {
    if (bandwidthKbps !== undefined && this.#isNew) {
      this.#startMs = nowMs;
      this.#move(this.#borneBy(bandwidthKbps, 1), nowMs);
      return this.tier;
    }
    const isHeavy = lossRate > HEAVY_LOSS;
    this.#note(bandwidthKbps, isHeavy, nowMs);
    if (bandwidthKbps !== undefined && !isHeavy && nowMs - this.#startMs < START_MS) {
      const borne = this.#borneBy(bandwidthKbps, UP_FACTOR);
      if (borne < this.#at) this.#move(borne, nowMs);
    }
    if (nowMs - this.#changedMs < STAY_MS) return this.tier;
    const next = this.#next(bandwidthKbps, isHeavy, nowMs);
    if (next !== this.#at) this.#move(next, nowMs);
    return this.tier;
  }

  /** Nothing has been decided yet. */
  get #isNew(): boolean {
    return this.#changedMs === -Infinity;
  }

  get #now(): TierDefinition {
    return this.#tiers[this.#at] as TierDefinition;
  }

  #next(bandwidthKbps: number | undefined, isHeavy: boolean, nowMs: number): number {
    const last = this.#tiers.length - 1;
    const isBelow = nowMs - this.#belowSinceMs >= DOWN_MS;
    const borne = isBelow && bandwidthKbps !== undefined ? this.#borneBy(bandwidthKbps, 1) : this.#at;
    if (isHeavy) return Math.min(last, Math.max(this.#at + 1, borne));
    if (borne > this.#at) return borne;
    return nowMs - this.#aboveSinceMs >= UP_MS ? this.#at - 1 : this.#at;
  }

  #note(bandwidthKbps: number | undefined, isHeavy: boolean, nowMs: number): void {
    const better = this.#at > this.#best ? this.#tiers[this.#at - 1] : undefined;
    const isBelow = bandwidthKbps !== undefined && bandwidthKbps < this.#now.minKbps;
    const isAbove =
      better !== undefined && bandwidthKbps !== undefined && bandwidthKbps >= UP_FACTOR * better.minKbps;
    this.#belowSinceMs = isBelow ? Math.min(this.#belowSinceMs, nowMs) : Infinity;
    this.#aboveSinceMs = isAbove && !isHeavy ? Math.min(this.#aboveSinceMs, nowMs) : Infinity;
  }

  #move(to: number, nowMs: number): void {
    this.#at = to;
    this.#changedMs = nowMs;
    this.#belowSinceMs = Infinity;
    this.#aboveSinceMs = Infinity;
  }

  /** Index of the best tier that the peer takes and so much carries. */
  #borneBy(kbps: number, factor: number): number {
    const at = this.#tiers.findIndex(({ minKbps }, index) => index >= this.#best && kbps >= factor * minKbps);
    return at < 0 ? this.#tiers.length - 1 : at;
  }

  #bestFor(maxVideo: TierChoiceOptions["maxVideo"]): number {
    const last = this.#tiers.length - 1;
    if (maxVideo === undefined) return 0;
    const long = Math.max(maxVideo.width, maxVideo.height);
    const short = Math.min(maxVideo.width, maxVideo.height);
    const at = this.#tiers.findIndex(
      ({ width, height }) => Math.max(width, height) <= long && Math.min(width, height) <= short,
    );
    return at < 0 ? last : at;
  }
}

function even(side: number): number {
  return Math.max(2, 2 * Math.round(side / 2));
}
