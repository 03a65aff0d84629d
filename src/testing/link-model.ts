// One direction of a network path as numbers: when a packet sent now arrives, if it does. Seeded, without payload, and
// fed in order of time; what the parts are for stands at each of them.
import { SeededRandom } from "./random.ts";

/** Losses in bursts: two states with a loss probability each (Gilbert 1960, Elliott 1963). Probabilities per packet. */
export interface BurstLoss {
  /** From the good state to the bad one. */
  enter: number;
  /** From the bad state to the good one; the mean burst is 1 / `leave` packets. */
  leave: number;
  /** Loss in the good state. Default 0. */
  good?: number;
  /** Loss in the bad state. Default 1. */
  bad?: number;
}

/** Delay that comes on top of the propagation delay; the parts add up. */
export interface JitterModel {
  /** Independent per packet, exponentially distributed, with this mean, ms: contention for the medium. */
  meanMs?: number;
  /** Independent per packet, evenly distributed from 0 to this, ms: jitter with a bound. */
  uniformMs?: number;
  /** A slow wave, as cross traffic makes: `|x|` of a process with this standard deviation and correlation time. */
  wander?: { stdMs: number; correlationMs: number };
  /** Times at which nothing passes and what was sent comes at once behind: retransmission, scanning, handover. */
  stalls?: { everyMs: number; leastMs: number; mostMs: number };
}

/** A bottleneck: packets leave it at this rate, those that would wait longer than its queue are dropped. */
export interface Bottleneck {
  kbps: number;
  /** Default 200 ms. */
  queueMs?: number;
}

/** The habits of one direction of a path. Probabilities are 0 to 1. */
export interface LinkModelOptions {
  /** Propagation, one way, ms. */
  delayMs: number;
  jitter?: JitterModel;
  loss?: number | BurstLoss;
  /** Packets that take `extraMs` more and let others overtake them. All others arrive in the order they were sent. */
  reorder?: { probability: number; extraMs: number };
  /** Probability of a second copy, at most 5 ms behind. */
  duplication?: number;
  rate?: Bottleneck;
  /** Times during which everything is lost, local ms of the caller. */
  outages?: readonly { fromMs: number; toMs: number }[];
  /** More of them: one of `lengthMs` begins at every multiple of `everyMs` but 0. */
  recurringOutage?: { everyMs: number; lengthMs: number };
  /** Changes of the route: from `atMs` on propagation takes `delayMs`. By rising time. */
  route?: readonly { atMs: number; delayMs: number }[];
}

/** What a {@link LinkModel} did so far. `sent + duplicated = delivered + lost + overflowed`. */
export interface LinkCounters {
  readonly sent: number;
  readonly delivered: number;
  /** By chance or in an outage. */
  readonly lost: number;
  /** At a full bottleneck. */
  readonly overflowed: number;
  readonly duplicated: number;
  /** Delivered with the extra delay that lets others overtake. */
  readonly reordered: number;
}

const DEFAULT_QUEUE_MS = 200;
const DUPLICATE_SPREAD_MS = 5;

/** One direction of a path. The same options, seed and calls give the same arrivals. */
export class LinkModel {
  readonly #random: SeededRandom;
  readonly #counters = { sent: 0, delivered: 0, lost: 0, overflowed: 0, duplicated: 0, reordered: 0 };
  #options: LinkModelOptions;
  #inBurst = false;
  #wanderMs = 0;
  #wanderAtMs = Number.NaN;
  #stallFromMs = Infinity;
  #stallToMs = -Infinity;
  #bottleneckFreeMs = -Infinity;
  #lastArrivalMs = -Infinity;
  #routeIndex = 0;

  constructor(options: LinkModelOptions, seed: number | string) {
    this.#options = options;
    this.#random = new SeededRandom(seed);
  }

  get options(): LinkModelOptions {
    return this.#options;
  }

  /** Other habits from the next packet on. Chance and order go on; what is under way keeps its arrival. */
  change(options: LinkModelOptions): void {
    this.#options = options;
    this.#inBurst = false;
    this.#routeIndex = 0;
    this.#stallFromMs = Infinity;
    this.#stallToMs = -Infinity;
  }

