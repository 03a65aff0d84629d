import { describe, expect, it } from "vitest";
import { layOut, spanOf, spreadOut, timeTicks } from "../../../../src/cli/demo/page/chart.ts";
import type { Chart, ChartLine, ChartOptions } from "../../../../src/cli/demo/page/chart.ts";
import { seededRandom } from "../../../../src/cli/demo/voice.ts";

const NOW_MS = 100_000;

/** A line of one value a second that ends now. */
const line = (name: string, values: readonly number[]): ChartLine => ({
  name,
  isBound: false,
  label: `${name} ${values.at(-1)}`,
  points: values.map((value, i) => ({ atMs: NOW_MS - (values.length - 1 - i) * 1_000, value })),
});

const chart = (lines: ChartLine[], options: Partial<ChartOptions> = {}): Chart =>
  layOut({ lines, width: 400, height: 200, nowMs: NOW_MS, spanMs: 30_000, least: [0, 10], ...options });

/** Places on a path. */
const places = (path = ""): { x: number; y: number }[] =>
  [...path.matchAll(/[ML]([\d.-]+) ([\d.-]+)/g)].map(([, x, y]) => ({ x: Number(x), y: Number(y) }));

describe("layOut", () => {
  it("puts time to the right and values upwards, newest at the right edge", () => {
    const { left, right, top, bottom, shapes } = chart([line("a", [0, 5, 10])]);
    const [first, second, third] = places(shapes[0]?.path);
    expect(third).toEqual({ x: right, y: top });
    expect(second?.y).toBeCloseTo((top + bottom) / 2, 0);
    expect(first?.y).toBe(bottom);
    expect(first?.x).toBeCloseTo(right - ((right - left) * 2) / 30, 0);
  });

  it("covers at least what it is told, and all values that are shown", () => {
    expect(chart([]).yTicks.map(({ text }) => text)).toEqual(["0", "5", "10"]);
    const { yTicks } = chart([line("a", [-120, 340])]);
    expect(yTicks.map(({ text }) => text)).toEqual(["−200", "−100", "0", "100", "200", "300", "400"]);
    const old = { ...line("a", [5]), points: [{ atMs: NOW_MS - 31_000, value: 9_999 }] };
    expect(chart([old]).yTicks.at(-1)?.text).toBe("10");
  });

  it("interrupts a line where values are missing for longer than a late one takes", () => {
    const { shapes } = chart([
      line("late", [1, 2, NaN, NaN, 5]),
      line("gap", [1, 2, NaN, NaN, NaN, 6]),
      line("dots", [1, NaN, NaN, NaN, 5]),
    ]);
    expect(shapes.map(({ path }) => path.match(/M/g)?.length)).toEqual([1, 2, 2]);
    expect(shapes[2]?.path.match(/h0/g)).toHaveLength(2);
    expect(shapes[0]?.path).not.toContain("h0");
  });

  it("names lines at their ends, apart from each other, and not those that have ended", () => {
    const ended = line("ended", [5, NaN, NaN, NaN, NaN]);
    const { right, shapes } = chart([line("a", [3]), line("b", [3.1]), ended, line("c", [3.2])]);
    const labels = shapes.flatMap(({ label }) => (label === undefined ? [] : [label]));
    expect(labels.map(({ text }) => text)).toEqual(["a 3", "b 3.1", "c 3.2"]);
    expect((labels[0]?.y ?? 0) - (labels[1]?.y ?? 0)).toBeCloseTo(14, 1);
    expect((labels[1]?.y ?? 0) - (labels[2]?.y ?? 0)).toBeCloseTo(14, 1);
    for (const { x, leader } of labels) {
      expect(x).toBeGreaterThan(right);
      expect(places(leader)[0]?.x).toBe(right);
    }
  });

  it("cuts long names, never their values, and leaves most of the width to the lines", () => {
    const { left, right, shapes } = chart([line("maximilian-of-the-long-name", [412])]);
    expect(shapes[0]?.label?.text).toMatch(/^maxi[a-z-]*… 412$/);
    expect(right - left).toBeGreaterThan(200);
  });

  it("keeps everything inside, however small or strange the figures are", () => {
    const random = seededRandom(5);
    const value = (): number => (random() < 0.1 ? NaN : (random() - 0.5) * 10 ** Math.floor(random() * 7));
    for (let round = 0; round < 100; round++) {
      const [width, height] = [120 + Math.floor(random() * 800), 60 + Math.floor(random() * 300)];
      const lines = Array.from({ length: Math.floor(random() * 12) }, (_, i) =>
        line(`peer-${i}`, Array.from({ length: 1 + Math.floor(random() * 40) }, value)),
      );
      const { left, right, top, bottom, shapes, yTicks, xTicks } = chart(lines, { width, height });
      const drawn = [
        ...shapes.flatMap(({ path }) => places(path)),
        ...shapes.flatMap(({ label }) => (label === undefined ? [] : [{ x: right, y: label.y }])),
        ...yTicks.map(({ y }) => ({ x: left, y })),
        ...xTicks.map(({ x }) => ({ x, y: top })),
      ];
      const isOutside = ({ x, y }: { x: number; y: number }): boolean =>
        !(x >= left - 0.1 && x <= right + 0.1 && y >= top - 0.1 && y <= bottom + 0.1);
      expect(drawn.filter(isOutside), `round ${round}`).toEqual([]);
      expect(left, `round ${round}`).toBeLessThan(right);
      expect(right, `round ${round}`).toBeLessThanOrEqual(width);
    }
  });
});

