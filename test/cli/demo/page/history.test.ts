import { describe, expect, it } from "vitest";
import { History } from "../../../../src/cli/demo/page/history.ts";

const values = (record: Record<string, number>): Map<string, number> => new Map(Object.entries(record));

describe("History", () => {
  it("keeps series over common times, with gaps where one had no value", () => {
    const history = new History({ slots: 4, maxSeries: 8 });
    history.push(1_000, values({ a: 1 }));
    history.push(2_000, values({ a: 2, b: 20 }));
    history.push(3_000, values({ b: Infinity }));
    expect(history.points("a")).toEqual([
      { atMs: 1_000, value: 1 },
      { atMs: 2_000, value: 2 },
      { atMs: 3_000, value: NaN },
    ]);
    expect(history.points("b").map(({ value }) => value)).toEqual([NaN, 20, NaN]);
    expect(history.points("c")).toEqual([]);
    expect(history.span).toEqual({ firstMs: 1_000, lastMs: 3_000 });
  });

  it("forgets what is older than its slots, and series of which nothing is left", () => {
    const history = new History({ slots: 3, maxSeries: 8 });
    history.push(0, values({ gone: 7, stays: 0 }));
    for (let i = 1; i <= 3; i++) {
      expect(history.names).toContain("gone");
      history.push(i, values({ stays: i }));
    }
    expect(history.names).toEqual(["stays"]);
    expect(history.points("stays").map(({ atMs }) => atMs)).toEqual([1, 2, 3]);
    expect(history.span).toEqual({ firstMs: 1, lastMs: 3 });
  });

  it("takes no more series than it may, until one is forgotten", () => {
    const history = new History({ slots: 2, maxSeries: 2 });
    history.push(0, values({ a: 1, b: 1, c: 1 }));
    expect(history.names).toEqual(["a", "b"]);
    history.push(1, values({ b: 1 }));
    history.push(2, values({ b: 1 }));
    history.push(3, values({ b: 1, c: 1 }));
    expect(history.names).toEqual(["b", "c"]);
  });

  it("begins anew when time goes back, as it does with a new run", () => {
    const history = new History({ slots: 4, maxSeries: 8 });
    history.push(9_000, values({ a: 1 }));
    history.push(100, values({ b: 2 }));
    expect(history.names).toEqual(["b"]);
    expect(history.points("b")).toEqual([{ atMs: 100, value: 2 }]);
    history.push(NaN, values({ b: 3 }));
    expect(history.points("b")).toHaveLength(1);
  });
});
