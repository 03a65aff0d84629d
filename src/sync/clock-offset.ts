// A remote clock against ours, from request-reply exchanges with four timestamps (RFC 5905 section 8). Finds how fast the
// two run apart as well as how far apart they are, and how wrong it can be; bounded memory, no clock of its own.

import { BoundsWindow } from "./bounds-window.ts";
import { NOTHING_PROVEN, UNKNOWN_RATE, WANDER, prove, rateOf } from "./offset-bounds.ts";
import type { Bound, Bounds } from "./offset-bounds.ts";

/** Four stamps of one exchange, all Unix microseconds: t1, t4 by our clock, t2, t3 by the remote one. */
export interface ClockExchange {
  /** The request left here. */
  readonly t1: number;
  /** The request came there. */
  readonly t2: number;
  /** The reply left there. */
  readonly t3: number;
  /** The reply came here. */
  readonly t4: number;
}

/** Older samples say nothing any more. */
const WINDOW_US = 5 * 60 * 1e6;
/** Of each such stretch the fastest way there and the fastest way back count for the rate. */
const SEGMENT_US = 10 * 1e6;
/** A round trip beyond this is no measurement; liveness gives up long before. */
const MAX_ROUND_TRIP_US = 10 * 1e6;
/** The reply may seem to leave before the request came by the resolution of a browser's clock. */
const MAX_NEGATIVE_US = 1000;
/** Our clock steps back by more than this: what was measured before is about another clock. */
const MAX_BACKWARD_US = 1e6;
/** Samples in a row whose intervals exclude the present one before it is given up: one may be a fault. */
const CONTRADICTIONS = 3;
/** Two exchanges a second for the window, and a burst. */
const CAPACITY = 640;
/** Later stamps than these (the year 2255) are not exact in a number. */
const MAX_US = 2 ** 53;
/** Once so many are known, all of them are weighed only every few exchanges; in between a new one is compared. */
const FEW = 60;
const WEIGH_EVERY = 4;
/** Of the newest exchanges so many count for what is proven, each by itself. */
const LATEST = 8;
/** Values told to {@link ClockOffset.recentOffsetsUs}. */
const RECENT = 5;

/**
 * Offset of a remote clock. A way there cannot take less than no time, and neither can a way back: each bounds the
 * offset from one side, whatever the asymmetry of the path. The rate at which the clocks run apart carries old bounds
 * on to the present, so the fastest way there and the fastest way back of five minutes, seldom of the same exchange,
 * hold the offset between them (compare Marzullo 1984; Moon, Skelly and Towsley 1999). Garbage is refused, never thrown.
 */
export class ClockOffset {
  /** By time. */
  readonly #samples = new BoundsWindow(CAPACITY);
  #contradicting: Bounds[] = [];
  readonly #recent: number[] = [];
  #rate = UNKNOWN_RATE;
  #most: Bound | undefined;
  #least: Bound | undefined;
  #proven = NOTHING_PROVEN;
  #provenUs = -Infinity;
  #unweighed = 0;
  #lastUs = -Infinity;

  /** Take one exchange. @returns false when it is refused: not finite, negative or absurd times */
  add({ t1, t2, t3, t4 }: ClockExchange): boolean {
    const roundTripUs = t4 - t1 - (t3 - t2);
    const finite = [t1, t2, t3, t4].every((us) => Math.abs(us) < MAX_US);
    const possible = roundTripUs >= -MAX_NEGATIVE_US && t3 >= t2 && t4 >= t1;
    if (!finite || !possible || t4 - t1 > MAX_ROUND_TRIP_US) return false;
    if (t4 < this.#lastUs - MAX_BACKWARD_US) this.reset();
    this.#lastUs = Math.max(this.#lastUs, t4);
    this.#judge({
      most: { atUs: t1, offsetUs: t2 - t1 },
      least: { atUs: this.#lastUs, offsetUs: t3 - t4 },
    });
    return true;
  }

  /** When the last exchange ended, us of our clock; -Infinity before the first. */
  get lastUs(): number {
    return this.#lastUs;
  }

