// A viewer whose link is throttled for a while, and its tier: what it is sent follows the tier, and the tier what the
// estimate makes of the link. In virtual time.
import { describe, expect, it } from "vitest";
import { TierChoice, tiersFor } from "../../src/session/quality-tiers.ts";
import type { QualityTier } from "../../src/session/quality-tiers.ts";
import type { LinkModelOptions } from "../../src/testing/link-model.ts";
import { playCongestion } from "./congestion-world.ts";

const THROTTLED_MS = 20_000;
const FREE_MS = 50_000;
const END_MS = 90_000;

const TIERS = tiersFor({ width: 640, height: 360, framerateFps: 30 });

/** @returns the tiers it was in, with the ms at which each began */
function watch(seed: number, throttledKbps: number): [tier: QualityTier, atMs: number][] {
  const choice = new TierChoice({ tiers: TIERS });
  const history: [QualityTier, number][] = [];
  let askedMs = -Infinity;
  const sourceKbps = (nowMs: number, targetKbps: number): number => {
    if (nowMs - askedMs >= 500) {
      askedMs = nowMs;
      const tier = choice.observe({ bandwidthKbps: targetKbps }, nowMs);
      if (tier !== history.at(-1)?.[0]) history.push([tier, nowMs]);
    }
    return TIERS.find(({ tier }) => tier === choice.tier)?.kbps ?? NaN;
  };
  const link = (kbps: number): LinkModelOptions => ({ delayMs: 25, rate: { kbps, queueMs: 200 } });
  playCongestion({
    seed,
    durationMs: END_MS,
    startKbps: 500,
    maxKbps: 2_000,
    link: link(2_500),
    changes: [
      { atMs: THROTTLED_MS, link: link(throttledKbps) },
      { atMs: FREE_MS, link: link(2_500) },
    ],
    sourceKbps,
  });
  return history;
}

describe.each([1, 2, 3])("a throttled viewer, seed %i,", (seed) => {
  it.each<[number, QualityTier]>([
    [350, "medium"],
    [120, "low"],
  ])("goes down at %i kbit/s and comes back when the link does", (throttledKbps, lowest) => {
    const history = watch(seed, throttledKbps);
    const text = JSON.stringify(history);
    const tierAt = (atMs: number): QualityTier | undefined =>
      history.filter(([, sinceMs]) => sinceMs <= atMs).at(-1)?.[0];
    expect(tierAt(THROTTLED_MS), text).toBe("high");
    expect(tierAt(THROTTLED_MS + 12_000), text).toBe(lowest);
    expect(tierAt(FREE_MS), text).toBe(lowest);
    expect(tierAt(FREE_MS + (lowest === "low" ? 27_000 : 15_000)), text).toBe("high");
    const before = history.filter(([, atMs]) => atMs > 3_000);
    expect(before.length, text).toBeLessThanOrEqual(4);
    expect(before[0]?.[1], text).toBeLessThanOrEqual(THROTTLED_MS + 5_000);
  });
});
