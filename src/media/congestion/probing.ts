// When to try whether more would pass, and with how much: a cluster of packets is sent faster than the rate for a
// moment, and how fast it arrives tells what the path carries. Sends nothing itself.
import { ProbeCluster } from "./probe-cluster.ts";
import type { ProbeOrder } from "./probe-cluster.ts";
import type { PacketOutcome } from "./send-history.ts";

/** Multiples of the start rate that are tried first. */
const START_FACTORS = [3, 6];

/** Multiple of the rate that is tried later on. */
const FACTOR = 2;

/** A result of at least this share of what was sent is no limit yet: try further at once. */
const FURTHER_SHARE = 0.7;

/** A cluster lasts this long: shorter ones measure the pacer and the jitter, longer ones fill queues, ms. */
const CLUSTER_MS = 20;

/** What a cluster has at least: intervals are what is measured. */
const MIN_PACKETS = 5;
const MIN_BYTES = 1_000;

/**
 * From one try to the next, ms. A link that got better is found within it, and three doublings more; at the limit of a
 * link each try costs 20 ms of queue and a hundredth of the rate.
 */
const INTERVAL_MS = 3_000;

/** The queue is left to drain for so long after a decrease, ms. */
const CALM_MS = 1_000;

/** Clusters wait in a pacer and on the way; one not answered by then failed, and is repeated once, ms. */
const ANSWER_MS = 1_000;

/** What bears on whether to probe. */
export interface ProbeSituation {
  readonly kbps: number;
  readonly maxKbps: number;
  /** When the rate was last lowered; -Infinity before. */
  readonly decreasedMs: number;
  /** The queue of the path is growing: not now. */
  readonly congested: boolean;
}

/** The probes of one path. */
export class Probing {
  readonly #orders: ProbeOrder[] = [];
  #clusters: ProbeCluster[] = [];
  #nextId = 1;
  #lastMs = -Infinity;
  #further = false;
  /** Whether the last one was answered, and whether it repeated one that was not. */
  #answered = true;
  #repeated = false;

  /** Clusters to be sent, in order. */
  poll(): ProbeOrder | undefined {
    return this.#orders.shift();
  }

  /** Order what is due. */
  update({ kbps, maxKbps, decreasedMs, congested }: ProbeSituation, nowMs: number): void {
    this.#clusters = this.#clusters.filter(({ orderedMs }) => nowMs - orderedMs < ANSWER_MS);
    const waitedMs = nowMs - this.#lastMs;
    const failed = !this.#answered && !this.#repeated && waitedMs >= ANSWER_MS;
    const due = this.#further || failed || waitedMs >= INTERVAL_MS;
    this.#further = false;
    if (!due || congested || kbps >= maxKbps || nowMs - decreasedMs < CALM_MS) return;
    this.#answered = false;
    this.#repeated = failed;
    for (const factor of this.#nextId === 1 ? START_FACTORS : [FACTOR]) {
      const triedKbps = Math.min(maxKbps, factor * kbps);
      if (triedKbps !== this.#clusters.at(-1)?.order.kbps) this.#order(triedKbps, nowMs);
    }
  }

  /** A packet was reported on; all but those of clusters are ignored. */
  hear(outcome: PacketOutcome): void {
    const { clusterId } = outcome;
    if (clusterId === undefined) return;
    this.#clusters.find(({ order }) => order.clusterId === clusterId)?.add(outcome);
  }

  /** @returns kbit/s that the path carries, by the latest cluster about which something new is known; else undefined */
  takeResult(): number | undefined {
    let latest: number | undefined;
    for (const cluster of this.#clusters) {
      const kbps = cluster.takeResult();
      if (kbps === undefined) continue;
      latest = kbps;
      this.#answered = true;
      this.#further = kbps >= cluster.order.kbps * FURTHER_SHARE;
    }
    return latest;
  }

  #order(kbps: number, nowMs: number): void {
    const byteLength = Math.round(Math.max((kbps * CLUSTER_MS) / 8, MIN_BYTES));
    const order: ProbeOrder = {
      type: "probe",
      clusterId: this.#nextId++,
      kbps,
      byteLength,
      packets: MIN_PACKETS,
    };
    this.#orders.push(order);
    this.#clusters.push(new ProbeCluster(order, nowMs));
    this.#lastMs = nowMs;
  }
}
