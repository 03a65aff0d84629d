// How estimates of one and the same drift develop, by three methods.
import { plotSvg } from "../../src/cli/svg/plot.ts";
import type { PlotPanel, PlotPoint } from "../../src/cli/svg/plot.ts";
import { ClockDriftEstimator } from "../../src/wasm/clock-drift.ts";
import { CLOCK_RATE, DRIFT_PATHS, driftTraffic } from "../models/drift-traffic.ts";
import { LeastSquares } from "../models/least-squares.ts";
import { TimestampExtrapolator } from "../models/timestamp-extrapolator.ts";

const TRUE_PPM = 37;
const SHOWN_MS = 120_000;
const SEED = 4;
const EVERY_MS = 500;
/** Beyond this a line leaves the panel; squeezed into a corner, nothing could be read. */
const SHOWN_PPM = 150;

/** Wifi, and wifi with a route that becomes 15 ms longer. */
export function driftPlot(): string {
  return plotSvg({
    title: `Estimates of a drift of ${TRUE_PPM} ppm`,
    subtitle:
      "20 ms audio over simulated wifi; SE: stated standard error; extrapolator: libwebrtc's TimestampExtrapolator, a model.",
    panels: [panel("wifi", "wifi"), panel("route +15 ms", "wifi, 15 ms longer from 12 s on")],
  });
}

function panel(path: string, title: string): PlotPanel {
  const traffic = DRIFT_PATHS.find(({ name }) => name === path);
  if (traffic === undefined) throw new Error(`there is no drift path ${path}`);
  const packets = driftTraffic(traffic, { ppm: TRUE_PPM }, SHOWN_MS, SEED);
  const firstMs = packets[0]?.arrivalMs ?? 0;
  const firstTicks = packets[0]?.rtpTimestamp ?? 0;
  const ours = new ClockDriftEstimator("sender", { clockRate: CLOCK_RATE });
  const least = new LeastSquares();
  const extrapolator = new TimestampExtrapolator();
  const lines = {
    ours: [] as PlotPoint[],
    high: [] as PlotPoint[],
    low: [] as PlotPoint[],
    least: [] as PlotPoint[],
    extrapolator: [] as PlotPoint[],
  };
  let nextMs = 1_000;
  for (const { rtpTimestamp, arrivalMs } of packets) {
    const mediaMs = (((rtpTimestamp - firstTicks) | 0) * 1000) / CLOCK_RATE;
    const sinceMs = arrivalMs - firstMs;
    ours.addObservation(rtpTimestamp, null, arrivalMs);
    least.add(mediaMs, sinceMs - mediaMs);
    extrapolator.add(mediaMs, sinceMs);
    if (sinceMs < nextMs) continue;
    nextMs += EVERY_MS;
    const x = sinceMs / 1000;
    const estimate = ours.estimateDrift();
    const [ppm, error] = [estimate?.driftPpm ?? Number.NaN, estimate?.standardErrorPpm ?? Number.NaN];
    lines.ours.push(shown(x, ppm));
    lines.high.push(shown(x, ppm + 2 * error));
    lines.low.push(shown(x, ppm - 2 * error));
    lines.least.push(shown(x, least.driftPpm));
    lines.extrapolator.push(shown(x, extrapolator.driftPpm));
  }
  ours.close();
  const truth = [0, SHOWN_MS / 1000].map((x) => ({ x, y: TRUE_PPM }));
  return {
    title,
    xLabel: "time since the first packet (s)",
    yLabel: "drift (ppm)",
    xRange: [0, SHOWN_MS / 1000],
    series: [
      { name: "truth", color: "gray", style: "line", points: truth },
      { name: "extrapolator", color: "orange", style: "line", points: lines.extrapolator },
      { name: "least squares", color: "olive", style: "line", dashed: true, points: lines.least },
      { name: "this library", color: "blue", style: "line", points: lines.ours },
      { name: "+2 SE", color: "green", style: "line", dashed: true, points: lines.high },
      { name: "-2 SE", color: "green", style: "line", dashed: true, points: lines.low },
    ],
  };
}

function shown(x: number, y: number): PlotPoint {
  return { x, y: Math.abs(y) > SHOWN_PPM ? Number.NaN : y };
}
