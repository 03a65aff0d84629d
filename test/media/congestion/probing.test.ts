import { describe, expect, it } from "vitest";
import type { ProbeOrder } from "../../../src/media/congestion/probe-cluster.ts";
import { Probing } from "../../../src/media/congestion/probing.ts";
import type { ProbeSituation } from "../../../src/media/congestion/probing.ts";

const CALM: ProbeSituation = {
  kbps: 300,
  maxKbps: 5_000,
  decreasedMs: -Infinity,
  congested: false,
  roundTripMs: 100,
};

function ordered(probing: Probing, situation: Partial<ProbeSituation>, nowMs: number): ProbeOrder[] {
  probing.update({ ...CALM, ...situation }, nowMs);
  const orders: ProbeOrder[] = [];
  for (let order = probing.poll(); order !== undefined; order = probing.poll()) orders.push(order);
  return orders;
}

/** The cluster leaves as ordered, and comes at `arrivedKbps`; packets of the indexes in `lost` do not. */
function answer(
  probing: Probing,
  order: ProbeOrder,
  arrivedKbps: number,
  lost: readonly number[] = [],
): number | undefined {
  const byteLength = Math.ceil(order.byteLength / order.packets);
  for (let index = 0; index < order.packets; index++) {
    const outcome = { byteLength, clusterId: order.clusterId, late: false };
    const sentMs = (index * byteLength * 8) / order.kbps;
    const arrivalMs = lost.includes(index) ? undefined : 500 + (index * byteLength * 8) / arrivedKbps;
    probing.hear({ ...outcome, sentMs, arrivalMs });
  }
  return probing.takeResult();
}

