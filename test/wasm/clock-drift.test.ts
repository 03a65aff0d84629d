import { afterEach, describe, expect, it } from "vitest";
import { ntpToBigInt, unixUsToNtp } from "../../src/rtp/ntp.ts";
import { LinkModel } from "../../src/testing/link-model.ts";
import { linkPresets } from "../../src/testing/link-presets.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { Arena } from "../../src/wasm/arena.ts";
import { ClockDriftEstimator } from "../../src/wasm/clock-drift.ts";
import type { ClockDriftEstimate, ClockDriftOptions } from "../../src/wasm/clock-drift.ts";

const open: ClockDriftEstimator[] = [];

afterEach(() => {
  for (const estimator of open.splice(0)) estimator.close();
});

function estimatorOf(options?: ClockDriftOptions): ClockDriftEstimator {
  const estimator = new ClockDriftEstimator("peer", options);
  open.push(estimator);
  return estimator;
}

interface Sender {
  ppm: number;
  fromMs?: number;
  toMs: number;
  everyMs?: number;
  clockRate?: number;
  firstTimestamp?: number;
  /** Added to the arrival. */
  delayMs?: (sentMs: number) => number;
  ntp?: (sentMs: number) => bigint | null;
}

/** Feed what a sender whose clock is fast by `ppm` sends between two moments. */
function feed(estimator: ClockDriftEstimator, sender: Sender): void {
  const { ppm, fromMs = 0, toMs, everyMs = 20, clockRate = 48_000, firstTimestamp = 0 } = sender;
  for (let sentMs = fromMs; sentMs < toMs; sentMs += everyMs) {
    const ticks = Math.round((sentMs * (1 + ppm * 1e-6) * clockRate) / 1000);
    const timestamp = (firstTimestamp + ticks) % 2 ** 32;
    estimator.addObservation(
      timestamp,
      sender.ntp?.(sentMs) ?? null,
      5000.25 + sentMs + (sender.delayMs?.(sentMs) ?? 0),
    );
  }
}

function estimateOf(estimator: ClockDriftEstimator): ClockDriftEstimate {
  const estimate = estimator.estimateDrift();
  if (estimate === null) throw new Error("no estimate");
  return estimate;
}

/** Mostly small, now and then large; never negative. */
function jitter(seed: number, meanMs: number): () => number {
  const random = new SeededRandom(`jitter-${seed}`);
  return () => -meanMs * Math.log(1 - random.next());
}

function ntpAt(ms: number): bigint {
  return ntpToBigInt(unixUsToNtp(1_700_000_000_000_000 + Math.round(ms * 1000)));
}

describe("an estimate", () => {
  it("needs ten observations", () => {
    const estimator = estimatorOf();
    feed(estimator, { ppm: 0, toMs: 180 });
    expect(estimator.sampleCount).toBe(9);
    expect(estimator.estimateDrift()).toBeNull();
    feed(estimator, { ppm: 0, fromMs: 180, toMs: 200 });
    expect(estimateOf(estimator).sampleCount).toBe(10);
  });

  it.each([0, 37, -250, 1200])("of perfect data at %d ppm is exact and certain", (ppm) => {
    const estimator = estimatorOf();
    feed(estimator, { ppm, toMs: 30_000 });
    const { driftPpm, confidence, correctionFactor, converged } = estimateOf(estimator);
    expect(Math.abs(driftPpm - ppm)).toBeLessThan(0.5);
    expect(confidence).toBeGreaterThan(0.99);
    expect(correctionFactor).toBeCloseTo(1 + driftPpm * 1e-6, 12);
    expect(converged).toBe(true);
    expect(estimator.senderRate).toBeCloseTo(48_000 * (1 + driftPpm * 1e-6), 6);
    expect(estimator.receiverRate).toBe(48_000);
  });

  it("of perfect whole milliseconds is certain after a fifth of a second", () => {
    const estimator = estimatorOf();
    for (let i = 0; i < 12; i++) estimator.addObservation(i * 960, null, i * 20);
    expect(estimateOf(estimator)).toMatchObject({ driftPpm: 0, confidence: 1, recommendedAction: "none" });
  });

  it("of ten sender reports finds 10 ppm", () => {
    const estimator = estimatorOf();
    feed(estimator, { ppm: 10, toMs: 50_000, everyMs: 5000, delayMs: jitter(1, 20), ntp: ntpAt });
    expect(Math.abs(estimateOf(estimator).driftPpm - 10)).toBeLessThan(1);
  });

  it("of noise is not believed", () => {
    const estimator = estimatorOf();
    const random = new SeededRandom("noise");
    feed(estimator, { ppm: 0, toMs: 2000, delayMs: () => random.next() * 400 });
    const { confidence, recommendedAction, converged } = estimateOf(estimator);
    expect(confidence).toBeLessThan(0.5);
    expect(recommendedAction).toBe("investigate");
    expect(converged).toBe(false);
  });

  it("says nothing of packets that all came at once", () => {
    const estimator = estimatorOf();
    for (let i = 0; i < 20; i++) estimator.addObservation(i * 960, null, 1000);
    expect(estimateOf(estimator)).toMatchObject({ driftPpm: 0, recommendedAction: "investigate" });
  });

  it("is the same until a point is added", () => {
    const estimator = estimatorOf();
    feed(estimator, { ppm: 80, toMs: 5000, delayMs: jitter(2, 1) });
    expect(estimator.estimateDrift()).toEqual(estimator.estimateDrift());
  });

  it.each([
    [40, "none"],
    [60, "monitor"],
    [-99, "monitor"],
    [101, "adjust"],
    [-800, "adjust"],
    [3000, "adjust"],
    [-20_000, "investigate"],
  ])("of %d ppm at a threshold of 100 recommends %s", (ppm, action) => {
    const estimator = estimatorOf();
    feed(estimator, { ppm, toMs: 20_000 });
    const { recommendedAction, driftPpm, correctionFactor } = estimateOf(estimator);
    expect(recommendedAction).toBe(action);
    expect(Math.abs(driftPpm)).toBeLessThanOrEqual(1500);
    expect(correctionFactor).toBeGreaterThanOrEqual(0.99);
    expect(correctionFactor).toBeLessThanOrEqual(1.01);
  });

  it("labels by the threshold it is given", () => {
    const estimator = estimatorOf({ thresholdPpm: 20 });
    feed(estimator, { ppm: 30, toMs: 20_000 });
    expect(estimateOf(estimator).recommendedAction).toBe("adjust");
  });
});

