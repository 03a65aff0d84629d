// One cluster of packets sent faster than the rate, and the rate at which it arrived. Pure numbers.
import type { PacketOutcome } from "./send-history.ts";

/**
 * Send at least so many bytes and packets at this rate as one cluster: media that waits, or RTX of what was sent, or
 * padding.
 */
export interface ProbeOrder {
  readonly type: "probe";
  /** From 1 on, one more each time. */
  readonly clusterId: number;
  readonly kbps: number;
  readonly byteLength: number;
  readonly packets: number;
}

/** Share of the bytes and of the packets asked for that must have arrived for a result. */
const ENOUGH_SHARE = 0.8;

/** A cluster that took longer, sent or arriving, was held up: it measured something else, ms. */
const MAX_SPREAD_MS = 1_000;

/** Arriving at less than this share of the rate of sending, the cluster met the limit of the path ... */
const SATURATED_SHARE = 0.9;
/** ... of which this share is safe. */
const SAFE_SHARE = 0.95;

/** Arriving this much faster than it was sent, the cluster was held up and let go at once: no rate of the path. */
const MAX_COMPRESSION = 1.6;

/** What is known of one cluster. */
export class ProbeCluster {
  readonly order: ProbeOrder;
  readonly orderedMs: number;
  #packets = 0;
  #bytes = 0;
  #firstSentMs = Infinity;
  #lastSentMs = -Infinity;
  #lastSentBytes = 0;
  #firstArrivalMs = Infinity;
  #firstArrivalBytes = 0;
  #lastArrivalMs = -Infinity;
  #changed = false;

  constructor(order: ProbeOrder, orderedMs: number) {
    this.order = order;
    this.orderedMs = orderedMs;
  }

  /** One of its packets was reported on. */
  add({ byteLength, sentMs, arrivalMs }: PacketOutcome): void {
    if (arrivalMs === undefined) return;
    this.#changed = true;
    this.#packets++;
    this.#bytes += byteLength;
    this.#firstSentMs = Math.min(this.#firstSentMs, sentMs);
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, arrivalMs);
    if (sentMs >= this.#lastSentMs) {
      this.#lastSentMs = sentMs;
      this.#lastSentBytes = byteLength;
    }
    if (arrivalMs >= this.#firstArrivalMs) return;
    this.#firstArrivalMs = arrivalMs;
    this.#firstArrivalBytes = byteLength;
  }

  /** @returns kbit/s; undefined when too little is known, nothing new, or the times make no sense */
  takeResult(): number | undefined {
    const { byteLength, packets } = this.order;
    if (this.#packets < packets * ENOUGH_SHARE || this.#bytes < byteLength * ENOUGH_SHARE) return undefined;
    if (!this.#changed) return undefined;
    this.#changed = false;
    // Between first and last lie all packets but one: the last when leaving, the first when arriving.
    const sentKbps = rate(this.#bytes - this.#lastSentBytes, this.#lastSentMs - this.#firstSentMs);
    const arrivedKbps = rate(
      this.#bytes - this.#firstArrivalBytes,
      this.#lastArrivalMs - this.#firstArrivalMs,
    );
    if (!(arrivedKbps <= sentKbps * MAX_COMPRESSION)) return undefined;
    return arrivedKbps < sentKbps * SATURATED_SHARE
      ? arrivedKbps * SAFE_SHARE
      : Math.min(sentKbps, arrivedKbps);
  }
}

function rate(bytes: number, ms: number): number {
  return ms > 0 && ms <= MAX_SPREAD_MS ? (bytes * 8) / ms : NaN;
}
