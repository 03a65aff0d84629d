import { describe, expect, it } from "vitest";
import { AckedRate } from "../../../src/media/congestion/acked-rate.ts";
import { LossControl } from "../../../src/media/congestion/loss-control.ts";
import { LossRttRule } from "../../../src/media/congestion/loss-rtt-rule.ts";
import { RateControl } from "../../../src/media/congestion/rate-control.ts";
import type { RateSituation } from "../../../src/media/congestion/rate-control.ts";
import { SeededRandom } from "../../../src/testing/random.ts";

describe("the acknowledged rate", () => {
  /** 1000 bytes every `everyMs`: 8000 / everyMs kbit/s. */
  function acked(count: number, everyMs: number): AckedRate {
    const rate = new AckedRate();
    for (let index = 0; index < count; index++) rate.add(5_000 + index * everyMs, 1_000);
    return rate;
  }

  it("is that of the window, and of longer where that holds too little", () => {
    const rate = acked(200, 10);
    for (let index = 1; index <= 20; index++) rate.add(6_990 + index * 20, 1_000);
    expect(rate.kbps(200)).toBeCloseTo(400);
    expect(rate.kbps(800)).toBeCloseTo(600);
    expect(acked(20, 100).kbps(200)).toBeCloseTo(80);
  });

  it("is unknown from a few packets, or from those of one moment", () => {
    expect(new AckedRate().kbps(200)).toBeUndefined();
    expect(acked(4, 50).kbps(200)).toBeUndefined();
    expect(acked(50, 0.1).kbps(200)).toBeUndefined();
  });

  it("begins anew when the receiver's clock is set", () => {
    const rate = acked(100, 10);
    rate.add(1e9, 1_000);
    expect(rate.kbps(200)).toBeUndefined();
  });
});

describe("the rate that delay allows", () => {
  const CALM: RateSituation = {
    usage: "normal",
    ackedKbps: undefined,
    meanAckedKbps: undefined,
    roundTripMs: 100,
    shortQueue: true,
  };

  /** Updates every 100 ms for `ms`, from `fromMs` on. */
  function run(control: RateControl, situation: Partial<RateSituation>, fromMs: number, ms: number): number {
    for (let atMs = fromMs; atMs <= fromMs + ms; atMs += 100) control.update({ ...CALM, ...situation }, atMs);
    return control.kbps;
  }

  it("grows by 8 % a second or more where no limit is known", () => {
    const control = new RateControl(500);
    expect(run(control, {}, 0, 2_000)).toBeGreaterThanOrEqual(500 * 1.08 ** 2 - 0.1);
  });

  it("falls to 85 % of what arrives, and grows by a constant near that limit", () => {
    const control = new RateControl(1_000);
    control.update({ ...CALM, usage: "overusing", ackedKbps: 800, shortQueue: false }, 1_000);
    expect(control.kbps).toBeCloseTo(680);
    // Half a packet of 1200 bytes per answer time of 200 ms: 24 kbit/s a second.
    run(control, { meanAckedKbps: 690 }, 1_100, 100);
    const from = control.kbps;
    expect(run(control, { meanAckedKbps: 700 }, 1_300, 1_000) - from).toBeCloseTo(26.4, 0);
  });

  it("waits while the queue drains, and a round trip between decreases", () => {
    const control = new RateControl(1_000);
    const over = { usage: "overusing", ackedKbps: 900, shortQueue: false } as const;
    control.update({ ...CALM, ...over }, 0);
    expect(run(control, { usage: "underusing" }, 10, 2_000)).toBeCloseTo(765);
    control.update({ ...CALM, ...over, ackedKbps: 700 }, 3_000);
    control.update({ ...CALM, ...over, ackedKbps: 600 }, 3_050);
    expect(control.kbps).toBeCloseTo(595);
    expect(control.decreasedMs).toBe(3_000);
  });

  it("falls by 15 % at most while the queue is short", () => {
    const control = new RateControl(1_000);
    control.update({ ...CALM, usage: "overusing", ackedKbps: 300 }, 0);
    expect(control.kbps).toBeCloseTo(850);
  });

  it("runs no further ahead than half of what was seen to pass, and takes nothing away for that", () => {
    const control = new RateControl(500);
    expect(run(control, { meanAckedKbps: 400 }, 0, 20_000)).toBeCloseTo(610);
    expect(run(control, { meanAckedKbps: 100 }, 20_100, 5_000)).toBeCloseTo(610);
  });
});

