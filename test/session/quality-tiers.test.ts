import { describe, expect, it } from "vitest";
import { DEFAULT_TIERS, QUALITY_TIERS, TierChoice, tiersFor } from "../../src/session/quality-tiers.ts";
import type { PathObservation, TierChoiceOptions } from "../../src/session/quality-tiers.ts";
import { SeededRandom } from "../../src/testing/random.ts";

/** One peer that is observed each half second; what it is in comes back as letters, one a second. */
function watch(options?: TierChoiceOptions) {
  const choice = new TierChoice(options);
  let nowMs = 1_000;
  const during = (seconds: number, seen: PathObservation): string => {
    let tiers = "";
    for (let half = 0; half < 2 * seconds; half++) {
      const tier = choice.observe(seen, nowMs);
      if (half % 2 === 0) tiers += tier.charAt(0);
      nowMs += 500;
    }
    return tiers;
  };
  return { choice, during, now: () => nowMs };
}

const at = (bandwidthKbps: number, lossRate?: number): PathObservation => ({ bandwidthKbps, lossRate });

describe("tiers of a source", () => {
  it("of 1080p at 30 pictures a second have the usual rates", () => {
    const tiers = tiersFor({ width: 1920, height: 1080, framerateFps: 30 });
    expect(tiers.map(({ kbps, minKbps }) => [kbps, minKbps])).toEqual([
      [4000, 3000],
      [1500, 1000],
      [500, 0],
    ]);
    expect(DEFAULT_TIERS.map(({ tier }) => tier)).toEqual(QUALITY_TIERS);
  });

  it("have its size, two thirds and a third, with rates that shrink more slowly than its pixels", () => {
    const tiers = tiersFor({ width: 640, height: 360, framerateFps: 15 });
    expect(tiers).toEqual([
      { tier: "high", kbps: 458, width: 640, height: 360, minKbps: 343 },
      { tier: "medium", kbps: 172, width: 426, height: 240, minKbps: 114 },
      { tier: "low", kbps: 57, width: 214, height: 120, minKbps: 0 },
    ]);
  });

  it("stay within what encoders take, and never have no pixel", () => {
    expect(tiersFor({ width: 16, height: 2, framerateFps: 1 })).toMatchObject([
      { kbps: 16, width: 16, height: 2 },
      { kbps: 16, width: 10, height: 2 },
      { kbps: 16, width: 6, height: 2 },
    ]);
    expect(tiersFor({ width: 16_382, height: 16_382, framerateFps: 60 })[0]?.kbps).toBe(50_000);
  });
});

