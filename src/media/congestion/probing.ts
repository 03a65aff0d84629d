// When to try whether more would pass, and with how much: a cluster of packets is sent faster than the rate for a
// moment, and how fast it arrives tells what the path carries. Sends nothing itself.
import { ProbeCluster } from "./probe-cluster.ts";
import type { ProbeOrder } from "./probe-cluster.ts";
import type { PacketOutcome } from "./send-history.ts";

/** Multiples of the start rate that are tried first. */
const START_FACTORS = [3, 6];

/**
 * Multiples of the rate that are tried later on: one cluster asks, gently, for on a path that is full already others lose
 * what does not fit; a second one only confirms what is worth it ...
 */
const FACTORS = [1.5];
/** ... and on the way up, where two have just agreed, two go together. */
const FURTHER_FACTORS = [2, 2];

/** A result of at least this share of what was sent is no limit yet: try further at once. */
const FURTHER_SHARE = 0.7;

/**
 * A cluster lasts this long: shorter ones measure the pacer, jitter and how busy both threads are, longer ones fill
 * queues, ms. One that asks gently may take longer on a path that has been calm for a while.
 */
const CLUSTER_MS = 30;
const GENTLE_CLUSTER_MS = 50;
const LONG_CALM_MS = 3_000;

/** What a cluster has at least: intervals are what is measured. */
const MIN_PACKETS = 5;
const MIN_BYTES = 1_000;

/**
 * From one try to the next, ms. A link that got better is found within it, and three doublings more; at the limit of a
 * link each try costs 25 ms of queue and a hundredth of the rate.
 */
const INTERVAL_MS = 3_000;

/**
 * A try whose clusters contradict each other, or the rate that passes anyway, has measured a busy machine: another one
 * follows soon, ms, but not for ever.
 */
const AGAIN_MS = 800;
const MAX_AGAIN = 3;
/** A result below this share of the rate contradicts it. */
const NONSENSE_SHARE = 0.7;

/** The queue is left to drain for so long after a decrease, ms. */
const CALM_MS = 1_000;

/** Clusters are known for so long: what is told of them later is too old, ms. */
const KNOWN_MS = 1_000;

/** Clusters wait in a pacer, on the way and for feedback: not answered after two round trips and so long, one failed, ms. */
const ANSWER_MS = 300;

/**
 * What a single cluster says is a few intervals, and a receiver that was held up for a moment makes them shorter. So a
 * rate counts only when a second cluster comes within this factor of it.
 */
const AGREEING = 1.2;

/** What is less than so many times the rate is found without clusters. */
const WORTH = 1.2;

/** What bears on whether to probe. */
export interface ProbeSituation {
  readonly kbps: number;
  readonly maxKbps: number;
  /** When the rate was last lowered; -Infinity before. */
  readonly decreasedMs: number;
  /** The queue of the path is long, or growing: not now. */
  readonly congested: boolean;
  readonly roundTripMs: number;
}

/** The probes of one path. */
export class Probing {
  readonly #orders: ProbeOrder[] = [];
  #clusters: ProbeCluster[] = [];
  #nextId = 1;
  #lastMs = -Infinity;
  #further = false;
  /** Whether the last cluster was answered, and whether it repeated one that was not. */
  #answered = true;
  #repeated = false;
  /** Of the clusters of this try, by their ids, kbit/s. */
  readonly #results = new Map<number, number>();
  /** The cluster whose result no other has come near yet. */
  #doubtful: { readonly order: ProbeOrder; readonly kbps: number } | undefined;
  #confirming = false;
  /** Length of the clusters of this try. */
  #clusterMs = CLUSTER_MS;
  /** Tries in a row that told nothing. */
  #futile = 0;

  /** Clusters to be sent, in order. */
  poll(): ProbeOrder | undefined {
    return this.#orders.shift();
  }

