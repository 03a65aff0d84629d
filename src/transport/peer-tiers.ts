// Which quality each peer of a session can take: its own word of the largest picture, and what is known of its path. Pure.
import { TierChoice } from "../session/quality-tiers.ts";
import type { QualityTier, TierDefinition } from "../session/quality-tiers.ts";

/** Paths are looked at no more often than this, ms. */
const OBSERVE_MS = 500;

/** What {@link PeerTiers} goes by. */
export interface PeerTiersOptions {
  /** The best first. */
  tiers: readonly TierDefinition[];
  /** Monotonic. */
  nowMs: () => number;
  /** What the path to a peer carries, kbit/s; undefined while that is not known. */
  bandwidthKbps: (peerId: string) => number | undefined;
  /** Share of what was sent to it that was lost, 0 to 1. */
  lossRate: (peerId: string) => number | undefined;
  /** The largest picture that it takes. */
  maxVideo: (peerId: string) => { readonly width: number; readonly height: number } | undefined;
}

interface PeerTier {
  readonly choice: TierChoice;
  observedMs: number;
}

/** See the header. */
export class PeerTiers {
  readonly #options: PeerTiersOptions;
  readonly #peers = new Map<string, PeerTier>();

  constructor(options: PeerTiersOptions) {
    this.#options = options;
  }

  /** The tier of a peer now; to be asked for every output. */
  tierOf(peerId: string): QualityTier {
    const { tiers, nowMs, bandwidthKbps, lossRate, maxVideo } = this.#options;
    const now = nowMs();
    let peer = this.#peers.get(peerId);
    if (peer === undefined) {
      peer = { choice: new TierChoice({ tiers, maxVideo: maxVideo(peerId) }), observedMs: -Infinity };
      this.#peers.set(peerId, peer);
    }
    if (now - peer.observedMs < OBSERVE_MS) return peer.choice.tier;
    peer.observedMs = now;
    peer.choice.limit(maxVideo(peerId), now);
    return peer.choice.observe({ bandwidthKbps: bandwidthKbps(peerId), lossRate: lossRate(peerId) }, now);
  }

  /** What a tier's pictures are encoded with at most, kbit/s; undefined for one that is not defined. */
  kbpsOf(tier: QualityTier): number | undefined {
    return this.#options.tiers.find((each) => each.tier === tier)?.kbps;
  }

  /** Forget a peer. */
  release(peerId: string): void {
    this.#peers.delete(peerId);
  }
}