describe("the rate that loss allows", () => {
  /** Reports every 100 ms of 20 packets each, of which `lostOf` says how many were lost. */
  function run(control: LossControl, lostOf: (turn: number) => number, turns: number, kbps = 1_000): void {
    for (let turn = 0; turn < turns; turn++) {
      control.count(lostOf(turn), 20, turn * 100);
      control.update(Math.min(kbps, control.boundKbps), 100, turn * 100);
    }
  }

  it("is not bounded by loss of 5 % at random", () => {
    const seed = 11;
    const random = new SeededRandom(seed);
    const control = new LossControl();
    const lost = (): number =>
      Array.from({ length: 20 }, () => Number(random.chance(0.05))).reduce((a, b) => a + b);
    run(control, lost, 3_000);
    expect(control.boundKbps, `seed ${seed}`).toBe(Infinity);
  });

  it("falls by half the share lost when that is heavy, and grows by 8 % a second when there is none", () => {
    const control = new LossControl();
    run(control, (turn) => (turn < 5 ? 6 : 0), 5);
    expect(control.boundKbps).toBeCloseTo(850);
    run(control, () => 0, 16);
    expect(control.boundKbps).toBeGreaterThan(850);
    expect(control.boundKbps).toBeLessThanOrEqual(850 * 1.08 ** 1.6 + 1);
  });

  it("is forgotten far above the other rate, and overruled by what was seen to pass", () => {
    const control = new LossControl();
    run(control, () => 10, 5);
    control.raise(900);
    expect(control.boundKbps).toBe(900);
    control.release(700);
    expect(control.boundKbps).toBe(900);
    control.release(500);
    expect(control.boundKbps).toBe(Infinity);
  });

  it("does not count what came after all", () => {
    const control = new LossControl();
    run(control, (turn) => (turn % 2 === 0 ? 10 : -10), 100);
    expect(control.boundKbps).toBe(Infinity);
  });
});

describe("the rule of loss and round trips", () => {
  it.each<[string, number, number | undefined, number, number]>([
    ["goes down by a fifth each second of more than 5 % loss", 0.06, 50, 3, 1_000 * 0.8 ** 4],
    ["goes down as fast at round trips over 300 ms", 0, 301, 3, 1_000 * 0.8 ** 4],
    ["stays between", 0.03, 200, 30, 1_000],
    ["stays until it was quiet for 5 s", 0, 50, 4, 1_000],
    ["goes up by a fifth after 5 quiet seconds", 0, 50, 5, 1_200],
    ["goes up every 5 quiet seconds", 0, undefined, 15, 1_000 * 1.2 ** 3],
  ])("%s", (_, lossRate, roundTripMs, seconds, expected) => {
    const rule = new LossRttRule(1_000);
    for (let second = 0; second <= seconds; second++) rule.update(lossRate, roundTripMs, second * 1_000);
    expect(rule.kbps).toBeCloseTo(expected);
  });

  it("takes one step a second however often it hears, and keeps within bounds", () => {
    const rule = new LossRttRule(1_000);
    for (let atMs = 0; atMs < 3_000; atMs += 50) rule.update(0.5, 400, atMs);
    expect(rule.kbps).toBeCloseTo(512);
    rule.clamp(600, 2_000);
    expect(rule.kbps).toBe(600);
  });
});
