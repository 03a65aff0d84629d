import { describe, expect, it } from "vitest";
import { linkPresets } from "../../src/testing/link-presets.ts";
import type { LinkModelOptions } from "../../src/testing/link-model.ts";
import { figuresOf, lossRate, queueMs } from "./congestion-figures.ts";
import type { CongestionFigures } from "./congestion-figures.ts";
import { playCongestion } from "./congestion-world.ts";
import type { CongestionOptions, CongestionReport } from "./congestion-world.ts";

const SEEDS = [1, 2];
const CHANGE_MS = 15_000;
const END_MS = 4 * CHANGE_MS;

function bottleneck(kbps: number, queue = 200, more: Partial<LinkModelOptions> = {}): LinkModelOptions {
  return { delayMs: 25, rate: { kbps, queueMs: queue }, ...more };
}

/** A link of 800 kbit/s that becomes one of 300 and then one of 1500. */
function stepped(seed: number, queue: number, options: Partial<CongestionOptions> = {}): CongestionReport {
  const changes = [
    { atMs: CHANGE_MS, link: bottleneck(300, queue) },
    { atMs: 2 * CHANGE_MS, link: bottleneck(1_500, queue) },
  ];
  return playCongestion({ seed, durationMs: END_MS, link: bottleneck(800, queue), changes, ...options });
}

function steps(...how: Parameters<typeof stepped>): CongestionFigures[] {
  const report = stepped(...how);
  return [
    figuresOf(report, { fromMs: 0, toMs: CHANGE_MS, limitKbps: 800 }),
    figuresOf(report, { fromMs: CHANGE_MS, toMs: 2 * CHANGE_MS, limitKbps: 300 }),
    figuresOf(report, { fromMs: 2 * CHANGE_MS, toMs: END_MS, limitKbps: 1_500 }),
  ];
}

/** Half a minute on one link of 2 Mbit/s, begun at 300. */
function steady(seed: number, more: Partial<LinkModelOptions>): CongestionFigures {
  const report = playCongestion({ seed, durationMs: 30_000, link: bottleneck(2_000, 200, more) });
  return figuresOf(report, { fromMs: 0, toMs: 30_000, limitKbps: 2_000 });
}

