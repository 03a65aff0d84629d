import { describe, expect, it } from "vitest";
import { SendHistory } from "../../../src/media/congestion/send-history.ts";
import { SeededRandom } from "../../../src/testing/random.ts";
import { feedbackOn } from "./feedback.ts";

/** Packets of 1000 bytes from `first` on, one a ms. */
function sent(first: number, count: number, history = new SendHistory()): SendHistory {
  for (let index = 0; index < count; index++) history.add((first + index) & 0xffff, 1_000, index, undefined);
  return history;
}

describe("the history of what was sent", () => {
  it("tells when each packet left and came, and what did not", () => {
    const history = sent(10, 3);
    const outcomes = history.match(feedbackOn(10, [5_000, undefined, 5_003]), 100);
    expect(outcomes.map(({ sentMs, arrivalMs }) => [sentMs, arrivalMs])).toEqual([
      [0, 0],
      [1, undefined],
      [2, 3],
    ]);
    expect(history.inFlightBytes).toBe(0);
  });

  it("tells of a packet once, and once more when it came after it was told lost", () => {
    const history = sent(0, 2);
    history.match(feedbackOn(0, [1, undefined]), 10);
    expect(history.match(feedbackOn(0, [1, undefined]), 11)).toEqual([]);
    expect(history.match(feedbackOn(1, [20]), 30)).toMatchObject([{ late: true, sentMs: 1 }]);
    expect(history.match(feedbackOn(1, [20]), 31)).toEqual([]);
    expect(history.counters.repeated).toBe(2);
  });

  it("goes on over the wrap of numbers and of the receiver's time", () => {
    const history = sent(65_534, 4);
    const circleMs = 2 ** 30;
    const outcomes = history.match(feedbackOn(65_534, [circleMs - 2, circleMs - 1]), 10);
    outcomes.push(...history.match(feedbackOn(0, [0, 1]), 11));
    expect(outcomes.map(({ arrivalMs }) => arrivalMs)).toEqual([0, 1, 2, 3]);
  });

  it("takes what lost feedback would have told for unknown, not for lost", () => {
    const history = sent(0, 30);
    history.match(
      feedbackOn(
        0,
        Array.from({ length: 10 }, (_, i) => i),
        7,
      ),
      50,
    );
    const outcomes = history.match(
      feedbackOn(
        20,
        Array.from({ length: 10 }, (_, i) => 20 + i),
        9,
      ),
      60,
    );
    expect(outcomes).toHaveLength(10);
    expect(history.inFlightBytes).toBe(0);
    expect(history.counters).toMatchObject({ unreported: 10, feedbackLost: 1 });
    // Overtaken feedback is not lost, though what it tells comes too late.
    expect(
      history.match(
        feedbackOn(
          10,
          Array.from({ length: 10 }, (_, i) => 10 + i),
          8,
        ),
        61,
      ),
    ).toEqual([]);
    expect(history.counters).toMatchObject({ unknown: 10, feedbackLost: 0 });
  });

  it("names the probe cluster of a packet", () => {
    const history = new SendHistory();
    history.add(0, 100, 0, 3);
    history.add(1, 100, 1, undefined);
    expect(history.match(feedbackOn(0, [0, 1]), 9).map(({ clusterId }) => clusterId)).toEqual([3, undefined]);
  });

  it("ignores what was never sent or is forgotten, and counts it", () => {
    const history = new SendHistory();
    expect(history.match(feedbackOn(5, [1, 2]), 0)).toEqual([]);
    sent(0, 20_000, history);
    expect(history.match(feedbackOn(0, [1, 2]), 20_000)).toEqual([]);
    expect(history.match(feedbackOn(30_000, [1]), 20_000)).toEqual([]);
    expect(history.match(feedbackOn(19_999, [3]), 40_000)).toEqual([]);
    expect(history.counters.unknown).toBe(6);
  });

  it("stays within what was sent whatever feedback says", () => {
    const seed = 5;
    const random = new SeededRandom(seed);
    const history = new SendHistory();
    let told = 0;
    for (let turn = 0; turn < 2_000; turn++) {
      history.add(turn & 0xffff, 1_000, turn, undefined);
      const received = Array.from({ length: random.integer(0, 30) }, () => ({
        sequenceNumber: random.integer(0, 0xffff),
        receivedUs: random.integer(-(2 ** 40), 2 ** 40),
      }));
      const base = random.chance(0.5) ? random.integer(0, 0xffff) : Math.max(0, turn - 5);
      const feedback = { ...feedbackOn(base, []), statusCount: random.integer(1, 0xffff), received };
      for (const { arrivalMs } of history.match(feedback, turn)) {
        told++;
        if (arrivalMs !== undefined) expect(Number.isFinite(arrivalMs), `seed ${seed}`).toBe(true);
      }
      expect(history.inFlightBytes, `seed ${seed}`).toBeGreaterThanOrEqual(0);
    }
    expect(told, `seed ${seed}`).toBeLessThanOrEqual(4_000);
  });
});
