import { describe, expect, it } from "vitest";
import { WaitingQueue } from "../../src/pipeline/waiting-queue.ts";

interface Value {
  readonly n: number;
}
const value = (n: number): Value => ({ n });

describe("a waiting queue", () => {
  it("takes values at once while there is room, and gives them in order", () => {
    const queue = new WaitingQueue<Value>(3);
    expect([1, 2, 3].map((n) => queue.push(value(n)))).toEqual([true, true, true]);
    expect([queue.take(), queue.take(), queue.take(), queue.take()]).toEqual([
      value(1),
      value(2),
      value(3),
      undefined,
    ]);
  });

  it("lets several writers wait, and lets them in in the order in which they came", async () => {
    const queue = new WaitingQueue<Value>(1);
    void queue.push(value(0));
    const let_in: number[] = [];
    for (const n of [1, 2, 3]) void Promise.resolve(queue.push(value(n))).then(() => let_in.push(n));
    expect(queue.size).toBe(4);
    await Promise.resolve();
    expect(let_in).toEqual([]);
    const read = [await queue.shift(), await queue.shift(), await queue.shift(), await queue.shift()];
    expect(read.map((each) => each?.n)).toEqual([0, 1, 2, 3]);
    expect(let_in).toEqual([1, 2, 3]);
  });

  it("keeps order where a reader has waited and others push at once", async () => {
    const queue = new WaitingQueue<Value>(2);
    const first = queue.shift();
    void queue.push(value(1));
    void queue.push(value(2));
    expect([(await first)?.n, (await queue.shift())?.n]).toEqual([1, 2]);
  });

  it("drains what waits, also for room, after it was closed, and takes nothing more", async () => {
    const queue = new WaitingQueue<Value>(1);
    void queue.push(value(1));
    const waiting = queue.push(value(2));
    queue.close();
    expect(queue.push(value(3))).toBe(false);
    expect([(await queue.shift())?.n, (await queue.shift())?.n]).toEqual([1, 2]);
    expect(await waiting).toBe(true);
    expect(await queue.shift()).toBeUndefined();
  });

  it("tells a reader that waits of its end", async () => {
    const queue = new WaitingQueue<Value>();
    const reading = queue.shift();
    queue.close();
    expect(await reading).toBeUndefined();
  });

  it("forgets what waits when it is cleared, and says how much that was", async () => {
    const queue = new WaitingQueue<Value>(1);
    void queue.push(value(1));
    const waiting = queue.push(value(2));
    expect(queue.clear()).toBe(2);
    expect(await waiting).toBe(false);
    expect(await queue.shift()).toBeUndefined();
    expect(queue.size).toBe(0);
  });

  it("holds 16 by default and goes round many times without mixing values up", async () => {
    const queue = new WaitingQueue<Value>();
    for (let n = 0; n < 16; n++) expect(queue.push(value(n))).toBe(true);
    for (let n = 16; n < 200; n++) {
      const pushing = queue.push(value(n));
      expect(pushing).toBeInstanceOf(Promise);
      expect(queue.take()?.n).toBe(n - 16);
      expect(await pushing).toBe(true);
    }
  });
});
