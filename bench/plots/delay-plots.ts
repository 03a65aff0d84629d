// What a target delay costs and saves: over time on one path, and as a trade on all of them.
import { playTrace } from "../../src/cli/replay/playback.ts";
import type { PlaybackOptions, TracePacket } from "../../src/cli/replay/playback.ts";
import type { PlaybackReport } from "../../src/cli/replay/playback-report.ts";
import { plotSvg } from "../../src/cli/svg/plot.ts";
import type { PlotColor, PlotPoint, PlotSeries } from "../../src/cli/svg/plot.ts";
import { linkPresets } from "../../src/testing/link-presets.ts";
import { parseRtp } from "../../src/rtp/packet.ts";
import { audioOver } from "../models/delay-families.ts";
import { netEqPolicy } from "../models/neteq-delay.ts";

const CLOCK_RATE = 48_000;
const SHOWN_MS = 60_000;
const MEASURED_MS = 120_000;
const SEEDS = 5;
const MAX_DELAY_MS = 200;

const COMMON = { clockRate: CLOCK_RATE, maxDelayMs: MAX_DELAY_MS };
const WAYS: readonly { name: string; color: PlotColor; options: () => PlaybackOptions }[] = [
  {
    name: "this library",
    color: "blue",
    options: () => ({ ...COMMON, mode: "adaptive", delayMs: 50, minDelayMs: 20 }),
  },
  {
    name: "NetEq model",
    color: "orange",
    options: () => ({ ...COMMON, maxDelayMs: 500, mode: "fixed", delayMs: 80, policy: netEqPolicy() }),
  },
  ...[50, 100, 200].map((delayMs, index) => ({
    name: `fixed ${delayMs} ms`,
    color: (["olive", "green", "purple"] as const)[index] as PlotColor,
    options: (): PlaybackOptions => ({ ...COMMON, mode: "fixed", delayMs }),
  })),
];

/** Packets and targets on the mobile preset over a minute. */
export function playoutDelayPlot(): string {
  const packets = audioOver(linkPresets.mobile, "playout plot", SHOWN_MS);
  const lines = WAYS.slice(0, 2).map(({ name, color, options }): PlotSeries => {
    const { samples } = playTrace(packets, options());
    const startMs = samples[0]?.atMs ?? 0;
    const points = samples.map(({ atMs, delayMs }) => ({ x: (atMs - startMs) / 1000, y: delayMs }));
    return { name: `played by ${name}`, color, style: "line", points };
  });
  return plotSvg({
    title: "Playout delay on a mobile path",
    subtitle: "One minute of 20 ms audio, simulated. A packet above a line came too late for it.",
    panels: [
      {
        xLabel: "time (s)",
        yLabel: "above the fastest packet (ms)",
        series: [
          { name: "packet arrives", color: "gray", style: "dots", points: transits(packets) },
          ...lines.reverse(),
        ],
      },
    ],
  });
}

/** Each packet's arrival above the fastest. */
function transits(packets: readonly TracePacket[]): PlotPoint[] {
  const places = packets.flatMap(({ packet, arrivalMs }) => {
    const parsed = parseRtp(packet);
    return typeof parsed === "string" ? [] : [{ ticks: parsed.timestamp, arrivalMs }];
  });
  const first = places[0] ?? { ticks: 0, arrivalMs: 0 };
  const points = places.map(({ ticks, arrivalMs }) => {
    const x = ((ticks - first.ticks) | 0) / (CLOCK_RATE / 1000);
    return { x: x / 1000, y: arrivalMs - first.arrivalMs - x };
  });
  const leastMs = Math.min(...points.map(({ y }) => y));
  return points.map(({ x, y }) => ({ x, y: y - leastMs }));
}

/** Mean delay against the time without anything to play, a panel for each path. */
export function delayAndLossPlot(): string {
  const paths = ["wifi", "lossyWifi", "mobile"] as const;
  return plotSvg({
    title: "What a delay buys",
    subtitle: `Mean of ${SEEDS} simulated calls of ${MEASURED_MS / 60_000} minutes each. Concealed: lost, late, or not there yet. Nearer to the corner is better.`,
    panelHeight: 260,
    panels: paths.map((path) => ({
      title: path,
      xLabel: "mean delay above the fastest packet (ms)",
      yLabel: "concealed (ms a minute)",
      xRange: [0, MAX_DELAY_MS],
      series: WAYS.map(({ name, color, options }) => ({
        name,
        color,
        style: "crosses",
        points: [trade(path, options)],
      })),
    })),
  });
}

function trade(path: keyof typeof linkPresets, options: () => PlaybackOptions): PlotPoint {
  const reports = Array.from({ length: SEEDS }, (_, seed) =>
    playTrace(audioOver(linkPresets[path], `trade ${seed}`, MEASURED_MS), options()),
  );
  const meanOf = (valueOf: (report: PlaybackReport) => number): number =>
    reports.reduce((sum, report) => sum + valueOf(report), 0) / SEEDS;
  return {
    x: meanOf(({ delayMs }) => delayMs.mean),
    y: (meanOf(({ concealedMs }) => concealedMs) * 60_000) / MEASURED_MS,
  };
}