describe("spreadOut", () => {
  it("leaves alone what is far enough apart", () => {
    expect(spreadOut([90, 10, 50], 14, 0, 100)).toEqual([90, 10, 50]);
  });

  it("moves neighbours apart evenly, around where they want to be", () => {
    expect(spreadOut([50, 50, 50], 10, 0, 100)).toEqual([40, 50, 60]);
    const [first, second, third] = spreadOut([50, 52, 64], 10, 0, 100);
    expect((first ?? 0) + (second ?? 0) + (third ?? 0)).toBeCloseTo(50 + 52 + 64, 6);
    expect((third ?? 0) - (first ?? 0)).toBeCloseTo(20, 6);
  });

  it("stays within its limits, and shares them when there is no room", () => {
    expect(spreadOut([0, 1], 10, 0, 100)).toEqual([0, 10]);
    expect(spreadOut([99, 100], 10, 0, 100)).toEqual([90, 100]);
    expect(spreadOut([5, 5, 5, 5, 5], 30, 0, 100)).toEqual([0, 25, 50, 75, 100]);
    expect(spreadOut([], 30, 0, 100)).toEqual([]);
  });

  it("keeps the order and the distance, of any places", () => {
    const random = seededRandom(8);
    for (let round = 0; round < 100; round++) {
      const wishes = Array.from({ length: 1 + Math.floor(random() * 12) }, () => random() * 180);
      const spread = spreadOut(wishes, 14, 10, 176);
      const order = [...wishes.keys()].sort((a, b) => (wishes[a] as number) - (wishes[b] as number));
      for (const [i, index] of order.entries()) {
        const y = spread[index] as number;
        expect(y, `round ${round}`).toBeGreaterThanOrEqual(10 - 1e-9);
        expect(y, `round ${round}`).toBeLessThanOrEqual(176 + 1e-9);
        if (i > 0)
          expect(y - (spread[order[i - 1] as number] as number), `round ${round}`).toBeGreaterThan(14 - 1e-6);
      }
    }
  });
});

it("the time axis grows in steps and ends at three minutes", () => {
  expect([0, 30_000, 30_001, 90_000, 121_000, 1e9].map(spanOf)).toEqual([
    30_000, 30_000, 60_000, 120_000, 180_000, 180_000,
  ]);
});

it("ticks of time are round and no closer than they can be read", () => {
  expect(timeTicks(30_000, 200).map(({ text }) => text)).toEqual(["now", "−10 s", "−20 s", "−30 s"]);
  expect(timeTicks(180_000, 120).map(({ agoMs }) => agoMs)).toEqual([0, 180_000]);
  expect(
    timeTicks(180_000, 600)
      .map(({ text }) => text)
      .slice(0, 3),
  ).toEqual(["now", "−30 s", "−60 s"]);
});
