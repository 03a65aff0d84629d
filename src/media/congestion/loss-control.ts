// The rate that loss allows (draft-ietf-rmcat-gcc-02 section 6): heavy loss lowers it, next to none raises it, and what
// lies between is the path's own and changes nothing. Pure numbers.

/** More than this share lost: too much is sent. */
const HEAVY_LOSS = 0.1;
/** Less than this: more can be sent. */
const LIGHT_LOSS = 0.02;

/** Growth a second of light loss. */
const GROWTH = 1.08;

/** Loss is counted for at least a round trip and this long before it counts, ms ... */
const MIN_COUNT_MS = 300;
/** ... and so long at the most, as long as chance could explain it, ms. */
const MAX_COUNT_MS = 3_000;

/** Heavy loss must lie so many standard deviations beyond what its bound makes likely: 5 % at random pass seldom. */
const DEVIATIONS = 2;

/** Above this multiple of the other rate the bound no longer says anything. */
const FORGET_ABOVE = 1.5;

/** Counts packets and bounds a rate. */
export class LossControl {
  #boundKbps = Infinity;
  #lost = 0;
  #total = 0;
  #countingSinceMs = NaN;
  #grownMs = NaN;
  #decreasedMs = -Infinity;

  /** Kbit/s; Infinity while loss says nothing. */
  get boundKbps(): number {
    return this.#boundKbps;
  }

  /** When heavy loss was last seen; -Infinity before. */
  get decreasedMs(): number {
    return this.#decreasedMs;
  }

  /**
   * What was heard of so many packets.
   *
   * @param lost of them; less than 0 when some that were told lost have come after all
   */
  count(lost: number, total: number, nowMs: number): void {
    if (Number.isNaN(this.#countingSinceMs)) this.#countingSinceMs = nowMs;
    this.#lost = Math.max(0, this.#lost + lost);
    this.#total += total;
  }

  /** Judge. @param kbps the rate that was sent with, from which heavy loss goes down */
  update(kbps: number, roundTripMs: number, nowMs: number): void {
    const countedMs = nowMs - this.#countingSinceMs;
    if (!(countedMs >= MIN_COUNT_MS + roundTripMs) || this.#total === 0) return;
    const { verdict, lossRate } = judge(this.#lost, this.#total);
    if (verdict === undefined && countedMs < MAX_COUNT_MS + roundTripMs) return;
    const grownMs = nowMs - (Number.isNaN(this.#grownMs) ? this.#countingSinceMs : this.#grownMs);
    if (verdict === "heavy") {
      this.#boundKbps = Math.min(this.#boundKbps, kbps * (1 - lossRate / 2));
      this.#decreasedMs = nowMs;
    } else if (verdict === "light") this.#boundKbps *= GROWTH ** (Math.min(grownMs, 1_000) / 1000);
    this.#grownMs = nowMs;
    this.restart();
    this.#countingSinceMs = nowMs;
  }

  /** The rate was lowered for another reason: what was counted speaks of the rate before. */
  restart(): void {
    this.#lost = 0;
    this.#total = 0;
    this.#countingSinceMs = NaN;
  }

  /** So much was seen to pass. */
  raise(kbps: number): void {
    this.#boundKbps = Math.max(this.#boundKbps, kbps);
  }

  /** The other rate: the bound is dropped when it lies far above. */
  release(kbps: number): void {
    if (this.#boundKbps > kbps * FORGET_ABOVE) this.#boundKbps = Infinity;
  }
}

/** Undefined: there may be more to it than chance, or less; count on. */
function judge(lost: number, total: number): { verdict: "heavy" | "light" | undefined; lossRate: number } {
  const lossRate = Math.min(1, lost / total);
  const deviation = Math.sqrt(total * HEAVY_LOSS * (1 - HEAVY_LOSS));
  if (lost > total * HEAVY_LOSS + DEVIATIONS * deviation) return { verdict: "heavy", lossRate };
  return { verdict: lossRate < LIGHT_LOSS ? "light" : undefined, lossRate };
}