  /** Order what is due. */
  update({ kbps, maxKbps, decreasedMs, congested, roundTripMs }: ProbeSituation, nowMs: number): void {
    this.#clusters = this.#clusters.filter(({ orderedMs }) => nowMs - orderedMs < KNOWN_MS);
    if (congested || kbps >= maxKbps || nowMs - decreasedMs < CALM_MS) return;
    const waitedMs = nowMs - this.#lastMs;
    const overdue = !this.#answered && waitedMs >= 2 * roundTripMs + ANSWER_MS;
    const doubtful = this.#doubtful;
    const worthIt = doubtful !== undefined && doubtful.kbps > WORTH * kbps && !this.#confirming;
    if (worthIt && (this.#answered || overdue)) {
      this.#confirming = true;
      return this.#order(doubtful.order.kbps, this.#clusterMs, nowMs);
    }
    const failed = overdue && !this.#repeated;
    const isFutile = this.#isFutile(kbps);
    const intervalMs = isFutile && this.#futile < MAX_AGAIN ? AGAIN_MS : INTERVAL_MS;
    if (!this.#further && !failed && waitedMs < intervalMs) return;
    this.#futile = isFutile && this.#futile < MAX_AGAIN ? this.#futile + 1 : 0;
    const factors = this.#nextId === 1 ? START_FACTORS : this.#further ? FURTHER_FACTORS : FACTORS;
    this.#begin(failed);
    const isCalm = nowMs - decreasedMs >= LONG_CALM_MS;
    this.#clusterMs = factors === FACTORS && isCalm ? GENTLE_CLUSTER_MS : CLUSTER_MS;
    for (const factor of factors) this.#order(Math.min(maxKbps, factor * kbps), this.#clusterMs, nowMs);
  }

  /** A packet was reported on; all but those of clusters are ignored. */
  hear(outcome: PacketOutcome): void {
    const { clusterId } = outcome;
    if (clusterId === undefined) return;
    this.#clusters.find(({ order }) => order.clusterId === clusterId)?.add(outcome);
  }

  /** @returns kbit/s that two clusters of the try have seen the path carry, when something new is known; else undefined */
  takeResult(): number | undefined {
    let best: { readonly order: ProbeOrder; readonly kbps: number } | undefined;
    let triedKbps = 0;
    let isNew = false;
    for (const cluster of this.#clusters) {
      const { order } = cluster;
      const result = cluster.takeResult();
      if (result !== undefined) {
        this.#results.set(order.clusterId, result);
        this.#answered = isNew = true;
      }
      const kbps = this.#results.get(order.clusterId);
      if (kbps === undefined) continue;
      triedKbps = Math.max(triedKbps, order.kbps);
      if (kbps > (best?.kbps ?? 0)) best = { order, kbps };
    }
    if (!isNew || best === undefined) return undefined;
    const [, second] = [...this.#results.values()].sort((a, b) => b - a);
    const agreed = second !== undefined && best.kbps <= second * AGREEING;
    this.#doubtful = agreed ? undefined : best;
    this.#further = agreed && second >= triedKbps * FURTHER_SHARE;
    return second;
  }

  /** The clusters of this try have told nothing about a path that carries this rate. */
  #isFutile(kbps: number): boolean {
    const results = [...this.#results.values()];
    return this.#doubtful !== undefined && (this.#confirming || Math.max(...results) < NONSENSE_SHARE * kbps);
  }

  /** A try of its own: what clusters before have said does not count. */
  #begin(repeated: boolean): void {
    this.#further = false;
    this.#repeated = repeated;
    this.#results.clear();
    this.#clusters = [];
    this.#doubtful = undefined;
    this.#confirming = false;
  }

  #order(kbps: number, clusterMs: number, nowMs: number): void {
    const byteLength = Math.round(Math.max((kbps * clusterMs) / 8, MIN_BYTES));
    const order: ProbeOrder = {
      type: "probe",
      clusterId: this.#nextId++,
      kbps,
      byteLength,
      packets: MIN_PACKETS,
    };
    this.#answered = false;
    this.#orders.push(order);
    this.#clusters.push(new ProbeCluster(order, nowMs));
    this.#lastMs = nowMs;
  }
}