describe("probing", () => {
  it("begins with three and six times the start rate, of 30 ms and five packets or more", () => {
    expect(ordered(new Probing(), {}, 0)).toEqual([
      { type: "probe", clusterId: 1, kbps: 900, byteLength: 3_375, packets: 5 },
      { type: "probe", clusterId: 2, kbps: 1_800, byteLength: 6_750, packets: 5 },
    ]);
    expect(ordered(new Probing(), { maxKbps: 700 }, 0).map(({ kbps }) => kbps)).toEqual([700, 700]);
    expect(ordered(new Probing(), { kbps: 50 }, 0)[0]?.byteLength).toBe(1_000);
  });

  it("takes what passed whole twice as it was sent, and goes further at once", () => {
    const probing = new Probing();
    const [first, second] = ordered(probing, {}, 0) as [ProbeOrder, ProbeOrder];
    expect(answer(probing, first, 900)).toBeUndefined();
    expect(answer(probing, second, 1_800)).toBeCloseTo(900, -1);
    const [third] = ordered(probing, { kbps: 900 }, 100) as [ProbeOrder];
    expect(third.kbps).toBe(1_800);
    expect(answer(probing, third, 1_800)).toBeCloseTo(1_800, -1);
    expect(ordered(probing, { kbps: 1_800 }, 200).map(({ kbps }) => kbps)).toEqual([3_600, 3_600]);
  });

  it("takes 95 % of the limit that two clusters met, and stops there", () => {
    const probing = new Probing();
    const [first, second] = ordered(probing, {}, 0) as [ProbeOrder, ProbeOrder];
    answer(probing, first, 800);
    expect(answer(probing, second, 800)).toBeCloseTo(760, -1);
    expect(ordered(probing, { kbps: 760 }, 100)).toEqual([]);
  });

  it("does not believe one cluster whose packets were held up and came closer together", () => {
    const probing = new Probing();
    const [first, second] = ordered(probing, {}, 0) as [ProbeOrder, ProbeOrder];
    answer(probing, first, 800);
    answer(probing, second, 800);
    const [third] = ordered(probing, { kbps: 760 }, 3_000) as [ProbeOrder];
    expect(answer(probing, third, 1_500)).toBeUndefined();
    const [confirming] = ordered(probing, { kbps: 760 }, 3_100) as [ProbeOrder];
    expect(confirming.kbps).toBe(third.kbps);
    expect(answer(probing, confirming, 800)).toBeCloseTo(760, -1);
    expect(ordered(probing, { kbps: 760 }, 3_200)).toEqual([]);
  });

  it("tries half as much again every 3 s, unless it is at its maximum", () => {
    const probing = new Probing();
    for (const order of ordered(probing, {}, 0)) answer(probing, order, 400);
    expect(ordered(probing, {}, 2_900)).toEqual([]);
    expect(ordered(probing, { kbps: 5_000 }, 3_000)).toEqual([]);
    expect(ordered(probing, {}, 3_000).map(({ kbps }) => kbps)).toEqual([450]);
  });

  it("takes longer clusters where nothing was lowered for 3 s", () => {
    const probing = new Probing();
    for (const order of ordered(probing, {}, 0)) answer(probing, order, 400);
    const [early] = ordered(probing, { decreasedMs: 1_000 }, 3_900) as [ProbeOrder];
    expect(early.byteLength).toBe(Math.round((450 * 30) / 8));
    answer(probing, early, 300);
    const [late] = ordered(probing, { decreasedMs: 1_000 }, 7_000) as [ProbeOrder];
    expect(late.byteLength).toBe(Math.round((450 * 50) / 8));
  });

  it("tries again soon when clusters contradict each other or the rate itself, three times in a row", () => {
    const probing = new Probing();
    for (const order of ordered(probing, {}, 0)) answer(probing, order, 400);
    let nowMs = 3_000;
    let [order] = ordered(probing, {}, nowMs) as [ProbeOrder];
    for (let again = 0; again < 3; again++) {
      // A machine that was held up: half of what passes all the time.
      if (again % 2 === 0) answer(probing, order, 150);
      else {
        answer(probing, order, 450);
        const [confirming] = ordered(probing, {}, ++nowMs) as [ProbeOrder];
        answer(probing, confirming, 200);
      }
      expect(ordered(probing, {}, nowMs + 799)).toEqual([]);
      [order] = ordered(probing, {}, (nowMs += 800)) as [ProbeOrder];
      expect(order.kbps).toBe(450);
    }
    answer(probing, order, 150);
    expect(ordered(probing, {}, nowMs + 2_999)).toEqual([]);
    expect(ordered(probing, {}, nowMs + 3_000)).toHaveLength(1);
  });

  it("leaves a growing queue alone, and for a second after a decrease", () => {
    const probing = new Probing();
    ordered(probing, {}, 0);
    expect(ordered(probing, { congested: true }, 10_000)).toEqual([]);
    expect(ordered(probing, { decreasedMs: 9_100 }, 10_050)).toEqual([]);
    expect(ordered(probing, { decreasedMs: 9_000 }, 10_100)).toHaveLength(1);
  });

  it("repeats what was not answered once, after two round trips and 300 ms", () => {
    const probing = new Probing();
    ordered(probing, {}, 0);
    expect(ordered(probing, {}, 499)).toEqual([]);
    expect(ordered(probing, {}, 500)).toHaveLength(1);
    expect(ordered(probing, {}, 2_400)).toEqual([]);
    expect(ordered(probing, {}, 3_500)).toHaveLength(1);
  });

  it("makes do with four packets of five, and with no fewer", () => {
    for (const [lost, result] of [
      [[2], true],
      [[1, 2], false],
    ] as const) {
      const probing = new Probing();
      const [first, second] = ordered(probing, {}, 0) as [ProbeOrder, ProbeOrder];
      answer(probing, second, 900);
      expect(answer(probing, first, 900, lost) !== undefined).toBe(result);
    }
  });

  it("believes no cluster that was held up and let go at once, or that it did not order", () => {
    const probing = new Probing();
    const [first, second] = ordered(probing, {}, 0) as [ProbeOrder, ProbeOrder];
    answer(probing, second, 900);
    expect(answer(probing, first, 9_000)).toBeUndefined();
    expect(answer(probing, { ...first, clusterId: 99 }, 900)).toBeUndefined();
  });
});
