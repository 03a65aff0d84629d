// How good the connection to one peer is: turns counters read now and then into rates, a score, and word of when the
// score becomes acceptable or no longer is. Reads no counters itself.
import type { Machine } from "../runtime/machine.ts";

/** How often the figures are taken anew, ms. */
export const REFRESH_INTERVAL_MS = 1_000;

/** How often they are logged, ms. */
const LOG_INTERVAL_MS = 10_000;

/** Time over which rates are taken, ms. */
const RATE_WINDOW_MS = 10_000;

/** A score below this is not acceptable ... */
const ACCEPTABLE_SCORE = 50;

/** ... and acceptable again only from this on, so that it does not flicker around one value. */
const RECOVERED_SCORE = 55;

/** How good the connection to one peer is. */
export interface ConnectionQualityMetrics {
  /** Round-trip time; null before it has been measured. */
  readonly latencyMs: number | null;
  /** Share of our packets that the peer reported lost last, 0 to 1; 0 without a report. */
  readonly packetLossRate: number;
  /** Share of the peer's packets that were lost in the last 10 s, 0 to 1. */
  readonly inboundLossRate: number;
  /** Interarrival jitter of what the peer sends (RFC 3550 section 6.4.1). */
  readonly jitterMs: number;
  /** All that went over the connection in the last 10 s, both ways, in kbit/s; 0 where the platform does not tell. */
  readonly bandwidthKbps: number;
  /** Width and height of the picture received, e.g. `1280x720`; null without video. */
  readonly videoResolution: string | null;
  /** Pictures received a second. */
  readonly videoFramerate: number;
  /** Encoded audio sent in the last 10 s. */
  readonly audioBitrateKbps: number;
  /** Encoded video sent in the last 10 s. */
  readonly videoBitrateKbps: number;
  /** Media packets since the connection began. */
  readonly packetsSent: number;
  readonly packetsReceived: number;
  /** Of the peer's. */
  readonly packetsLost: number;
  /** 10 to 100; see {@link qualityScore}. From 50 on the connection is acceptable. */
  readonly score: number;
  /** Unix ms. */
  readonly updatedAt: number;
}

/** Counters of one connection as they stand. Those of traffic only grow, unless the connection is a new one. */
export interface QualitySnapshot {
  readonly roundTripTimeMs: number | null;
  /** 0 to 1, of the peer's last report on our audio. */
  readonly remoteLossRate: number;
  readonly jitterMs: number;
  readonly packetsSent: number;
  readonly packetsReceived: number;
  /** May fall when late packets come. */
  readonly packetsLost: number;
  readonly audioBytesSent: number;
  /** Of the native connection, both ways; null while unknown. */
  readonly linkBytes: number | null;
}

/** What a {@link ConnectionQuality} is told. */
export type QualityInput = {
  readonly type: "snapshot";
  readonly snapshot: QualitySnapshot;
  /** Unix ms. */
  readonly wallMs: number;
};

/** What a {@link ConnectionQuality} wants, or found out. */
export type QualityOutput =
  /** Hand in a snapshot now. */
  | { type: "sample" }
  | { type: "metrics"; metrics: ConnectionQualityMetrics }
  | { type: "quality-change"; acceptable: boolean; score: number }
  | { type: "log"; metrics: ConnectionQualityMetrics };

interface Sample extends QualitySnapshot {
  readonly atMs: number;
}

/**
 * 100, less up to 30 for a round trip beyond 100 ms, 40 for loss (all of it at 4 %), and 20 for jitter beyond 30 ms.
 *
 * @param loss 0 to 1, of the worse direction
 */
export function qualityScore(latencyMs: number, loss: number, jitterMs: number): number {
  const forLatency = Math.max(0, Math.min(30, (latencyMs - 100) / 10));
  const forJitter = Math.max(0, Math.min(20, (jitterMs - 30) / 5));
  return 100 - forLatency - Math.min(40, loss * 1000) - forJitter;
}

/** The machine of one connection. The first snapshot is only what the others are compared with. */
export class ConnectionQuality implements Machine<QualityInput, QualityOutput> {
  readonly #outputs: QualityOutput[] = [];
  readonly #samples: Sample[] = [];
  #metrics: ConnectionQualityMetrics | undefined;
  #deadlineMs: number;
  #logAtMs: number;
  #acceptable = true;

