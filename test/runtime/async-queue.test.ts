import { describe, expect, it, vi } from "vitest";
import { AsyncQueue } from "../../src/runtime/async-queue.ts";

describe("a queue to iterate over", () => {
  it("hands values over in order, to readers that came before them and after them", async () => {
    const queue = new AsyncQueue<number>(3, () => undefined);
    const early = [queue.next(), queue.next()];
    queue.push(1);
    queue.push(2);
    queue.push(3);
    expect(await Promise.all(early)).toEqual([
      { done: false, value: 1 },
      { done: false, value: 2 },
    ]);
    expect(await queue.next()).toEqual({ done: false, value: 3 });
  });

  it("drops the oldest beyond its capacity, and counts them", async () => {
    const queue = new AsyncQueue<number>(2, () => undefined);
    for (let value = 1; value <= 5; value++) queue.push(value);
    expect(queue.dropped).toBe(3);
    expect([(await queue.next()).value, (await queue.next()).value]).toEqual([4, 5]);
  });

  it("lets what waits be read after its end, releases who waits, and tells once", async () => {
    const onEnd = vi.fn();
    const queue = new AsyncQueue<number>(2, onEnd);
    queue.push(1);
    queue.end();
    queue.end();
    queue.push(2);
    expect(await queue.next()).toEqual({ done: false, value: 1 });
    expect(await queue.next()).toEqual({ done: true, value: undefined });
    const empty = new AsyncQueue<number>(2, onEnd);
    const waiting = empty.next();
    empty.end();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(onEnd).toHaveBeenCalledTimes(2);
  });

  it("ends when its reader breaks off", async () => {
    const onEnd = vi.fn();
    const queue = new AsyncQueue<number>(9, onEnd);
    for (let value = 1; value <= 3; value++) queue.push(value);
    for await (const value of queue) if (value === 2) break;
    expect(onEnd).toHaveBeenCalledOnce();
    expect(await queue.next()).toEqual({ done: true, value: undefined });
  });

  it("keeps kinds apart: each has its own bound, all of them one more, and the next of a kind learns of a loss", async () => {
    const kinds = {
      capacity: 5,
      kindOf: ({ name }: Named) => name,
      dropped: (value: Named, next: Named) => void (next.lost += value.lost + 1),
    };
    const queue = new AsyncQueue<Named>(3, () => undefined, kinds);
    // Two of a go as a has too many, then the first of b as there are too many of all.
    for (const [index, name] of [..."abaaabbc"].entries()) queue.push({ name, index, lost: 0 });
    queue.end();
    const left: string[] = [];
    for await (const { name, index, lost } of queue) left.push(`${name}${index}-${lost}`);
    expect(left).toEqual(["a3-2", "a4-0", "b5-1", "b6-0", "c7-0"]);
    expect(queue.dropped).toBe(3);
  });
});

interface Named {
  readonly name: string;
  readonly index: number;
  lost: number;
}