describe("clocks", () => {
  it("goes on over wraps, at 90 kHz too", () => {
    const estimator = estimatorOf({ clockRate: 90_000 });
    feed(estimator, {
      ppm: -60,
      toMs: 60_000,
      everyMs: 40,
      clockRate: 90_000,
      firstTimestamp: 2 ** 32 - 2_000_000,
    });
    expect(Math.abs(estimateOf(estimator).driftPpm + 60)).toBeLessThan(0.5);
    expect(estimator.sampleCount).toBe(1500);
  });

  it("takes a pause of minutes, and of a day and more than a turn of the timestamps, for a pause", () => {
    const estimator = estimatorOf();
    feed(estimator, { ppm: 20, toMs: 30_000 });
    feed(estimator, { ppm: 20, fromMs: 400_000, toMs: 430_000 });
    feed(estimator, { ppm: 20, fromMs: 86_400_000, toMs: 86_430_000 });
    expect(estimator.sampleCount).toBe(4500);
    expect(Math.abs(estimateOf(estimator).driftPpm - 20)).toBeLessThan(1);
  });

  it("bears packets out of order", () => {
    const estimator = estimatorOf();
    const random = new SeededRandom("order");
    const packets = Array.from({ length: 3000 }, (_, i) => ({
      i,
      atMs: i * 20 + (random.chance(0.2) ? 70 : 0),
    }));
    packets.sort((a, b) => a.atMs - b.atMs);
    for (const { i, atMs } of packets) estimator.addObservation(i * 960, null, atMs * (1 + 50e-6));
    expect(Math.abs(estimateOf(estimator).driftPpm + 50)).toBeLessThan(1);
  });

  it("begins anew at the second observation in a row that jumps by more than a second", () => {
    const estimator = estimatorOf();
    feed(estimator, { ppm: 300, toMs: 20_000 });
    feed(estimator, { ppm: 300, fromMs: 20_000, toMs: 20_020, firstTimestamp: 100_000 });
    expect(estimator.sampleCount).toBe(1000);
    feed(estimator, { ppm: 300, fromMs: 20_020, toMs: 20_040, firstTimestamp: 100_000 });
    expect(estimator.sampleCount).toBe(1);
    expect(estimator.estimateDrift()).toBeNull();
    feed(estimator, { ppm: -100, fromMs: 20_040, toMs: 50_000, firstTimestamp: 100_000 });
    expect(Math.abs(estimateOf(estimator).driftPpm + 100)).toBeLessThan(1);
  });

  it("passes over a single observation that jumps, whichever way", () => {
    const estimator = estimatorOf();
    feed(estimator, { ppm: 0, toMs: 1000 });
    for (const timestamp of [2 ** 31, 2 ** 32 - 100_000, 48_000 * 1.5 + 48_000]) {
      estimator.addObservation(timestamp, null, 6000.25);
      estimator.addObservation(48_000, null, 6000.25);
    }
    expect(estimator.sampleCount).toBe(53);
  });

  it("takes times that go back or are absurd without harm", () => {
    const estimator = estimatorOf();
    feed(estimator, { ppm: 0, toMs: 1000 });
    for (const atMs of [5900, -1e300, 1e308, -1e308, 1e308, 0]) estimator.addObservation(48_000, null, atMs);
    estimator.addObservation(-5, null, 0);
    estimator.addObservation(1e20, null, 0);
    feed(estimator, { ppm: 40, toMs: 20_000 });
    expect(Math.abs(estimateOf(estimator).driftPpm - 40)).toBeLessThan(1);
  });

  it.each([
    [Number.NaN, null, 0],
    [Infinity, null, 0],
    [0, null, Number.NaN],
    [0, null, -Infinity],
    [0, -1n, 0],
    [0, 1n << 64n, 0],
    [0, 5 as unknown as bigint, 0],
  ])("refuses %s, %s, %s", (timestamp, ntp, atMs) => {
    const estimator = estimatorOf();
    expect(() => {
      estimator.addObservation(timestamp, ntp, atMs);
    }).toThrow(expect.objectContaining({ code: "INVALID_DATA" }));
    expect(estimator.sampleCount).toBe(0);
  });
});

