// When missing packets are asked for, again, and no more.
import { describe, expect, it } from "vitest";
import { MAX_MISSING, NackList } from "../../../src/media/video/nack-list.ts";

/** What is asked for at each time, all of it counted as asked. */
function asked(list: NackList, highest: number, timesMs: readonly number[]): number[][] {
  return timesMs.map((ms) => list.take(highest, ms));
}

/** All times at which something is asked for, as a driver would find them. */
function schedule(list: NackList, highest: number, untilMs: number): number[] {
  const times: number[] = [];
  for (let ms = list.deadlineMs(highest); ms <= untilMs; ms = list.deadlineMs(highest)) {
    expect(list.take(highest, ms)).not.toEqual([]);
    times.push(ms);
  }
  return times;
}

describe("a list of missing packets", () => {
  it("asks after 10 ms, or at once when three packets have overtaken", () => {
    const list = new NackList();
    list.note(10, 12, 100);
    expect(list.deadlineMs(12)).toBe(110);
    expect(asked(list, 12, [105, 109.9])).toEqual([[], []]);
    expect(asked(list, 13, [109])).toEqual([[10]]);
    expect(asked(list, 14, [109, 109])).toEqual([[11], []]);
  });

  it("asks again after one and a half round trips of 20 ms at least, ten times in all, for a second", () => {
    for (const [rttMs, apartMs, times] of [
      [4, 30, 10],
      [60, 90, 10],
      [200, 300, 4],
    ] as const) {
      const list = new NackList();
      list.setRtt(rttMs);
      list.note(1, 2, 0);
      const expected = Array.from({ length: times }, (_, index) => 10 + index * apartMs);
      expect(schedule(list, 2, 5000)).toEqual(expected);
      expect(list.length).toBe(1);
    }
  });

  it("takes a round trip for what an answer takes, until it is told better", () => {
    const list = new NackList();
    expect(list.rttMs).toBeUndefined();
    for (const [number, answerMs] of [
      [1, 60],
      [3, 40],
    ] as const) {
      const nowMs = number * 1_000;
      list.note(number, number + 1, nowMs);
      list.take(number + 1, nowMs + 10);
      list.arrived(number, number + 1, true, nowMs + 10 + answerMs);
    }
    expect(list.rttMs).toBe(55);
    // Nobody knows which of two requests this one answers.
    list.note(5, 6, 5_000);
    for (const ms of [5_010, 5_500]) list.take(6, ms);
    list.arrived(5, 6, true, 5_501);
    expect(list.rttMs).toBe(55);
    list.setRtt(30);
    expect(list.rttMs).toBe(30);
  });

  it("asks for nothing that has come or is of no use any more", () => {
    const list = new NackList();
    list.note(1, 9, 0);
    expect(list.arrived(3, 9, true, 5)).toBe(true);
    list.dropBelow(6);
    expect(list.take(9, 50)).toEqual([6, 7, 8]);
    expect(list.noticedMs).toBe(0);
    list.dropBelow(100);
    expect(list.noticedMs).toBeUndefined();
    expect(list.deadlineMs(9)).toBe(Infinity);
  });

  it("keeps gaps in order that are noticed out of order", () => {
    const list = new NackList();
    list.note(20, 22, 0);
    list.note(10, 12, 1);
    expect(list.take(30, 50)).toEqual([10, 11, 20, 21]);
  });

  it("gives up when more than 200 are missing", () => {
    const list = new NackList();
    expect(list.note(0, MAX_MISSING, 0)).toBe(true);
    expect(list.note(300, 301, 0)).toBe(false);
    expect(list.length).toBe(0);
    expect(list.note(400, 402, 0)).toBe(true);
  });

  it("gives up when gaps come too fast, and is there again when they do not", () => {
    const list = new NackList();
    const noted = Array.from({ length: 6 }, (_, index) => {
      list.dropBelow(index * 200);
      return list.note(index * 200, index * 200 + 150, index * 10);
    });
    expect(noted).toEqual([true, true, false, false, false, true]);
    list.dropBelow(5000);
    expect(list.note(5000, 5150, 200)).toBe(true);
  });

  it("learns how far packets overtake each other, and forgets it when they are lost after all", () => {
    const list = new NackList();
    list.note(1, 2, 0);
    expect(list.arrived(1, 10, false, 24)).toBe(false);
    list.note(20, 21, 100);
    expect(list.deadlineMs(29)).toBe(130);
    expect(list.deadlineMs(30)).toBe(100);
    for (let number = 30; number < 130; number++) {
      list.note(number, number + 1, 200);
      list.arrived(number, number + 1, true, 260);
    }
    list.dropBelow(200);
    list.note(200, 201, 300);
    expect(list.deadlineMs(201)).toBeLessThan(311);
  });

  it("takes a packet for recovered that comes a round trip after it was asked for, and not before", () => {
    const list = new NackList();
    list.setRtt(80);
    list.note(1, 3, 0);
    list.take(3, 10);
    expect(list.arrived(1, 3, false, 40)).toBe(false);
    expect(list.arrived(2, 3, false, 92)).toBe(true);
    expect(list.arrived(7, 9, true, 92)).toBe(true);
    expect(list.arrived(8, 9, false, 92)).toBe(false);
  });
});
