import { describe, expect, it } from "vitest";
import { ConnectionQuality, qualityScore, REFRESH_INTERVAL_MS } from "../../src/peer/quality.ts";
import type { ConnectionQualityMetrics, QualityOutput, QualitySnapshot } from "../../src/peer/quality.ts";

const WALL_OFFSET_MS = 1_767_225_600_000;

const nothing: QualitySnapshot = {
  roundTripTimeMs: null,
  remoteLossRate: 0,
  jitterMs: 0,
  packetsSent: 0,
  packetsReceived: 0,
  packetsLost: 0,
  audioBytesSent: 0,
  linkBytes: 0,
};

/** The machine of a connection that begins at 0, a second at a time. */
class Bench {
  readonly quality = new ConnectionQuality(0);
  readonly outputs: QualityOutput[] = [];
  nowMs = 0;
  snapshot = nothing;

  constructor() {
    this.hand();
  }

  hand(): void {
    const wallMs = this.nowMs + WALL_OFFSET_MS;
    this.handle({ type: "snapshot", snapshot: this.snapshot, wallMs });
  }

  /** Let seconds pass; `change` is added to the counters in each. */
  pass(seconds: number, change: Partial<QualitySnapshot> = {}, set: Partial<QualitySnapshot> = {}): void {
    for (let second = 0; second < seconds; second++) {
      const sum = { ...this.snapshot, ...set };
      for (const [name, value] of Object.entries(change)) {
        Object.assign(sum, { [name]: (this.snapshot[name as keyof QualitySnapshot] ?? 0) + (value ?? 0) });
      }
      this.snapshot = sum;
      this.nowMs = this.quality.deadlineMs;
      this.handle({ type: "timeout" });
    }
  }

  get metrics(): ConnectionQualityMetrics {
    if (this.quality.metrics === undefined) throw new Error("no metrics");
    return this.quality.metrics;
  }

  ofType<Type extends QualityOutput["type"]>(type: Type): Extract<QualityOutput, { type: Type }>[] {
    return this.outputs.filter(
      (output): output is Extract<QualityOutput, { type: Type }> => output.type === type,
    );
  }

  private handle(input: Parameters<ConnectionQuality["handle"]>[0]): void {
    this.quality.handle(input, this.nowMs);
    for (let output = this.quality.poll(); output !== undefined; output = this.quality.poll()) {
      this.outputs.push(output);
      if (output.type === "sample") this.hand();
    }
  }
}

describe("the score", () => {
  it.each([
    [0, 0, 0, 100],
    [100, 0, 30, 100],
    [200, 0, 0, 90],
    [400, 0, 0, 70],
    [4000, 0, 0, 70],
    [0, 0.01, 0, 90],
    [0, 0.04, 0, 60],
    [0, 1, 0, 60],
    [0, 0, 80, 90],
    [0, 0, 1000, 80],
    [1000, 1, 1000, 10],
  ])("of %d ms, loss %d and jitter %d ms is %d", (latencyMs, loss, jitterMs, score) => {
    expect(qualityScore(latencyMs, loss, jitterMs)).toBeCloseTo(score, 9);
  });
});

