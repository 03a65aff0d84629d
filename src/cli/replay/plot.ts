// The drawing of a replay: for each stream how late its packets came, the delay at which they were played, the target
// it followed, and what came too late. Pure.
import { plotSvg } from "../svg/plot.ts";
import type { PlotPanel, PlotPoint } from "../svg/plot.ts";
import { arrivalsOf, unplayed, withoutCopies } from "./arrivals.ts";
import type { ReplayOptions } from "./options.ts";
import { ssrcText } from "./report.ts";
import type { PlayedFile, PlayedStream } from "./report.ts";

/** One panel for each stream, as the text of an SVG file. */
export function replayPlot(files: readonly PlayedFile[], options: ReplayOptions): string {
  const { mode, delayMs } = options;
  const how = mode === "fixed" ? `target fixed at ${delayMs} ms` : `target adaptive from ${delayMs} ms`;
  return plotSvg({
    title: "Replay through the jitter buffer",
    subtitle: `Delays are above the fastest packet of the stream, the target above that of the last 2 s; ${how}`,
    panels: files.flatMap((file) => file.streams.map((played) => panelOf(file, played))),
  });
}

function panelOf({ file, trace }: PlayedFile, { stream, report }: PlayedStream): PlotPanel {
  const [{ payloadType, clockRate }] = stream.payloadTypes;
  const timelines = arrivalsOf(stream.packets, clockRate);
  const arrivals = timelines.flat();
  // Streams of one file share their axis of time.
  const lastMs = trace.packets[trace.packets.length - 1]?.arrivalMs ?? 0;
  const name = file.replace(/^.*[/\\]/, "");
  return {
    title: `${name}, ${ssrcText(stream.ssrc)}, payload type ${payloadType}`,
    xLabel: "time (s)",
    yLabel: "delay (ms)",
    xRange: [0, lastMs / 1000],
    series: [
      { name: "arrived", style: "dots", color: "gray", points: arrivals.map(pointOf) },
      { name: "played", style: "line", color: "blue", points: report.samples.map(pointOf) },
      {
        name: "target",
        style: "steps",
        color: "orange",
        dashed: true,
        points: report.samples.map(({ atMs, targetMs }) => pointOf({ atMs, delayMs: targetMs })),
      },
      {
        name: `late (${report.late})`,
        style: "crosses",
        color: "red",
        points: latePoints({ stream, report }),
      },
    ],
  };
}

/** Late packets at their arrival. None in a stream that begins anew: there the playback does not tell which were played. */
function latePoints({ stream, report }: PlayedStream): PlotPoint[] {
  const [{ clockRate }] = stream.payloadTypes;
  const [timeline, ...others] = arrivalsOf(withoutCopies(stream.packets), clockRate);
  if (timeline === undefined || others.length > 0) return [];
  const late = unplayed(timeline, report.samples, clockRate);
  return late.length === report.late ? late.map(pointOf) : [];
}

function pointOf({ atMs, delayMs }: { atMs: number; delayMs: number }): PlotPoint {
  return { x: atMs / 1000, y: delayMs };
}
