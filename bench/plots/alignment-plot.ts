// How far apart the frames of aligned rows really were captured: shares of rows by three ways of labelling.
import { plotSvg } from "../../src/cli/svg/plot.ts";
import type { PlotPoint } from "../../src/cli/svg/plot.ts";
import { WIFI_PATHS, rowErrors } from "../sync/row-errors.ts";

const SHOWN_MS = 120;
const STEP_MS = 0.5;

/** Peers behind wifi paths of 20 to 80 ms whose clocks are up to half a second off. */
export function alignmentPlot(): string {
  const { pairs, byArrival, byReports } = rowErrors(WIFI_PATHS);
  return plotSvg({
    title: "Frames of one row, captured apart by",
    subtitle:
      "Peers behind simulated wifi paths of 20 to 80 ms, wall clocks up to 500 ms off, rates up to 200 ppm.",
    panels: [
      {
        xLabel: "difference of true capture times (ms)",
        yLabel: "rows within (%)",
        xRange: [0, SHOWN_MS],
        series: [
          { name: "by wall clocks as they are", color: "olive", style: "line", points: within(byReports) },
          { name: "by first arrival", color: "orange", style: "line", points: within(byArrival) },
          { name: "this library", color: "blue", style: "line", points: within(pairs) },
        ],
      },
    ],
  });
}

function within(errorsMs: readonly number[]): PlotPoint[] {
  const sorted = Float64Array.from(errorsMs).sort();
  const points: PlotPoint[] = [];
  let count = 0;
  for (let x = 0; x <= SHOWN_MS; x += STEP_MS) {
    while (count < sorted.length && (sorted[count] as number) <= x) count++;
    points.push({ x, y: (100 * count) / sorted.length });
  }
  return points;
}
