// The rate that delay allows: up while the queue stands, down below what arrives as soon as it grows, and waiting while
// it drains (AIMD, draft-ietf-rmcat-gcc-02 section 5.5). Pure numbers.
import type { PathUsage } from "./delay-trend.ts";

/** Down to this share of what arrives: the rest of the link drains the queue (section 5.5). */
const DECREASE = 0.85;

/** Growth a second far from any known limit ... */
const GROWTH = 1.08;
/** ... and once nothing has been in the way for so long, ms: the limit must have gone. */
const FREE_GROWTH = 1.2;
const FREE_AFTER_MS = 3_000;

/** What the receiver adds to a round trip before it reports: one may hope for an answer after that, ms. */
const REPORT_MS = 100;
/** Near a limit: half a packet of this size more per answer time. */
const PACKET_BITS = 1_200 * 8;
const MIN_ADDITION_KBPS_PER_S = 4;
/** But no more than this share a second: at low rates the queue would grow faster than it shows. */
const MAX_ADDITION = 0.05;

/** The estimate never runs further ahead of what was seen to pass than this. */
const MAX_LEAD = 1.5;
const LEAD_KBPS = 10;

/** How fast the mean of rates at congestion follows a new one, and its deviations within which the limit is near. */
const LIMIT_GAIN = 0.05;
const LIMIT_DEVIATIONS = 3;
const MIN_DEVIATION = 0.4;
const MAX_DEVIATION = 2.5;

/** A decrease shows after a round trip at the earliest; between these bounds it is awaited, ms. */
const MIN_WAIT_MS = 50;
const MAX_WAIT_MS = 200;

/** Updates further apart than this do not grow by more, ms. */
const MAX_UPDATE_MS = 1_000;

/** What is known when the rate is decided. */
export interface RateSituation {
  readonly usage: PathUsage;
  /** What arrives now, and of late on the average, kbit/s; undefined when too little did. */
  readonly ackedKbps: number | undefined;
  readonly meanAckedKbps: number | undefined;
  readonly roundTripMs: number;
  /** The queue is no longer than a decrease or two will drain: what arrives may be jitter's doing. */
  readonly shortQueue: boolean;
}

/** The rate of one path, kbit/s. */
export class RateControl {
  #kbps: number;
  #state: "hold" | "increase" = "increase";
  #updatedMs = NaN;
  #decreasedMs = -Infinity;
  readonly #limit = new LinkLimit();

  constructor(startKbps: number) {
    this.#kbps = startKbps;
  }

  get kbps(): number {
    return this.#kbps;
  }

  /** When the rate was last lowered; -Infinity before. */
  get decreasedMs(): number {
    return this.#decreasedMs;
  }

  /** A measurement, or a bound that holds now: go on from here. */
  set(kbps: number, nowMs: number): void {
    this.#kbps = kbps;
    this.#updatedMs = nowMs;
  }

  /** Decide anew, once per feedback. @returns the rate, not yet bounded by configuration */
  update(situation: RateSituation, nowMs: number): number {
    const elapsedMs = Number.isNaN(this.#updatedMs) ? 0 : Math.min(nowMs - this.#updatedMs, MAX_UPDATE_MS);
    this.#updatedMs = nowMs;
    if (situation.usage === "overusing") this.#decrease(situation, nowMs);
    else if (situation.usage === "underusing") this.#state = "hold";
    else if (this.#state === "hold") this.#state = "increase";
    else this.#increase(situation, elapsedMs, nowMs);
    return this.#kbps;
  }

  #increase({ meanAckedKbps, roundTripMs }: RateSituation, elapsedMs: number, nowMs: number): void {
    // What passes now contradicts the limit: it has gone.
    if (meanAckedKbps !== undefined && meanAckedKbps > this.#limit.upperKbps) this.#limit.forget();
    const seconds = elapsedMs / 1000;
    let kbps = this.#kbps;
    if (this.#limit.known) kbps += additionPerSecond(kbps, roundTripMs) * seconds;
    else kbps *= (nowMs - this.#decreasedMs > FREE_AFTER_MS ? FREE_GROWTH : GROWTH) ** seconds;
    const bound = meanAckedKbps === undefined ? Infinity : MAX_LEAD * meanAckedKbps + LEAD_KBPS;
    // A source that sends less than it may is no reason to take away what it was given.
    this.#kbps = Math.max(this.#kbps, Math.min(kbps, bound));
  }

  #decrease({ ackedKbps, roundTripMs, shortQueue }: RateSituation, nowMs: number): void {
    const waitMs = Math.min(MAX_WAIT_MS, Math.max(MIN_WAIT_MS, roundTripMs));
    this.#state = "hold";
    if (nowMs - this.#decreasedMs < waitMs && (ackedKbps ?? 0) > this.#kbps / 2) return;
    let kbps = DECREASE * (ackedKbps ?? this.#kbps);
    // What arrives may be more than the rate was, of a burst; the limit of before is then the better guide.
    if (kbps > this.#kbps && this.#limit.known) kbps = DECREASE * this.#limit.meanKbps;
    if (shortQueue) kbps = Math.max(kbps, DECREASE * this.#kbps);
    if (ackedKbps !== undefined) this.#limit.learn(ackedKbps);
    this.#kbps = Math.min(this.#kbps, kbps);
    this.#decreasedMs = nowMs;
  }
}

/** Mean and spread of what arrived whenever the queue grew: where the limit of the link lies. */
class LinkLimit {
  #mean = NaN;
  /** Of the rate, over the rate: small rates spread less. */
  #variance = MIN_DEVIATION;

  get known(): boolean {
    return !Number.isNaN(this.#mean);
  }

  get meanKbps(): number {
    return this.#mean;
  }

  get upperKbps(): number {
    return this.#mean + this.#spreadKbps();
  }

  learn(kbps: number): void {
    if (this.known && Math.abs(kbps - this.#mean) > this.#spreadKbps()) this.forget();
    if (!this.known) {
      this.#mean = kbps;
      return;
    }
    this.#mean += LIMIT_GAIN * (kbps - this.#mean);
    const error = (this.#mean - kbps) ** 2 / Math.max(this.#mean, 1);
    const variance = (1 - LIMIT_GAIN) * this.#variance + LIMIT_GAIN * error;
    this.#variance = Math.min(MAX_DEVIATION, Math.max(MIN_DEVIATION, variance));
  }

  forget(): void {
    this.#mean = NaN;
    this.#variance = MIN_DEVIATION;
  }

  #spreadKbps(): number {
    return LIMIT_DEVIATIONS * Math.sqrt(this.#variance * this.#mean);
  }
}

function additionPerSecond(kbps: number, roundTripMs: number): number {
  const kbpsPerSecond = Math.min(MAX_ADDITION * kbps, PACKET_BITS / 2 / (roundTripMs + REPORT_MS));
  return Math.max(MIN_ADDITION_KBPS_PER_S, kbpsPerSecond);
}