  constructor(nowMs: number) {
    this.#deadlineMs = nowMs + REFRESH_INTERVAL_MS;
    this.#logAtMs = nowMs + LOG_INTERVAL_MS;
  }

  get deadlineMs(): number {
    return this.#deadlineMs;
  }

  /** The newest figures; undefined before the first snapshot. */
  get metrics(): ConnectionQualityMetrics | undefined {
    return this.#metrics;
  }

  handle(input: QualityInput | { readonly type: "timeout" }, nowMs: number): void {
    if (input.type === "snapshot") return this.#refresh(input.snapshot, nowMs, input.wallMs);
    if (nowMs < this.#deadlineMs) return;
    this.#deadlineMs = nowMs + REFRESH_INTERVAL_MS;
    this.#outputs.push({ type: "sample" });
  }

  poll(): QualityOutput | undefined {
    return this.#outputs.shift();
  }

  #refresh(snapshot: QualitySnapshot, nowMs: number, wallMs: number): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && isAnother(last, snapshot)) this.#samples.length = 0;
    const sample = { ...snapshot, atMs: nowMs };
    this.#samples.push(sample);
    while ((this.#samples[0]?.atMs ?? nowMs) < nowMs - RATE_WINDOW_MS) this.#samples.shift();
    const first = this.#metrics === undefined;
    const metrics = this.#measure(sample, wallMs);
    this.#metrics = metrics;
    if (first) return;
    this.#outputs.push({ type: "metrics", metrics });
    this.#judge(metrics.score);
    if (nowMs < this.#logAtMs) return;
    this.#logAtMs = nowMs + LOG_INTERVAL_MS;
    this.#outputs.push({ type: "log", metrics });
  }

  #measure(now: Sample, wallMs: number): ConnectionQualityMetrics {
    const before = this.#samples[0] ?? now;
    const lost = Math.max(0, now.packetsLost - before.packetsLost);
    const expected = lost + now.packetsReceived - before.packetsReceived;
    const inboundLossRate = expected > 0 ? lost / expected : 0;
    const loss = Math.max(now.remoteLossRate, inboundLossRate);
    return Object.freeze({
      latencyMs: now.roundTripTimeMs,
      packetLossRate: now.remoteLossRate,
      inboundLossRate,
      jitterMs: now.jitterMs,
      bandwidthKbps: this.#bandwidthKbps(now),
      videoResolution: null,
      videoFramerate: 0,
      audioBitrateKbps: kbps(now.audioBytesSent - before.audioBytesSent, now.atMs - before.atMs),
      videoBitrateKbps: 0,
      packetsSent: now.packetsSent,
      packetsReceived: now.packetsReceived,
      packetsLost: now.packetsLost,
      score: qualityScore(now.roundTripTimeMs ?? 0, loss, now.jitterMs),
      updatedAt: wallMs,
    });
  }

  #bandwidthKbps(now: Sample): number {
    const before = this.#samples.find(({ linkBytes }) => linkBytes !== null);
    if (before === undefined || now.linkBytes === null) return 0;
    return kbps(now.linkBytes - (before.linkBytes ?? 0), now.atMs - before.atMs);
  }

  #judge(score: number): void {
    const acceptable = score >= (this.#acceptable ? ACCEPTABLE_SCORE : RECOVERED_SCORE);
    if (acceptable === this.#acceptable) return;
    this.#acceptable = acceptable;
    this.#outputs.push({ type: "quality-change", acceptable, score });
  }
}

/** Whether the counters have begun anew. */
function isAnother(before: QualitySnapshot, now: QualitySnapshot): boolean {
  return (
    now.packetsSent < before.packetsSent ||
    now.packetsReceived < before.packetsReceived ||
    now.audioBytesSent < before.audioBytesSent ||
    (now.linkBytes ?? Infinity) < (before.linkBytes ?? 0)
  );
}

function kbps(bytes: number, durationMs: number): number {
  return durationMs > 0 ? (bytes * 8) / durationMs : 0;
}
