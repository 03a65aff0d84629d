import { describe, expect, it } from "vitest";
import { plotSvg } from "../../../src/cli/svg/plot.ts";
import type { PlotPanel, PlotPoint, PlotSeries } from "../../../src/cli/svg/plot.ts";

const points = (...ys: number[]): PlotPoint[] => ys.map((y, x) => ({ x, y }));
const panel = (...series: PlotSeries[]): PlotPanel => ({
  title: "one",
  xLabel: "time (s)",
  yLabel: "delay (ms)",
  series,
});
const draw = (...panels: PlotPanel[]): string => plotSvg({ title: "Plot", panels });
/** The `d` of what a class draws; the first is the sample in the legend or comes before it. */
const paths = (svg: string, name: string): string[] =>
  [...svg.matchAll(new RegExp(`class="${name}"[^>]* d="([^"]*)"`, "g"))].map(([, d]) => d ?? "");

/** Tags that are opened and closed in turn, as far as the writer uses XML. */
function isWellFormed(svg: string): boolean {
  const open: string[] = [];
  for (const [, end, name = "", empty] of svg.matchAll(/<(\/?)([a-z]+)(?:\s[^<>]*?)?(\/?)>/g)) {
    if (end === "/") {
      if (open.pop() !== name) return false;
    } else if (empty !== "/") open.push(name);
  }
  return open.length === 0 && !/&(?!amp;|lt;|gt;|quot;)/.test(svg);
}

describe("a plot", () => {
  it("has a title, labels with units, ticks and a legend", () => {
    const svg = draw(panel({ name: "played", style: "line", points: points(0, 50, 100) }));
    for (const text of [">Plot<", ">one<", ">time (s)<", ">delay (ms)<", ">played<", ">100<", ">0.0<"]) {
      expect(svg).toContain(text);
    }
    expect(isWellFormed(svg)).toBe(true);
  });

  it("puts the panels one below the other", () => {
    const one = panel({ name: "a", style: "line", points: points(1, 2) });
    expect(draw(one)).toContain('height="356"');
    expect(draw(one, one)).toContain('height="656"');
    expect(draw(one, one).match(/class="legend"/g)).toHaveLength(2);
  });

  it("escapes every text", () => {
    const nasty = `<script>"&'\u0000\u001b\ud800</script>`;
    const svg = plotSvg({
      title: nasty,
      subtitle: nasty,
      panels: [
        { title: nasty, xLabel: nasty, yLabel: nasty, series: [{ name: nasty, style: "line", points: [] }] },
      ],
    });
    expect(svg).not.toContain("<script");
    for (const char of ["\u0000", "\u001b", "\ud800"]) expect(svg).not.toContain(char);
    expect(svg.match(/&lt;script&gt;&quot;&amp;'&lt;\/script&gt;/g)?.length).toBeGreaterThanOrEqual(5);
    expect(isWellFormed(svg)).toBe(true);
  });

  it("interrupts a line where there is no number", () => {
    const svg = draw(panel({ name: "a", style: "line", points: points(1, 2, NaN, 3, Infinity, 4, 5) }));
    expect(paths(svg, "line")[0]?.match(/M/g)).toHaveLength(3);
    expect(svg).not.toMatch(/NaN|Infinity/);
  });

  it("draws steps level until the next value", () => {
    const [path] = paths(draw(panel({ name: "a", style: "steps", points: points(0, 0, 0, 5) })), "line");
    expect(path).toMatch(/^M64 \d+(H[\d.]+V[\d.]+){2}$/);
  });

  it("leaves out nothing that can be seen: lows and highs of each column remain, the rest goes", () => {
    const many = Array.from({ length: 200_000 }, (_, x) => ({ x, y: x === 100_001 ? 90 : x % 7 }));
    const svg = draw(panel({ name: "a", style: "line", points: many }));
    const [path = ""] = paths(svg, "line");
    const heights = path
      .split(/[ML]/)
      .slice(1)
      .map((place) => Number(place.split(" ")[1]));
    const [top, bottom] = [Math.min(...heights), Math.max(...heights)];
    expect(heights.filter((y) => y < (top + bottom) / 2)).toHaveLength(1);
    expect(svg.length).toBeLessThan(80_000);
  });

  it("marks with crosses and dots, once per pixel", () => {
    const same = [...points(1, 2), ...points(1, 2)];
    const svg = draw(
      panel({ name: "a", style: "crosses", points: same }, { name: "b", style: "dots", points: same }),
    );
    expect(paths(svg, "crosses")[0]?.match(/M/g)).toHaveLength(2);
    expect(paths(svg, "dots")[0]?.match(/M/g)).toHaveLength(2);
  });

  it("is drawn of nothing, of one point, and of equal ones", () => {
    for (const ys of [[], [7], [7, 7, 7], [-3, -3], [1e-9], [1e12], [NaN]]) {
      const svg = draw(panel({ name: "a", style: "line", points: points(...ys) }));
      expect(isWellFormed(svg), String(ys)).toBe(true);
      expect(svg, String(ys)).not.toMatch(/NaN|Infinity|undefined/);
    }
    expect(isWellFormed(draw())).toBe(true);
  });

  it("shortens a title that would run into the legend", () => {
    const svg = draw({
      ...panel({ name: "played", style: "line", points: points(1) }),
      title: "x".repeat(300),
    });
    expect(svg).toMatch(/>x{50,120}…</);
  });

  it("shows at least the range that is asked for", () => {
    const svg = draw({ ...panel({ name: "a", style: "line", points: points(1, 2) }), xRange: [0, 100] });
    expect(svg).toContain(">100<");
  });
});