describe("the tier of a peer", () => {
  it("begins with what its path carries, and follows the first probes up", () => {
    expect(watch().during(3, at(3000))).toBe("hhh");
    expect(watch().during(3, at(2999))).toBe("mmm");
    const { during } = watch();
    expect(during(1, at(500)) + during(1, at(1199)) + during(3, at(9000))).toBe("lllll");
    const quick = watch();
    expect(quick.during(1, at(500)) + quick.during(3, at(3600))).toBe("lhhh");
  });

  it("falls after 2 s below its bound, as far as the path demands", () => {
    const { during } = watch();
    expect(during(6, at(5000)) + during(4, at(2999))).toBe("hhhhhhhhmm");
    const deep = watch();
    expect(deep.during(6, at(5000)) + deep.during(4, at(999))).toBe("hhhhhhhhll");
  });

  it("does not fall for dips shorter than that", () => {
    const { during } = watch();
    let tiers = during(6, at(5000));
    for (let i = 0; i < 20; i++) tiers += during(1.5, at(100)) + during(0.5, at(3000));
    expect(tiers).toMatch(/^h+$/);
  });

  it("falls by one at heavy loss, and no sooner than 5 s after it came", () => {
    const { during } = watch();
    expect(during(12, at(9000, 0.11))).toBe("hhhhhmmmmmll");
    expect(watch().during(12, at(9000, 0.1))).toBe("hhhhhhhhhhhh");
  });

  it("rises by one after 10 s at 1.2 times the next bound without heavy loss", () => {
    const { during } = watch();
    expect(during(4, at(400))).toBe("llll");
    expect(during(30, at(1199))).toMatch(/^l+$/);
    expect(during(13, at(1200))).toBe("llllllllllmmm");
    expect(during(12, at(9000))).toBe("mmmmmmmmmmhh");
    const lossy = watch();
    lossy.during(4, at(400));
    let tiers = "";
    for (let i = 0; i < 5; i++) tiers += lossy.during(8, at(9000)) + lossy.during(1, at(9000, 0.2));
    expect(tiers).toMatch(/^l+$/);
  });

  it("never exceeds the picture that the peer takes, whichever way up it is", () => {
    const small = watch({ maxVideo: { width: 720, height: 1280 } });
    expect(small.choice.tier).toBe("medium");
    expect(small.during(30, at(9000))).toMatch(/^m+$/);
    expect(watch({ maxVideo: { width: 320, height: 240 } }).during(30, at(9000))).toMatch(/^l+$/);
  });

  it("gives way at once when the peer says that it takes less, and has a chance of more later", () => {
    const { choice, during, now } = watch();
    during(6, at(9000));
    choice.limit({ width: 1280, height: 720 }, now());
    expect(choice.tier).toBe("medium");
    choice.limit(undefined, now());
    expect(during(12, at(9000))).toBe("mmmmmmmmmmhh");
    const early = new TierChoice();
    early.limit({ width: 854, height: 480 }, 0);
    expect(early.tier).toBe("low");
    early.limit(undefined, 0);
    expect(early.tier).toBe("high");
  });

  it("is left alone by what is not known", () => {
    const { during } = watch();
    expect(during(20, {})).toMatch(/^h+$/);
    expect(during(3, { lossRate: 0.5 })).toBe("mmm");
    expect(during(20, at(9000)).slice(-5)).toBe("hhhhh");
  });

  it("uses the tiers of its source", () => {
    const tiers = tiersFor({ width: 640, height: 360, framerateFps: 15 });
    const { during } = watch({ tiers });
    expect(during(6, at(400)) + during(4, at(200)) + during(6, at(60))).toBe("hhhhhhhhmmmmmlll");
  });

  it.each([1, 2, 3, 4, 5, 6])("stays 5 s in each and ends where it belongs, seed %i", (seed) => {
    const random = new SeededRandom(seed);
    const choice = new TierChoice();
    const meanKbps = random.integer(300, 5000);
    const swing = random.next();
    const periodMs = random.integer(500, 40_000);
    const changes: { atMs: number; from: number; to: number }[] = [];
    let nowMs = 0;
    let index = 0;
    const see = (seen: PathObservation): void => {
      const next = QUALITY_TIERS.indexOf(choice.observe(seen, nowMs));
      if (next !== index && nowMs > 0) changes.push({ atMs: nowMs, from: index, to: next });
      index = next;
      nowMs += 250 + random.integer(0, 1000);
    };
    while (nowMs < 600_000) {
      const wave = 1 + swing * Math.sin((2 * Math.PI * nowMs) / periodMs) + 0.2 * random.normal();
      see(at(Math.max(0, meanKbps * wave), random.chance(0.02) ? 0.3 : 0));
    }
    const settled = changes.filter(({ atMs }) => atMs > 2_000);
    for (const [i, { atMs, from, to }] of settled.entries()) {
      const stayedMs = atMs - (settled[i - 1]?.atMs ?? 0);
      expect(stayedMs, `seed ${seed}`).toBeGreaterThanOrEqual(to < from ? 10_000 : 5_000);
      if (to < from) expect(from - to, `seed ${seed}`).toBe(1);
    }
    expect(changes.length, `seed ${seed}`).toBeLessThanOrEqual(600 / 5);
    for (const [kbps, expected] of [
      [9000, "high"],
      [600, "low"],
      [2000, "medium"],
      [3600, "high"],
      [2500, "medium"],
    ] as const) {
      const endMs = nowMs + 30_000;
      while (nowMs < endMs) see(at(kbps));
      expect(choice.tier, `seed ${seed}, ${kbps} kbit/s`).toBe(expected);
    }
  });
});
