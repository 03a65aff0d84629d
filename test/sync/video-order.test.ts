import { describe, expect, it } from "vitest";
import { VideoOrder } from "../../src/sync/video-order.ts";

const START = 0xffff_f000;
const at = (frame: number): number => (START + frame * 3000) >>> 0;

/** Signed steps between two 16-bit numbers. */
const steps = (to: number, from: number): number => ((to - from) << 16) >> 16;

function keep(order: VideoOrder, frame: number): number {
  const number = order.numberOf(at(frame));
  order.keep(at(frame), number);
  return number;
}

describe("the order of video", () => {
  it("rises with the timestamp, over both circles", () => {
    const order = new VideoOrder();
    const wrong: number[] = [];
    let last = keep(order, 0);
    for (let frame = 1; frame < 30_000; frame++) {
      const number = keep(order, frame);
      if (steps(number, last) !== 8) wrong.push(frame);
      order.take(at(frame - 1));
      last = number;
    }
    expect(wrong).toEqual([]);
  });

  it("finds a place for frames that come after their successors", () => {
    const order = new VideoOrder();
    const numbers = new Map([0, 4, 2, 3, 1].map((frame) => [frame, keep(order, frame)]));
    for (let frame = 1; frame < 5; frame++) {
      expect(steps(numbers.get(frame) as number, numbers.get(frame - 1) as number)).toBeGreaterThan(0);
    }
    expect(steps(keep(order, -1), numbers.get(0) as number)).toBeLessThan(0);
  });

  it("knows a frame again", () => {
    const order = new VideoOrder();
    keep(order, 0);
    const number = keep(order, 1);
    keep(order, 2);
    expect(order.numberOf(at(1))).toBe(number);
  });

  it("gives a frame whose turn has passed the number that has been taken", () => {
    const order = new VideoOrder();
    keep(order, 0);
    const taken = keep(order, 3);
    keep(order, 4);
    order.take(at(3));
    expect(order.numberOf(at(2))).toBe(taken);
    expect(order.numberOf(at(3))).toBe(taken);
  });

  it("lets a second frame confirm a doubted one, and forgets the doubt otherwise", () => {
    const order = new VideoOrder();
    const last = keep(order, 5);
    order.take(at(5));
    const jumped = (at(5) + 0x7000_0000) >>> 0;
    const doubted = order.numberOf(jumped);
    order.doubt(jumped, doubted);
    expect(steps(order.numberOf(jumped + 3000), doubted)).toBe(8);
    expect(order.numberOf(jumped)).toBe(doubted);
    expect(steps(keep(order, 6), last)).toBeGreaterThan(0);
    order.doubt(jumped, order.numberOf(jumped));
    const next = order.numberOf(jumped + 3000);
    order.restart(jumped + 3000, next);
    expect(steps(order.numberOf(jumped + 6000), next)).toBe(8);
  });

  it("remembers little of frames that nobody takes", () => {
    const order = new VideoOrder();
    for (let frame = 0; frame < 1000; frame++) keep(order, frame);
    expect(order.waiting).toBe(128);
  });
});
