// Watches the quality of one connection: takes a snapshot of its counters every second and tells what they mean.
import { Driver } from "../runtime/driver.ts";
import type { Clock } from "../runtime/time.ts";
import type { LiveLink } from "./live-link.ts";
import { ConnectionQuality } from "./quality.ts";
import type { ConnectionQualityMetrics, QualityInput, QualityOutput, QualitySnapshot } from "./quality.ts";

/** What a {@link QualityWatch} tells. */
export interface QualityWatchEvents {
  metrics(metrics: ConnectionQualityMetrics): void;
  /** The score has fallen below what is acceptable, or has recovered. */
  qualityChange(change: { acceptable: boolean; score: number }): void;
  /** Time for a line in the log, every ten seconds. */
  log(metrics: ConnectionQualityMetrics): void;
}

/** See the header. Close it when the connection has ended. */
export class QualityWatch {
  readonly #clock: Clock;
  readonly #live: () => LiveLink | undefined;
  readonly #events: QualityWatchEvents;
  readonly #quality: ConnectionQuality;
  readonly #driver: Driver<QualityInput, QualityOutput>;

  /** @param live the connection in use; undefined: none at this moment */
  constructor(clock: Clock, live: () => LiveLink | undefined, events: QualityWatchEvents) {
    this.#clock = clock;
    this.#live = live;
    this.#events = events;
    this.#quality = new ConnectionQuality(clock.now());
    this.#driver = new Driver(this.#quality, clock, (output) => this.#effect(output));
    this.#sample();
  }

  /** The newest figures; undefined while there is no connection. */
  get metrics(): ConnectionQualityMetrics | undefined {
    return this.#quality.metrics;
  }

  /** Idempotent; nothing is told from now on. */
  close(): void {
    this.#driver.close();
  }

  #effect(output: QualityOutput): void {
    switch (output.type) {
      case "sample":
        return this.#sample();
      case "metrics":
        return this.#events.metrics(output.metrics);
      case "quality-change":
        return this.#events.qualityChange({ acceptable: output.acceptable, score: output.score });
      case "log":
        return this.#events.log(output.metrics);
    }
  }

  #sample(): void {
    const live = this.#live();
    if (live === undefined) return;
    this.#driver.handle({ type: "snapshot", snapshot: snapshotOf(live), wallMs: this.#clock.wallNow() });
  }
}

/** Where the browser does RTCP, its word on our audio counts; the incoming audio we always count ourselves. */
function snapshotOf({ media, statistics }: LiveLink): QualitySnapshot {
  const { inbound, outbound } = media?.stats() ?? {};
  const remote = statistics?.audioOutRemote;
  const native = statistics?.audioOut;
  const { bytesSent = null, bytesReceived = null } = statistics ?? {};
  const rtcpRoundTripMs = outbound?.roundTripTimeMs ?? remote?.roundTripTimeMs;
  return {
    roundTripTimeMs: rtcpRoundTripMs ?? statistics?.rttMs ?? null,
    remoteLossRate: remote?.fractionLost ?? media?.remotePacketLossRate ?? 0,
    jitterMs: inbound?.jitterMs ?? 0,
    packetsSent: native?.packetsSent ?? outbound?.packetsSent ?? 0,
    packetsReceived: inbound?.packetsReceived ?? 0,
    packetsLost: inbound?.packetsLost ?? 0,
    audioBytesSent: native?.bytesSent ?? outbound?.bytesSent ?? 0,
    linkBytes: bytesSent === null || bytesReceived === null ? null : bytesSent + bytesReceived,
  };
}
