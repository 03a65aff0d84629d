// The error of a clock offset over time, by the shortest round trip of five minutes and by bounds.
import { plotSvg } from "../../src/cli/svg/plot.ts";
import type { PlotPoint } from "../../src/cli/svg/plot.ts";
import { ClockOffset } from "../../src/sync/clock-offset.ts";
import { LinkModel } from "../../src/testing/link-model.ts";
import { linkPresets } from "../../src/testing/link-presets.ts";

const SKEW_PPM = 60;
const SECONDS = 300;
const MESSAGE_BYTES = 110;
/** Growth of a sample's error with age in the usual rule, as a share of time. */
const USUAL_AGEING = 15e-6;
const WINDOW_US = 300e6;

interface RoundTrip {
  readonly offsetUs: number;
  readonly halfUs: number;
  readonly atUs: number;
}

/** One exchange a second over the mobile preset. */
export function clockOffsetPlot(): string {
  const there = new LinkModel(linkPresets.mobile, "offset plot, there");
  const back = new LinkModel(linkPresets.mobile, "offset plot, back");
  const truthUs = (atUs: number): number => 250_000 + SKEW_PPM * 1e-6 * atUs;
  const ours = new ClockOffset();
  const roundTrips: RoundTrip[] = [];
  const lines = { ours: [] as PlotPoint[], bound: [] as PlotPoint[], usual: [] as PlotPoint[] };
  for (let second = 0; second < SECONDS; second++) {
    there.send(MESSAGE_BYTES, second * 1_000, (cameMs) => {
      back.send(MESSAGE_BYTES, cameMs, (backMs) => {
        const [t1, t4] = [second * 1e6, backMs * 1_000];
        const t2 = cameMs * 1_000 + truthUs(cameMs * 1_000);
        ours.add({ t1, t2, t3: t2, t4 });
        roundTrips.push({ offsetUs: (t2 - t1 + (t2 - t4)) / 2, halfUs: (t4 - t1) / 2, atUs: t4 });
        const x = second;
        lines.ours.push({ x, y: Math.abs((ours.offsetUs(t4) ?? Number.NaN) - truthUs(t4)) / 1_000 });
        lines.bound.push({ x, y: (ours.errorBoundUs(t4) ?? Number.NaN) / 1_000 });
        lines.usual.push({ x, y: Math.abs(shortestUs(roundTrips, t4) - truthUs(t4)) / 1_000 });
      });
    });
  }
  return plotSvg({
    title: "Error of a clock offset on a mobile path",
    subtitle: `One exchange a second, clocks ${SKEW_PPM} ppm apart, simulated.`,
    panels: [
      {
        xLabel: "time (s)",
        yLabel: "error (ms)",
        series: [
          { name: "stated bound", color: "gray", style: "line", dashed: true, points: lines.bound },
          { name: "shortest round trip", color: "orange", style: "line", points: lines.usual },
          { name: "this library", color: "blue", style: "line", points: lines.ours },
        ],
      },
    ],
  });
}

function shortestUs(roundTrips: readonly RoundTrip[], nowUs: number): number {
  const worth = ({ halfUs, atUs }: RoundTrip): number => halfUs + USUAL_AGEING * (nowUs - atUs);
  const current = roundTrips.filter(({ atUs }) => atUs >= nowUs - WINDOW_US);
  return current.reduce((best, each) => (worth(each) < worth(best) ? each : best)).offsetUs;
}