  /** Remote minus local clock at a time of ours, us; null before the first exchange. */
  offsetUs(nowUs: number): number | null {
    const [most, least] = [this.#most, this.#least];
    if (most === undefined || least === undefined) return null;
    const { rate } = this.#rate;
    const mostUs = carry(most.atUs, most.offsetUs, rate, nowUs);
    const leastUs = carry(least.atUs, least.offsetUs, rate, nowUs);
    return (mostUs + leastUs) / 2;
  }

  /** The time our clock shows when the remote one shows `remoteUs`; null before the first exchange. */
  toLocalUs(remoteUs: number): number | null {
    const offsetUs = this.offsetUs(this.#lastUs);
    if (offsetUs === null) return null;
    // local + offset(local) = remote, solved from the last exchange on: small numbers keep microseconds exact.
    return this.#lastUs + (remoteUs - offsetUs - this.#lastUs) / (1 + this.#rate.rate);
  }

  /** The time the remote clock shows when ours shows `localUs`; null before the first exchange. */
  toRemoteUs(localUs: number): number | null {
    const offsetUs = this.offsetUs(localUs);
    return offsetUs === null ? null : localUs + offsetUs;
  }

  /** The true offset lies this close to {@link offsetUs}, us; null before the first exchange. */
  errorBoundUs(nowUs: number): number | null {
    const { mostUs, leastUs, fastest, slowest } = this.#proven;
    const offsetUs = this.offsetUs(this.#provenUs);
    if (offsetUs === null) return null;
    const { rate } = this.#rate;
    const growth = WANDER + Math.max(fastest - rate, rate - slowest, 0);
    return Math.max(mostUs - offsetUs, offsetUs - leastUs, 0) + growth * Math.abs(nowUs - this.#provenUs);
  }

  /** How fast the remote clock runs away from ours, ppm; 0 until exchanges some seconds apart tell. */
  get ratePpm(): number {
    return this.#rate.rate * 1e6;
  }

  /** Offsets in use after each of the last five exchanges, oldest first, us. */
  get recentOffsetsUs(): readonly number[] {
    return this.#recent;
  }

  /** Exchanges kept, at most some hundreds whatever comes. */
  get remembered(): number {
    return this.#samples.length + this.#contradicting.length;
  }

  /** Forget everything: another host, or another clock. */
  reset(): void {
    this.#samples.clear();
    this.#contradicting = [];
    this.#recent.length = 0;
    this.#lastUs = -Infinity;
    this.#most = undefined;
    this.#least = undefined;
    this.#rate = UNKNOWN_RATE;
    this.#proven = NOTHING_PROVEN;
  }

  // Two intervals of the same pair of clocks overlap. If they do not, one exchange is wrong, or a clock was stepped;
  // three in a row decide.
  #judge(sample: Bounds): void {
    const { most, least } = sample;
    const nowUs = least.atUs;
    const offsetUs = this.offsetUs(nowUs) ?? least.offsetUs;
    const reachUs = (this.errorBoundUs(nowUs) ?? 0) + MAX_NEGATIVE_US;
    if (least.offsetUs <= offsetUs + reachUs && most.offsetUs >= offsetUs - reachUs) {
      this.#contradicting = [];
      this.#samples.push(sample);
    } else {
      this.#contradicting.push(sample);
      if (this.#contradicting.length < CONTRADICTIONS) return;
      this.#samples.clear();
      for (const each of this.#contradicting) this.#samples.push(each);
      this.#contradicting = [];
      this.#rate = UNKNOWN_RATE;
    }
    let expired = 0;
    while (this.#samples.leastAtUs(expired) < nowUs - WINDOW_US) expired++;
    if (expired > 0) this.#samples.drop(expired);
    this.#unweighed++;
    if (this.#samples.length <= FEW || this.#unweighed >= WEIGH_EVERY) this.#weigh(nowUs);
    else this.#consider(this.#samples.length - 1, nowUs);
    this.#recent.push(this.offsetUs(nowUs) ?? 0);
    if (this.#recent.length > RECENT) this.#recent.shift();
  }

  /** Look at all samples anew: the rate, what they prove, and the two that say most of the present. */
  #weigh(nowUs: number): void {
    const segments = this.#segments();
    this.#rate = rateOf(segments);
    // While little is known of the rate, an old bound proves less of the present than a new one, however fast it was.
    const { length } = this.#samples;
    for (let i = Math.max(0, length - LATEST); i < length; i++) segments.push(this.#samples.bounds(i));
    this.#proven = prove(segments, nowUs);
    this.#provenUs = nowUs;
    this.#unweighed = 0;
    this.#most = this.#least = undefined;
    for (let index = 0; index < length; index++) this.#consider(index, nowUs);
  }

  /** Let a sample replace those in use if less is likely to be wrong with it. */
  #consider(index: number, nowUs: number): void {
    const samples = this.#samples;
    const { rate, error } = this.#rate;
    const most = this.#most;
    const mostRate = rate + WANDER + error;
    const mostUs = carry(samples.mostAtUs(index), samples.mostUs(index), mostRate, nowUs);
    if (most === undefined || mostUs <= carry(most.atUs, most.offsetUs, mostRate, nowUs)) {
      this.#most = samples.bounds(index).most;
    }
    const least = this.#least;
    const leastRate = rate - WANDER - error;
    const leastUs = carry(samples.leastAtUs(index), samples.leastUs(index), leastRate, nowUs);
    if (least === undefined || leastUs >= carry(least.atUs, least.offsetUs, leastRate, nowUs)) {
      this.#least = samples.bounds(index).least;
    }
  }

  /** Of each stretch the fastest way there and the fastest way back. */
  #segments(): Bounds[] {
    const samples = this.#samples;
    const { rate } = this.#rate;
    const segments: Bounds[] = [];
    const startUs = samples.leastAtUs(0);
    let [number, most, least] = [-1, 0, 0];
    for (let index = 0; index < samples.length; index++) {
      const own = Math.floor((samples.leastAtUs(index) - startUs) / SEGMENT_US);
      if (own > number) {
        if (index > 0) segments.push(samples.bounds(most, least));
        [number, most, least] = [own, index, index];
        continue;
      }
      const mostUs = carry(samples.mostAtUs(most), samples.mostUs(most), rate, samples.mostAtUs(index));
      if (samples.mostUs(index) <= mostUs) most = index;
      const leastUs = carry(samples.leastAtUs(least), samples.leastUs(least), rate, samples.leastAtUs(index));
      if (samples.leastUs(index) >= leastUs) least = index;
    }
    if (samples.length > 0) segments.push(samples.bounds(most, least));
    return segments;
  }
}

/** An offset of one time at another, if the clocks run apart at `rate`. */
function carry(atUs: number, offsetUs: number, rate: number, nowUs: number): number {
  return offsetUs + rate * (nowUs - atUs);
}
