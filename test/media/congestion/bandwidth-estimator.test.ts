import { describe, expect, it } from "vitest";
import { BandwidthEstimator } from "../../../src/media/congestion/bandwidth-estimator.ts";
import type { BandwidthOutput, FeedbackKind } from "../../../src/media/congestion/bandwidth-estimator.ts";
import { SeededRandom } from "../../../src/testing/random.ts";
import { feedbackOn } from "./feedback.ts";

function estimator(feedback: FeedbackKind, startKbps = 300): BandwidthEstimator {
  return new BandwidthEstimator({ feedback, minKbps: 100, startKbps, maxKbps: 2_000 });
}

function drain(machine: BandwidthEstimator): BandwidthOutput[] {
  const outputs: BandwidthOutput[] = [];
  for (let output = machine.poll(); output !== undefined; output = machine.poll()) outputs.push(output);
  return outputs;
}

/** 1000 bytes every 20 ms (400 kbit/s), told every 100 ms; packet `n` comes after `delayMs(n)`, or never. */
function send(
  machine: BandwidthEstimator,
  count: number,
  delayMs: (number: number) => number | undefined,
  from = 0,
): void {
  for (let number = from; number < from + count; number++) {
    const nowMs = number * 20;
    const sequenceNumber = number & 0xffff;
    machine.handle({ type: "packet-sent", sequenceNumber, byteLength: 1_000, clusterId: undefined }, nowMs);
    if (number % 5 !== 4) continue;
    const arrivals = [number - 4, number - 3, number - 2, number - 1, number].map((each) => {
      const delay = delayMs(each);
      return delay === undefined ? undefined : each * 20 + delay;
    });
    const feedback = feedbackOn((number - 4) & 0xffff, arrivals);
    machine.handle({ type: "feedback", feedback }, nowMs);
  }
}

describe("the estimate from arrival times", () => {
  it("begins at the start rate and asks for probes with the first packet", () => {
    const machine = estimator("transport-cc");
    expect(drain(machine)).toEqual([{ type: "target", kbps: 300, queued: false }]);
    machine.handle({ type: "packet-sent", sequenceNumber: 0, byteLength: 1_000, clusterId: undefined }, 0);
    expect(drain(machine).map(({ type, kbps }) => [type, kbps])).toEqual([
      ["probe", 900],
      ["probe", 1_800],
    ]);
  });

  it("rises on an empty path, but not beyond half more than passes", () => {
    const machine = estimator("transport-cc");
    send(machine, 1_000, () => 30);
    expect(machine.targetKbps).toBeGreaterThan(580);
    expect(machine.targetKbps).toBeLessThanOrEqual(611);
  });

  it("falls when the queue grows, and when much is lost", () => {
    for (const delay of [
      (n: number) => 30 + Math.max(0, n - 500) * 4,
      (n: number) => (n > 500 && n % 3 === 0 ? undefined : 30),
    ]) {
      const machine = estimator("transport-cc");
      send(machine, 500, delay);
      const before = machine.targetKbps;
      send(machine, 200, delay, 500);
      expect(machine.targetKbps).toBeLessThan(before * 0.85);
    }
  });

  it("keeps within its bounds, also within new ones", () => {
    const machine = estimator("transport-cc");
    send(machine, 500, (n) => 30 + n * 80);
    expect(machine.targetKbps).toBe(100);
    machine.handle({ type: "bounds", minKbps: 500, maxKbps: 550 }, 10_000);
    expect(machine.targetKbps).toBe(500);
    send(machine, 1_000, () => 5_000, 500);
    expect(machine.targetKbps).toBeLessThanOrEqual(550);
  });

  it("falls with each second in which nothing is heard of what is sent, and rests when nothing is", () => {
    const machine = estimator("transport-cc");
    send(machine, 100, () => 30);
    const before = machine.targetKbps;
    expect(machine.deadlineMs).toBe(Infinity);
    const sent = {
      type: "packet-sent",
      sequenceNumber: 100,
      byteLength: 1_000,
      clusterId: undefined,
    } as const;
    machine.handle(sent, 3_000);
    expect(machine.deadlineMs).toBe(4_000);
    machine.handle({ type: "timeout" }, 4_000);
    expect(machine.targetKbps).toBeCloseTo(before * 0.7);
    expect(machine.deadlineMs).toBe(Infinity);
  });

  it("goes by reported loss as long as there is no feedback, and no further than a REMB", () => {
    const machine = estimator("transport-cc");
    for (let second = 0; second < 3; second++) {
      machine.handle({ type: "receiver-report", lossRate: 0.4, packets: 50 }, second * 1_000);
    }
    expect(machine.targetKbps).toBeLessThan(250);
    machine.handle({ type: "remb", kbps: 150 }, 6_000);
    expect(machine.targetKbps).toBe(150);
  });

  it("tells changes of a percent or more only", () => {
    const machine = estimator("transport-cc");
    send(machine, 500, () => 30);
    const rates = drain(machine).flatMap((output) => (output.type === "target" ? output.kbps : []));
    for (const [index, kbps] of rates.slice(1).entries()) {
      expect(Math.abs(kbps / (rates[index] as number) - 1)).toBeGreaterThanOrEqual(0.01);
    }
    expect(rates.length).toBeGreaterThan(10);
  });

  it("stays finite and within bounds whatever feedback says", () => {
    const seed = 9;
    const random = new SeededRandom(seed);
    const machine = estimator("transport-cc");
    send(machine, 3_000, () =>
      random.chance(0.3) ? undefined : (random.next() - 0.5) * 10 ** random.integer(0, 10),
    );
    for (const kbps of drain(machine).map((output) => output.kbps)) {
      expect(kbps, `seed ${seed}`).toBeGreaterThanOrEqual(100);
      expect(kbps, `seed ${seed}`).toBeLessThanOrEqual(2_000);
    }
  });
});

describe("the estimate of a receiver that estimates itself", () => {
  it("is the start rate until the first REMB, and then that, less what loss takes", () => {
    const machine = estimator("remb");
    expect(machine.targetKbps).toBe(300);
    machine.handle({ type: "remb", kbps: 1_200 }, 0);
    expect(machine.targetKbps).toBe(1_200);
    for (let second = 1; second < 4; second++) {
      machine.handle({ type: "receiver-report", lossRate: 0.3, packets: 100 }, second * 1_000);
    }
    expect(machine.targetKbps).toBeCloseTo(1_200 * 0.85 ** 2);
    for (let second = 4; second < 30; second++) {
      machine.handle({ type: "receiver-report", lossRate: 0, packets: 100 }, second * 1_000);
    }
    expect(machine.targetKbps).toBe(1_200);
  });
});

describe("the estimate where nothing is negotiated", () => {
  it("follows the rule of loss and round trips within its bounds, and wants no timer", () => {
    const machine = estimator("none", 1_000);
    machine.handle({ type: "round-trip", roundTripMs: 50 }, 0);
    for (let second = 0; second < 3; second++) {
      machine.handle({ type: "receiver-report", lossRate: 0.1, packets: 100 }, second * 1_000);
    }
    expect(machine.targetKbps).toBeCloseTo(512);
    for (let second = 3; second < 100; second++) {
      machine.handle({ type: "receiver-report", lossRate: 0, packets: 100 }, second * 1_000);
    }
    expect(machine.targetKbps).toBe(2_000);
    expect(machine.deadlineMs).toBe(Infinity);
    expect(machine.counters).toBeUndefined();
  });
});
