import { describe, expect, it } from "vitest";
import { niceAxis } from "../../../src/cli/svg/ticks.ts";

const labels = (...args: Parameters<typeof niceAxis>): string[] =>
  niceAxis(...args).ticks.map(({ label }) => label);

describe("an axis", () => {
  it.each<[number, number, number, string]>([
    [0, 100, 5, "0 20 40 60 80 100"],
    [0, 97, 5, "0 20 40 60 80 100"],
    [0, 1, 5, "0.0 0.2 0.4 0.6 0.8 1.0"],
    [-3, 7, 5, "-4 -2 0 2 4 6 8"],
    [0, 0.0123, 3, "0.000 0.005 0.010 0.015"],
    [0, 48_000, 4, "0 20000 40000 60000"],
  ])("from %d to %d with %d steps has the ticks %s", (low, high, count, expected) => {
    expect(labels(low, high, count, true).join(" ")).toBe(expected);
  });

  it("ends at the range itself when it is not widened", () => {
    expect(niceAxis(3, 41, 4, false)).toMatchObject({ low: 3, high: 41 });
    expect(labels(3, 41, 4, false)).toEqual(["10", "20", "30", "40"]);
  });

  it("has a length even when the range has none", () => {
    for (const value of [0, 5, -5, 1e9]) {
      const { low, high } = niceAxis(value, value, 4, true);
      expect(high, String(value)).toBeGreaterThan(low);
    }
  });
});
