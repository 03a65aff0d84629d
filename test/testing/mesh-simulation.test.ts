// Small meshes in virtual time: the same seed repeats everything, and what comes out is true to what went in.
import { describe, expect, it } from "vitest";
import { linkPresets } from "../../src/testing/link-presets.ts";
import { simulateMesh } from "../../src/testing/mesh-simulation.ts";
import type { MeshOptions } from "../../src/testing/mesh-simulation.ts";

const SEED = 31;
const SMALL: MeshOptions = { peers: 3, durationMs: 60_000, warmUpMs: 15_000, seed: SEED };

describe(`a simulated mesh (seed ${SEED})`, () => {
  it("gives the same digest and figures for the same seed, others for another", () => {
    const once = simulateMesh({ ...SMALL, durationMs: 20_000 });
    expect(simulateMesh({ ...SMALL, durationMs: 20_000 })).toEqual(once);
    expect(simulateMesh({ ...SMALL, durationMs: 20_000, seed: SEED + 1 }).digest).not.toBe(once.digest);
  });

  it("plays everything on a wired network, aligned within 2 ms", () => {
    const report = simulateMesh({ ...SMALL, link: linkPresets.lan });
    const links = 6;
    expect(report.audioFrames).toBeGreaterThan(links * 45 * 50 * 0.99);
    expect(report.videoFrames).toBeGreaterThan(links * 45 * 30 * 0.99);
    expect([report.lateLoss, report.networkLoss]).toEqual([0, 0]);
    expect(report.alignmentErrorMs.p95).toBeLessThan(2);
    expect(report.outsideBound).toBe(0);
    expect(report.lipSyncMs.p95).toBeLessThan(20);
  });

  it("keeps its errors within their bounds over wifi, where clocks are off by up to half a second", () => {
    const report = simulateMesh(SMALL);
    expect(report.alignmentErrorMs.p95).toBeLessThan(10);
    expect(report.outsideBound).toBe(0);
    expect(report.lateLoss).toBeLessThan(0.02);
    expect(report.networkLoss).toBeGreaterThan(0);
  });

  it("bounds what cannot be known on paths of unequal legs", () => {
    const link = (from: number, to: number): { delayMs: number } => ({ delayMs: from < to ? 10 : 80 });
    const report = simulateMesh({ ...SMALL, link });
    expect(report.captureErrorMs.p50).toBeGreaterThan(30);
    expect(report.outsideBound).toBe(0);
  });

  it("follows every option", () => {
    const base = { ...SMALL, durationMs: 20_000, warmUpMs: 10_000, link: linkPresets.lan };
    const usual = simulateMesh(base);
    const changes: MeshOptions[] = [
      { peers: 2 },
      { warmUpMs: 15_000 },
      { skewPpm: 0 },
      { offsetMs: 5 },
      { audio: { frameMs: 40, packetBytes: 300 } },
      { video: { framerateFps: 15, bitrateKbps: 300 } },
      { sync: { mode: "fixed", jitterBufferSizeMs: 100 } },
    ];
    const [pair, late, equal, near, longFrames, slow, held] = changes.map((change) =>
      simulateMesh({ ...base, ...change }),
    );
    expect(pair?.audioFrames).toBeLessThan(usual.audioFrames / 2);
    expect(late?.audioFrames).toBeLessThan(usual.audioFrames * 0.6);
    for (const other of [equal, near]) expect(other?.digest).not.toBe(usual.digest);
    expect(longFrames?.audioFrames).toBeLessThan(usual.audioFrames * 0.6);
    expect(slow?.videoFrames).toBeLessThan(usual.videoFrames * 0.6);
    expect(held?.audioDelayMs.mean).toBeGreaterThan(usual.audioDelayMs.mean + 50);
  });

  it("can do without video, and tells how far it is", () => {
    const minutes: number[] = [];
    const report = simulateMesh({ ...SMALL, video: null, onProgress: (ms) => minutes.push(ms) });
    expect(report.videoFrames).toBe(0);
    expect(report.audioFrames).toBeGreaterThan(0);
    expect(minutes).toEqual([60_000]);
  });

  it("names the option that is wrong", () => {
    expect(() => simulateMesh({ peers: 11 })).toThrow("peers must be a whole number from 2 to 10, got 11");
    expect(() => simulateMesh({ durationMs: 5_000 })).toThrow("durationMs must be above warmUpMs");
  });
});