describe("the network", () => {
  it.each([15, -15, 80])("a route step of %d ms costs nothing a minute later", (stepMs) => {
    const estimator = estimatorOf();
    const noise = jitter(stepMs, 2);
    feed(estimator, {
      ppm: 37,
      toMs: 80_000,
      delayMs: (sentMs) => 100 + noise() + (sentMs > 20_000 ? stepMs : 0),
    });
    expect(Math.abs(estimateOf(estimator).driftPpm - 37)).toBeLessThan(3);
  });

  it.each([1, 2, 3])("a minute of wifi gives a value within three standard errors (seed %i)", (seed) => {
    const estimator = estimatorOf();
    const link = new LinkModel(linkPresets.wifi, seed);
    const arrivals: { i: number; arrivalMs: number }[] = [];
    for (let i = 0; i < 3000; i++) link.send(120, i * 20, (arrivalMs) => arrivals.push({ i, arrivalMs }));
    arrivals.sort((a, b) => a.arrivalMs - b.arrivalMs);
    for (const { i, arrivalMs } of arrivals) estimator.addObservation(i * 960, null, arrivalMs);
    const { driftPpm, standardErrorPpm } = estimateOf(estimator);
    expect(standardErrorPpm).toBeLessThan(15);
    expect(Math.abs(driftPpm)).toBeLessThan(3 * standardErrorPpm);
  });

  it("follows a clock that changes its rate within a minute, though five minutes say otherwise", () => {
    const estimator = estimatorOf();
    const noise = jitter(7, 1);
    // 300 s of +100 ppm are 30 ms: the second part begins where the first ended.
    feed(estimator, { ppm: 100, toMs: 300_000, delayMs: noise });
    for (let second = 0; second < 60; second++) {
      const fromMs = 300_000 + second * 1000;
      feed(estimator, { ppm: -100, fromMs, toMs: fromMs + 1000, firstTimestamp: 2880, delayMs: noise });
      estimator.estimateDrift();
    }
    expect(Math.abs(estimateOf(estimator).driftPpm + 100)).toBeLessThan(15);
  });

  it("stays finite, exact and of one size over eight hours", { timeout: 30_000 }, () => {
    const arena = new Arena({ bytes: 256 * 1024 });
    const estimator = estimatorOf({ arena });
    estimator.addObservation(0, null, 5000.25);
    const { bytesInUse } = arena;
    const noise = jitter(8, 2);
    for (let hour = 0; hour < 8; hour++) {
      const fromMs = hour * 3_600_000 + 60;
      feed(estimator, { ppm: 45, fromMs, toMs: fromMs + 3_600_000, everyMs: 60, delayMs: noise });
      const { driftPpm, standardErrorPpm } = estimateOf(estimator);
      expect(Math.abs(driftPpm - 45)).toBeLessThan(1);
      expect(standardErrorPpm).toBeLessThan(1);
    }
    expect(arena.bytesInUse).toBe(bytesInUse);
  });
});

