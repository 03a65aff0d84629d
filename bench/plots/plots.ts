// The drawings of docs/: name and SVG text of each. Everything is seeded, so that drawing again gives the same files.
import { alignmentPlot } from "./alignment-plot.ts";
import { clockOffsetPlot } from "./clock-offset-plot.ts";
import { delayAndLossPlot, playoutDelayPlot } from "./delay-plots.ts";
import { driftPlot } from "./drift-plot.ts";

/** A file to be written. */
export interface PlotFile {
  readonly name: string;
  readonly svg: string;
}

/** Draw them all. */
export function drawPlots(): PlotFile[] {
  return [
    { name: "playout-delay.svg", svg: playoutDelayPlot() },
    { name: "delay-and-loss.svg", svg: delayAndLossPlot() },
    { name: "drift.svg", svg: driftPlot() },
    { name: "clock-offset.svg", svg: clockOffsetPlot() },
    { name: "alignment.svg", svg: alignmentPlot() },
  ];
}