describe.each(SEEDS)("the rate of video, seed %i,", (seed) => {
  describe.each([100, 200, 500])("at a queue of %i ms,", (queue) => {
    it("finds a limit downwards within 3 s, and upwards within 5 s by probing", () => {
      const [first, lower, higher] = steps(seed, queue);
      expect(first?.settleMs).toBeLessThanOrEqual(5_000);
      expect(lower?.settleMs).toBeLessThanOrEqual(3_000);
      expect(higher?.settleMs).toBeLessThanOrEqual(5_000);
    });

    it("keeps to the limit, with little loss and a queue that does not stand", () => {
      expect(lossRate(stepped(seed, queue).video)).toBeLessThan(0.02);
      for (const [index, found] of steps(seed, queue).entries()) {
        const where = `stretch ${index}`;
        expect(found.rateShare, where).toBeGreaterThan(0.75);
        expect(found.rateShare, where).toBeLessThan(1);
        expect(found.nearShare, where).toBeGreaterThan(0.95);
        // Upwards nothing fills the queue. Downwards it fills before anybody can know, and is drained at 15 % of
        // 300 kbit/s.
        expect(found.lossRate, where).toBeLessThan(index === 1 ? 0.08 : 0.01);
        expect(found.queueP95Ms, where).toBeLessThan(index === 1 ? queue + 20 : 120);
      }
    });
  });

  it("finds a higher limit within 15 s where nothing can be padded", () => {
    const [, , higher] = steps(seed, 200, { padding: false });
    expect(higher?.settleMs).toBeLessThanOrEqual(15_000);
  });

  it.each<[string, Partial<LinkModelOptions>]>([
    ["5 % of random loss", { loss: 0.05 }],
    ["a wifi whose jitter reaches 50 ms", wifi()],
    ["50 ms of jitter in every packet", { jitter: { uniformMs: 50 } }],
    ["a twentieth of the packets overtaken by 40 ms", { reorder: { probability: 0.05, extraMs: 40 } }],
  ])("is not pushed below 70 %% of the link by %s", (_, habits) => {
    const { settleMs, rateShare, utilisation } = steady(seed, habits);
    expect(settleMs).toBeLessThanOrEqual(10_000);
    expect(rateShare).toBeGreaterThan(0.7);
    expect(utilisation).toBeGreaterThan(0.65);
  });

  it.each([200, -200])("does not notice clocks %i ppm apart", (skewPpm) => {
    const options = { seed, durationMs: 60_000, link: bottleneck(800) };
    const [same, apart] = [0, skewPpm].map((ppm) =>
      figuresOf(playCongestion({ ...options, skewPpm: ppm }), { fromMs: 0, toMs: 60_000, limitKbps: 800 }),
    );
    expect(
      Math.abs((apart as CongestionFigures).rateShare - (same as CongestionFigures).rateShare),
    ).toBeLessThan(0.05);
    expect(apart?.queueP95Ms).toBeLessThan(120);
  });

  it("leaves audio on the same bottleneck alone: none lost, 95 % delayed by less than 100 ms", () => {
    const { audio } = playCongestion({ seed, durationMs: 40_000, link: bottleneck(800), audio: true });
    expect(audio).toHaveLength(2_001);
    expect(lossRate(audio)).toBe(0);
    expect(queueMs(audio, 0.95)).toBeLessThan(100);
    expect(queueMs(audio, 1)).toBeLessThan(200);
  });

  it("comes back within 5 s after a link was dead for 3", () => {
    const link = bottleneck(800, 200, { outages: [{ fromMs: 12_000, toMs: 15_000 }] });
    const report = playCongestion({ seed, durationMs: 35_000, link });
    const back = figuresOf(report, { fromMs: 15_000, toMs: 35_000, limitKbps: 800 });
    expect(back.settleMs).toBeLessThanOrEqual(5_000);
    expect(back.rateShare).toBeGreaterThan(0.7);
  });

  it("has room when a source that sent little wants more", () => {
    const sourceKbps = (nowMs: number): number => (nowMs < 20_000 ? 150 : Infinity);
    const report = playCongestion({ seed, durationMs: 40_000, link: bottleneck(1_500), sourceKbps });
    const more = figuresOf(report, { fromMs: 20_000, toMs: 40_000, limitKbps: 1_500 });
    expect(more.settleMs).toBeLessThanOrEqual(1_000);
    expect(more.lossRate).toBeLessThan(0.01);
  });

  it.each([50, 150])(
    "learns within 10 s that a link has widened although it sends %i kbit/s",
    (sourceKbps) => {
      const changes = [{ atMs: 10_000, link: bottleneck(5_000) }];
      const report = playCongestion({
        seed,
        durationMs: 40_000,
        link: bottleneck(700),
        changes,
        maxKbps: 4_500,
        sourceKbps: () => sourceKbps,
      });
      const rateAt = (sample: number): number => report.samples[20 * sample]?.targetKbps ?? NaN;
      expect(rateAt(10)).toBeLessThan(1_000);
      expect(rateAt(20)).toBeGreaterThan(3_600);
      // Once it is known, nothing is left to find.
      expect(rateAt(39)).toBeGreaterThan(3_600);
      expect((report.paddingBytes * 8) / 40_000).toBeLessThan(50);
    },
  );

  it("survives a way back that loses a third of the feedback", () => {
    const back = { delayMs: 25, loss: 0.3 };
    const report = playCongestion({ seed, durationMs: 40_000, link: bottleneck(800), back });
    const found = figuresOf(report, { fromMs: 0, toMs: 40_000, limitKbps: 800 });
    expect(found.rateShare).toBeGreaterThan(0.7);
    expect(found.lossRate).toBeLessThan(0.02);
  });

  it("spends about a twentieth on feedback and little on padding", () => {
    const report = playCongestion({ seed, durationMs: 40_000, link: bottleneck(300) });
    const videoBytes = bytesOf(report);
    expect(report.feedbackBytes / videoBytes).toBeLessThan(0.05);
    expect(report.paddingBytes / videoBytes).toBeLessThan(0.05);
  });

  it("follows loss and round trips where nothing else is told, slowly", () => {
    const [first, lower, higher] = steps(seed, 200, { feedback: "none", startKbps: 1_500 });
    expect(first?.settleMs).toBeLessThanOrEqual(6_000);
    expect(lower?.settleMs).toBeLessThanOrEqual(8_000);
    expect(higher?.settleMs).toBeGreaterThan(15_000);
  });
});

function wifi(): Partial<LinkModelOptions> {
  const { jitter, loss, reorder } = linkPresets.wifi;
  return { ...(jitter && { jitter }), ...(loss !== undefined && { loss }), ...(reorder && { reorder }) };
}

function bytesOf({ video }: CongestionReport): number {
  return video.reduce((sum, { byteLength }) => sum + byteLength, 0);
}