  get counters(): LinkCounters {
    return { ...this.#counters };
  }

  /**
   * Send one packet.
   * @param byteLength whole packet with headers; only a bottleneck cares
   * @param nowMs when it is sent; never goes backwards
   * @param deliver called before this returns, once for every copy that arrives, with the ms of its arrival
   */
  send(byteLength: number, nowMs: number, deliver: (arrivalMs: number) => void): void {
    this.#counters.sent++;
    const departureMs = this.#passBottleneck(byteLength, nowMs);
    // Every random decision is drawn for every packet, so that one packet's fate does not move the others'.
    const delayMs = this.#propagationMs(nowMs) + this.#jitterMs(nowMs);
    const lost = this.#isLost(nowMs);
    const reordered = this.#chance(this.options.reorder?.probability);
    const duplicated = this.#chance(this.options.duplication);
    if (departureMs === undefined) {
      this.#counters.overflowed++;
      return;
    }
    if (lost) {
      this.#counters.lost++;
      return;
    }
    let arrivalMs = this.#afterStall(departureMs) + delayMs;
    if (reordered) {
      this.#counters.reordered++;
      arrivalMs += this.options.reorder?.extraMs ?? 0;
    } else this.#lastArrivalMs = arrivalMs = Math.max(arrivalMs, this.#lastArrivalMs);
    this.#counters.delivered++;
    deliver(arrivalMs);
    if (!duplicated) return;
    this.#counters.duplicated++;
    this.#counters.delivered++;
    deliver(arrivalMs + this.#random.next() * DUPLICATE_SPREAD_MS);
  }

  #chance(probability: number | undefined): boolean {
    return probability !== undefined && this.#random.chance(probability);
  }

  #isLost(nowMs: number): boolean {
    const probability = this.#lossProbability();
    const lost = probability > 0 && this.#random.chance(probability);
    return lost || this.#isOutage(nowMs);
  }

  #lossProbability(): number {
    const { loss = 0 } = this.options;
    if (typeof loss === "number") return loss;
    const { enter, leave, good = 0, bad = 1 } = loss;
    this.#inBurst = this.#random.chance(this.#inBurst ? 1 - leave : enter);
    return this.#inBurst ? bad : good;
  }

  #isOutage(nowMs: number): boolean {
    const { outages, recurringOutage } = this.options;
    if (outages?.some(({ fromMs, toMs }) => nowMs >= fromMs && nowMs < toMs) === true) return true;
    if (recurringOutage === undefined || nowMs < recurringOutage.everyMs) return false;
    return nowMs % recurringOutage.everyMs < recurringOutage.lengthMs;
  }

  /** @returns when the packet has left the bottleneck; undefined when the queue is full */
  #passBottleneck(byteLength: number, nowMs: number): number | undefined {
    const { rate } = this.options;
    if (rate === undefined) return nowMs;
    const startMs = Math.max(nowMs, this.#bottleneckFreeMs);
    if (startMs - nowMs > (rate.queueMs ?? DEFAULT_QUEUE_MS)) return undefined;
    this.#bottleneckFreeMs = startMs + (byteLength * 8) / rate.kbps;
    return this.#bottleneckFreeMs;
  }

  #propagationMs(nowMs: number): number {
    const { route, delayMs } = this.options;
    if (route === undefined) return delayMs;
    while ((route[this.#routeIndex]?.atMs ?? Infinity) <= nowMs) this.#routeIndex++;
    return route[this.#routeIndex - 1]?.delayMs ?? delayMs;
  }

  #jitterMs(nowMs: number): number {
    const { meanMs = 0, uniformMs = 0, wander } = this.options.jitter ?? {};
    let independentMs = meanMs > 0 ? -meanMs * Math.log(1 - this.#random.next()) : 0;
    if (uniformMs > 0) independentMs += uniformMs * this.#random.next();
    return independentMs + (wander === undefined ? 0 : this.#wander(wander, nowMs));
  }

  // An Ornstein-Uhlenbeck process, stepped exactly from packet to packet.
  #wander({ stdMs, correlationMs }: { stdMs: number; correlationMs: number }, nowMs: number): number {
    const kept = Number.isNaN(this.#wanderAtMs) ? 0 : Math.exp((this.#wanderAtMs - nowMs) / correlationMs);
    this.#wanderMs = kept * this.#wanderMs + Math.sqrt(1 - kept * kept) * stdMs * this.#random.normal();
    this.#wanderAtMs = nowMs;
    return Math.abs(this.#wanderMs);
  }

  #afterStall(departureMs: number): number {
    const { stalls } = this.options.jitter ?? {};
    if (stalls === undefined) return departureMs;
    if (this.#stallFromMs === Infinity) this.#planStall(stalls, departureMs);
    while (departureMs >= this.#stallToMs && departureMs >= this.#stallFromMs) {
      this.#planStall(stalls, this.#stallToMs);
    }
    return departureMs < this.#stallFromMs ? departureMs : this.#stallToMs;
  }

  #planStall({ everyMs, leastMs, mostMs }: NonNullable<JitterModel["stalls"]>, afterMs: number): void {
    this.#stallFromMs = afterMs - everyMs * Math.log(1 - this.#random.next());
    this.#stallToMs = this.#stallFromMs + leastMs + (mostMs - leastMs) * this.#random.next();
  }
}
