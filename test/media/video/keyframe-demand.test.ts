// The wishes of many receivers, made into few keyframes.
import { describe, expect, it } from "vitest";
import { KeyframeDemand } from "../../../src/media/video/keyframe-demand.ts";
import type { KeyframeDemandInput } from "../../../src/media/video/keyframe-demand.ts";
import { SeededRandom } from "../../../src/testing/random.ts";

const SEED = 5;
const fir = (peerId: string, sequenceNumber: number, senderSsrc = 1): KeyframeDemandInput => {
  return { type: "fir", peerId, senderSsrc, sequenceNumber };
};

/** Feed inputs at their times, with the timeouts between them. @returns when keyframes were demanded */
function run(
  demand: KeyframeDemand,
  inputs: readonly [ms: number, KeyframeDemandInput][],
  untilMs: number,
): number[] {
  const found: number[] = [];
  const handle = (input: Parameters<KeyframeDemand["handle"]>[0], ms: number): void => {
    demand.handle(input, ms);
    while (demand.poll() !== undefined) found.push(ms);
  };
  const wait = (toMs: number): void => {
    while (demand.deadlineMs <= toMs) handle({ type: "timeout" }, demand.deadlineMs);
  };
  for (const [ms, input] of inputs) {
    wait(ms);
    handle(input, ms);
  }
  wait(untilMs);
  return found;
}

describe("the demand of keyframes", () => {
  it.each<[string, [number, KeyframeDemandInput][], number[]]>([
    [
      "is told at once",
      [
        [5, { type: "joined" }],
        [30, { type: "encoded" }],
      ],
      [5],
    ],
    [
      "is one for all who ask before it is met",
      [
        [5, { type: "pli" }],
        [20, { type: "joined" }],
        [40, { type: "encoded" }],
      ],
      [5],
    ],
    [
      "comes 300 ms after a keyframe at the earliest, and is not forgotten",
      [
        [5, { type: "encoded" }],
        [6, { type: "pli" }],
        [7, { type: "joined" }],
        [310, { type: "encoded" }],
      ],
      [305],
    ],
    [
      "is met by a keyframe that comes anyway",
      [
        [5, { type: "encoded" }],
        [6, { type: "pli" }],
        [200, { type: "encoded" }],
      ],
      [],
    ],
    [
      "is repeated while the encoder makes none",
      [
        [0, { type: "pli" }],
        [2500, { type: "encoded" }],
      ],
      [0, 1000, 2000],
    ],
    [
      "is the same when a request is repeated, and another one for another number, source or peer",
      [
        [0, fir("a", 1)],
        [10, { type: "encoded" }],
        [400, fir("a", 1)],
        [800, fir("a", 2)],
        [810, { type: "encoded" }],
        [1200, fir("a", 2, 9)],
        [1210, { type: "encoded" }],
        [1600, fir("b", 2)],
        [1610, { type: "encoded" }],
        [2000, fir("b", 2)],
      ],
      [0, 800, 1200, 1600],
    ],
    [
      "begins anew with a peer that has left",
      [
        [0, fir("a", 1)],
        [10, { type: "encoded" }],
        [400, { type: "left", peerId: "a" }],
        [500, fir("a", 1)],
        [510, { type: "encoded" }],
      ],
      [0, 500],
    ],
  ])("%s", (_what, inputs, expected) => {
    expect(run(new KeyframeDemand(), inputs, 5000)).toEqual(expected);
  });

  it("remembers few sources of a peer that has many", () => {
    const demand = new KeyframeDemand();
    for (let ssrc = 0; ssrc < 100; ssrc++) demand.handle(fir("a", 1, ssrc), 0);
    for (const ssrc of [99, 92, 91]) demand.handle(fir("a", 1, ssrc), 0);
    expect(demand.counters).toEqual({ plis: 0, firs: 101, repeatedFirs: 2, joins: 0, demands: 1 });
  });

  it(`answers each of many wishes, and keeps 300 ms between answers (seed ${SEED})`, () => {
    const random = new SeededRandom(SEED);
    const demand = new KeyframeDemand();
    const wishesMs: number[] = [];
    const keyframesMs: number[] = [];
    let isDemanded = false;
    for (let ms = 0; ms < 20_000; ms++) {
      if (ms < 19_000 && random.chance(0.02)) {
        wishesMs.push(ms);
        demand.handle({ type: "pli" }, ms);
      }
      if (ms % 33 === 0 && isDemanded) {
        isDemanded = false;
        keyframesMs.push(ms);
        demand.handle({ type: "encoded" }, ms);
      }
      if (demand.deadlineMs <= ms) demand.handle({ type: "timeout" }, ms);
      while (demand.poll() !== undefined) isDemanded = true;
    }
    for (const wishMs of wishesMs) {
      const answerMs = keyframesMs.find((ms) => ms >= wishMs) ?? Infinity;
      expect(answerMs - wishMs, `seed ${SEED}`).toBeLessThanOrEqual(340);
    }
    const apartMs = keyframesMs.slice(1).map((ms, index) => ms - (keyframesMs[index] as number));
    expect(Math.min(...apartMs), `seed ${SEED}`).toBeGreaterThanOrEqual(300);
  });
});