describe("the quality of a connection", () => {
  it("is known from the first snapshot on, and told with the second", () => {
    const bench = new Bench();
    expect(bench.metrics).toEqual({
      latencyMs: null,
      packetLossRate: 0,
      inboundLossRate: 0,
      jitterMs: 0,
      bandwidthKbps: 0,
      videoResolution: null,
      videoFramerate: 0,
      audioBitrateKbps: 0,
      videoBitrateKbps: 0,
      packetsSent: 0,
      packetsReceived: 0,
      packetsLost: 0,
      score: 100,
      updatedAt: WALL_OFFSET_MS,
    });
    expect(Object.isFrozen(bench.metrics)).toBe(true);
    expect(bench.outputs).toEqual([]);
    bench.pass(3);
    expect(bench.ofType("metrics").map(({ metrics }) => metrics.updatedAt - WALL_OFFSET_MS)).toEqual([
      REFRESH_INTERVAL_MS,
      2 * REFRESH_INTERVAL_MS,
      3 * REFRESH_INTERVAL_MS,
    ]);
  });

  it("takes rates over the last ten seconds", () => {
    const bench = new Bench();
    // 50 packets of 80 bytes a second; on the wire both ways 2 x 50 x 120 bytes.
    const traffic = { packetsSent: 50, packetsReceived: 45, packetsLost: 5 };
    bench.pass(4, { ...traffic, audioBytesSent: 4_000, linkBytes: 12_000 });
    expect(bench.metrics).toMatchObject({ audioBitrateKbps: 32, bandwidthKbps: 96, inboundLossRate: 0.1 });
    bench.pass(60, { ...traffic, audioBytesSent: 4_000, linkBytes: 12_000 });
    expect(bench.metrics).toMatchObject({ audioBitrateKbps: 32, packetsLost: 320, packetsSent: 3_200 });
    bench.pass(5, { packetsReceived: 50 });
    expect(bench.metrics).toMatchObject({ audioBitrateKbps: 16, bandwidthKbps: 48, inboundLossRate: 0.05 });
    bench.pass(5, { packetsReceived: 50 });
    expect(bench.metrics).toMatchObject({ audioBitrateKbps: 0, bandwidthKbps: 0, inboundLossRate: 0 });
  });

  it("takes what came late after all as no negative loss", () => {
    const bench = new Bench();
    bench.pass(1, { packetsReceived: 40, packetsLost: 10 });
    bench.pass(12, { packetsReceived: 50 });
    bench.pass(1, { packetsReceived: 60, packetsLost: -10 });
    expect(bench.metrics.inboundLossRate).toBe(0);
  });

  it("begins anew with the counters of another connection", () => {
    const bench = new Bench();
    bench.pass(10, { packetsReceived: 50, packetsSent: 50, audioBytesSent: 4_000, linkBytes: 10_000 });
    bench.snapshot = nothing;
    bench.pass(1);
    expect(bench.metrics).toMatchObject({ audioBitrateKbps: 0, bandwidthKbps: 0, inboundLossRate: 0 });
    bench.pass(1, { packetsReceived: 50, packetsSent: 50, audioBytesSent: 4_000, linkBytes: 10_000 });
    expect(bench.metrics).toMatchObject({ audioBitrateKbps: 32, bandwidthKbps: 80 });
  });

  it("counts no traffic of before the platform told any", () => {
    const bench = new Bench();
    bench.snapshot = { ...nothing, linkBytes: null };
    const fresh = new ConnectionQuality(0);
    const hand = (atMs: number, linkBytes: number | null): void =>
      fresh.handle({ type: "snapshot", snapshot: { ...nothing, linkBytes }, wallMs: 0 }, atMs);
    hand(0, null);
    hand(1_000, 50_000);
    expect(fresh.metrics?.bandwidthKbps).toBe(0);
    hand(2_000, 60_000);
    expect(fresh.metrics?.bandwidthKbps).toBe(80);
    hand(3_000, null);
    expect(fresh.metrics?.bandwidthKbps).toBe(0);
  });

  it("is judged by the worse direction", () => {
    const bench = new Bench();
    bench.pass(2, {}, { remoteLossRate: 0.02, roundTripTimeMs: 150 });
    expect(bench.metrics).toMatchObject({ packetLossRate: 0.02, latencyMs: 150, score: 75 });
    bench.pass(2, { packetsReceived: 97, packetsLost: 3 });
    expect(bench.metrics.score).toBeCloseTo(65, 9);
  });

  it("tells when it becomes unacceptable, and recovers only beyond the bound", () => {
    const bench = new Bench();
    const settings = (roundTripTimeMs: number): Partial<QualitySnapshot> => ({
      roundTripTimeMs,
      remoteLossRate: 0.04,
    });
    bench.pass(5, {}, settings(200)); // 50
    expect(bench.ofType("quality-change")).toEqual([]);
    bench.pass(5, {}, settings(210)); // 49
    expect(bench.ofType("quality-change")).toEqual([
      { type: "quality-change", acceptable: false, score: 49 },
    ]);
    bench.pass(5, {}, settings(160)); // 54
    bench.pass(5, {}, settings(205)); // 49.5
    expect(bench.ofType("quality-change")).toHaveLength(1);
    bench.pass(5, {}, settings(150)); // 55
    bench.pass(5, {}, settings(200)); // 50
    expect(bench.ofType("quality-change").slice(1)).toEqual([
      { type: "quality-change", acceptable: true, score: 55 },
    ]);
  });

  it("is logged every ten seconds", () => {
    const bench = new Bench();
    bench.pass(35);
    expect(bench.ofType("log").map(({ metrics }) => metrics.updatedAt - WALL_OFFSET_MS)).toEqual([
      10_000, 20_000, 30_000,
    ]);
    expect(bench.ofType("log")[0]?.metrics).toEqual(bench.ofType("metrics")[9]?.metrics);
  });
});