describe("capture times", () => {
  it("see through a network that arrivals do not", () => {
    const estimator = estimatorOf();
    feed(estimator, { ppm: 64, toMs: 20_000, delayMs: jitter(3, 80), ntp: ntpAt });
    const { driftPpm, standardErrorPpm } = estimateOf(estimator);
    expect(Math.abs(driftPpm - 64)).toBeLessThan(0.5);
    expect(standardErrorPpm).toBeLessThan(1);
  });

  it("rule while they come now and then; arrivals between them add nothing", () => {
    const estimator = estimatorOf();
    const ntp = (sentMs: number): bigint | null => (sentMs % 1000 === 0 ? ntpAt(sentMs) : null);
    feed(estimator, { ppm: -25, toMs: 40_000, delayMs: jitter(4, 80), ntp });
    expect(estimator.sampleCount).toBe(2000);
    expect(Math.abs(estimateOf(estimator).driftPpm + 25)).toBeLessThan(0.5);
  });

  it("and arrivals take turns without a seam, whatever lies between the clocks", () => {
    const estimator = estimatorOf();
    const ntp = (sentMs: number): bigint | null =>
      sentMs < 40_000 || sentMs >= 140_000 ? ntpAt(sentMs + 7e6) : null;
    feed(estimator, { ppm: 90, toMs: 200_000, ntp });
    expect(Math.abs(estimateOf(estimator).driftPpm - 90)).toBeLessThan(1);
  });

  it("may step: what was measured before stays", () => {
    const estimator = estimatorOf();
    feed(estimator, {
      ppm: 55,
      toMs: 60_000,
      ntp: (sentMs) => ntpAt(sentMs > 30_000 ? sentMs - 5000 : sentMs),
    });
    expect(estimator.sampleCount).toBe(3000);
    const { driftPpm, confidence } = estimateOf(estimator);
    expect(Math.abs(driftPpm - 55)).toBeLessThan(0.5);
    expect(confidence).toBeGreaterThan(0.98);
  });

  it("may be wrong once", () => {
    const estimator = estimatorOf();
    feed(estimator, {
      ppm: 55,
      toMs: 60_000,
      everyMs: 1000,
      ntp: (sentMs) => ntpAt(sentMs === 30_000 ? 9e6 : sentMs),
    });
    expect(Math.abs(estimateOf(estimator).driftPpm - 55)).toBeLessThan(0.5);
  });

  it("may pass into the next era", () => {
    const estimator = estimatorOf();
    const lastSecond = 0xffff_ffff_0000_0000n;
    const ntp = (sentMs: number): bigint => BigInt.asUintN(64, lastSecond + (BigInt(sentMs) << 32n) / 1000n);
    feed(estimator, { ppm: 12, toMs: 30_000, ntp });
    expect(Math.abs(estimateOf(estimator).driftPpm - 12)).toBeLessThan(0.5);
  });

  it("of zero are none", () => {
    const estimator = estimatorOf();
    feed(estimator, { ppm: 33, toMs: 30_000, ntp: () => 0n });
    expect(Math.abs(estimateOf(estimator).driftPpm - 33)).toBeLessThan(0.5);
  });
});

describe("the life of an estimator", () => {
  it("forgets everything on reset", () => {
    const estimator = estimatorOf();
    feed(estimator, { ppm: 500, toMs: 20_000 });
    estimator.reset();
    estimator.reset();
    expect(estimator.estimateDrift()).toBeNull();
    feed(estimator, { ppm: -5, toMs: 20_000, firstTimestamp: 12_345 });
    expect(Math.abs(estimateOf(estimator).driftPpm + 5)).toBeLessThan(0.5);
  });

  it("gives its memory back on close and refuses to go on", () => {
    const arena = new Arena({ bytes: 256 * 1024 });
    const estimator = new ClockDriftEstimator("peer", { arena });
    expect(estimator.peerId).toBe("peer");
    expect(arena.inUse).toBe(true);
    estimator.close();
    estimator.close();
    expect(estimator.closed).toBe(true);
    expect(arena.inUse).toBe(false);
    const refusal: unknown = expect.objectContaining({ code: "ALREADY_SHUTDOWN" });
    expect(() => estimator.estimateDrift()).toThrow(refusal);
    expect(() => {
      estimator.addObservation(0, null, 0);
    }).toThrow(refusal);
  });

  it("needs an arena with room for its work, and leaves nothing behind in one without", () => {
    const arena = new Arena({ bytes: 64 * 1024 });
    expect(() => new ClockDriftEstimator("peer", { arena })).toThrow(
      expect.objectContaining({ code: "LIMIT_EXCEEDED" }),
    );
    expect(arena.bytesInUse).toBe(0);
  });

  it.each([
    { clockRate: 0 },
    { clockRate: 44_100.5 },
    { clockRate: Number.NaN },
    { thresholdPpm: 0 },
    { thresholdPpm: Infinity },
  ])("refuses %o", (options) => {
    expect(() => new ClockDriftEstimator("peer", options)).toThrow(
      expect.objectContaining({ code: "INVALID_CONFIG" }),
    );
  });
});
