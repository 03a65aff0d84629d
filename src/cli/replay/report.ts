// What a replay prints: a table for people, an object for programs. Pure.
import { alignCells } from "../columns.ts";
import type { ClockRateSource } from "./clock-rates.ts";
import type { ReplayOptions } from "./options.ts";
import type { PlaybackReport, PlaybackSample } from "./playback-report.ts";
import type { Stream } from "./streams.ts";
import type { SkipReason, Trace } from "./trace.ts";

/** A stream that has been played. */
export interface PlayedStream {
  readonly stream: Stream;
  readonly report: PlaybackReport;
}

/** A file, and what became of its streams. */
export interface PlayedFile {
  readonly file: string;
  readonly trace: Trace;
  readonly streams: readonly PlayedStream[];
}

/** One stream in the JSON of a replay. Times in ms with three digits. */
export interface StreamResult {
  ssrc: number;
  /** The most frequent one. */
  payloadType: number;
  /** Hz. */
  clockRate: number;
  packets: number;
  lost: number;
  reordered: number;
  duplicates: number;
  /** Arrived and were not played. */
  late: number;
  /** Of the packets received, 0 to 100. */
  latePercent: number;
  /** Above the fastest packet. */
  delayMs: { mean: number; p95: number };
  file: string;
  /** Neither given nor standard: see `payloadTypes[0].source`. */
  clockRateEstimated: boolean;
  payloadTypes: { payloadType: number; clockRate: number; source: ClockRateSource; packets: number }[];
  clockChanges: number;
  concealedMs: number;
  timeScaledMs: { stretched: number; shrunk: number };
  target: TargetSummary;
}

/** How the target delay went, ms. */
export interface TargetSummary {
  minMs: number;
  meanMs: number;
  maxMs: number;
  finalMs: number;
  /** At most {@link TRACE_POINTS} moments at equal distances, the highest target of each. */
  trace: { atMs: number; targetMs: number }[];
}

/** Length of a target's trace, and of its picture in the table. */
export const TRACE_POINTS = 40;

const HEAD = [
  "ssrc",
  "payload type",
  "clock Hz",
  "packets",
  "lost",
  "reordered",
  "dup.",
  "late",
  "late %",
  "delay ms",
  "p95 ms",
  "concealed ms",
  "stretched",
  "shrunk",
];
const TEXT_COLUMNS = 2;
const BARS = "▁▂▃▄▅▆▇█";

/** How a reason for passing something over is told. */
const SKIPPED: Record<SkipReason, string> = {
  rtcp: "RTCP",
  empty: "records without a packet",
  notRtp: "packets that are no RTP",
  untimed: "packets without a time",
  notUdp: "frames without UDP",
  malformedFrame: "broken or cut frames",
  fragment: "IP fragments",
  unknownLinkType: "frames of an unknown link type",
};

/** The result as `--json` prints it. */
export function jsonReport(files: readonly PlayedFile[]): { streams: StreamResult[] } {
  return {
    streams: files.flatMap(({ file, streams }) =>
      streams.map(({ stream, report }) => ({
        ssrc: stream.ssrc,
        payloadType: stream.payloadTypes[0].payloadType,
        clockRate: stream.payloadTypes[0].clockRate,
        packets: report.packets,
        lost: report.lost,
        reordered: report.reordered,
        duplicates: report.duplicates,
        late: report.late,
        latePercent: round(report.latePercent),
        delayMs: { mean: round(report.delayMs.mean), p95: round(report.delayMs.p95) },
        file,
        clockRateEstimated: isEstimated(stream.payloadTypes[0].source),
        payloadTypes: stream.payloadTypes.map(({ payloadType, clockRate, source, packets }) => ({
          payloadType,
          clockRate,
          source,
          packets,
        })),
        clockChanges: stream.clockChanges,
        concealedMs: round(report.concealedMs),
        timeScaledMs: {
          stretched: round(report.timeScaledMs.stretched),
          shrunk: round(report.timeScaledMs.shrunk),
        },
        target: summarizeTarget(report.samples),
      })),
    ),
  };
}

/** The result as text, one block a file. @returns lines without line ends */
export function textReport(files: readonly PlayedFile[], options: ReplayOptions): string[] {
  const how =
    options.mode === "fixed"
      ? `a fixed target delay of ${options.delayMs} ms`
      : `an adaptive target delay, ${options.delayMs} ms at first`;
  return files.flatMap((file, i) => [...(i > 0 ? [""] : []), ...fileLines(file, how)]);
}

function fileLines({ file, trace, streams }: PlayedFile, how: string): string[] {
  const lastMs = trace.packets[trace.packets.length - 1]?.arrivalMs ?? 0;
  const seconds = (lastMs - (trace.packets[0]?.arrivalMs ?? 0)) / 1000;
  const cells = alignCells([HEAD, ...streams.map(cellsOf)], TEXT_COLUMNS).map((line) => line.join("  "));
  const [head = "", ...rows] = cells;
  const facts = `${trace.packets.length} RTP packets in ${seconds.toFixed(1)} s; played with ${how}`;
  return [
    `${file} (${trace.format}): ${facts}`,
    ...skippedLine(trace),
    head,
    ...streams.flatMap(({ report }, i) => [rows[i] ?? "", targetLine(report.samples)]),
    ...[...new Set(streams.flatMap(({ stream }) => notesOf(stream)))],
  ];
}

function cellsOf({ stream, report }: PlayedStream): string[] {
  const [{ clockRate, source }] = stream.payloadTypes;
  return [
    ssrcText(stream.ssrc),
    stream.payloadTypes.map(({ payloadType }) => payloadType).join(", "),
    `${clockRate}${isEstimated(source) ? "*" : ""}`,
    String(report.packets),
    String(report.lost),
    String(report.reordered),
    String(report.duplicates),
    String(report.late),
    report.latePercent.toFixed(2),
    report.delayMs.mean.toFixed(1),
    report.delayMs.p95.toFixed(1),
    report.concealedMs.toFixed(0),
    report.timeScaledMs.stretched.toFixed(0),
    report.timeScaledMs.shrunk.toFixed(0),
  ];
}

function targetLine(samples: readonly PlaybackSample[]): string {
  if (samples.length === 0) return "  target: nothing was played";
  const { minMs, meanMs, maxMs, finalMs, trace } = summarizeTarget(samples);
  const bars = trace.map(({ targetMs }) => {
    const level = maxMs > 0 ? Math.round((targetMs / maxMs) * (BARS.length - 1)) : 0;
    return BARS[level] ?? "";
  });
  const [min, mean, max, final] = [minMs, meanMs, maxMs, finalMs].map((ms) => ms.toFixed(0));
  return `  target ${bars.join("")} ${min} to ${max} ms, ${mean} on average, ${final} at the end`;
}

/** Minimum, mean, maximum and end of the target, and how it got there. */
function summarizeTarget(samples: readonly PlaybackSample[]): TargetSummary {
  const first = samples[0];
  const last = samples[samples.length - 1];
  if (first === undefined || last === undefined)
    return { minMs: 0, meanMs: 0, maxMs: 0, finalMs: 0, trace: [] };
  let [min, sum, max] = [Infinity, 0, 0];
  const stepMs = (last.atMs - first.atMs) / TRACE_POINTS;
  const peaks: (number | undefined)[] = Array.from(
    { length: stepMs > 0 ? TRACE_POINTS : 1 },
    () => undefined,
  );
  for (const { atMs, targetMs } of samples) {
    min = Math.min(min, targetMs);
    max = Math.max(max, targetMs);
    sum += targetMs;
    const i = stepMs > 0 ? Math.min(TRACE_POINTS - 1, Math.floor((atMs - first.atMs) / stepMs)) : 0;
    peaks[i] = Math.max(peaks[i] ?? 0, targetMs);
  }
  let held = first.targetMs; // where nothing was played the target stays what it was
  const trace = peaks.map((peak, i) => {
    held = peak ?? held;
    return { atMs: round(first.atMs + i * stepMs), targetMs: round(held) };
  });
  const meanMs = round(sum / samples.length);
  return { minMs: round(min), meanMs, maxMs: round(max), finalMs: round(last.targetMs), trace };
}

function skippedLine(trace: Trace): string[] {
  const parts = skippedParts(trace).map((part) => `${part} left out`);
  if (trace.snapped > 0) parts.push(`${trace.snapped} packets of which the capture kept the beginning only`);
  if (trace.backwards > 0) parts.push(`${trace.backwards} packets out of the order of time, put in order`);
  return parts.length > 0 ? [`  ${parts.join("; ")}`] : [];
}

/** What a trace holds beside RTP, as "3 IP fragments". */
export function skippedParts({ skipped }: Trace): string[] {
  return Object.entries(skipped).map(([reason, count]) => `${count} ${SKIPPED[reason as SkipReason]}`);
}

/** What a reader of the numbers must know of the clock rates. */
function notesOf({ ssrc, payloadTypes, clockChanges }: Stream): string[] {
  const notes = payloadTypes
    .filter(({ source }) => isEstimated(source))
    .map(({ payloadType, clockRate, source }) => {
      const how =
        source === "estimated" ? "estimated from the trace" : "a guess, the times of the trace do not tell";
      return `* payload type ${payloadType}: ${clockRate} Hz is ${how}; --clock-rate ${payloadType}=HZ sets it`;
    });
  if (clockChanges > 0) {
    const rates = payloadTypes.map(({ payloadType, clockRate }) => `${payloadType} at ${clockRate} Hz`);
    notes.push(
      `${ssrcText(ssrc)}: the clock changes ${clockChanges} times (payload types ${rates.join(", ")}); each change is taken to leave the delay as it was`,
    );
  } else if (payloadTypes.length > 1) {
    notes.push(
      `${ssrcText(ssrc)}: payload types ${payloadTypes.map(({ payloadType }) => payloadType).join(", ")} share one clock of ${payloadTypes[0].clockRate} Hz and are played as one stream`,
    );
  }
  return notes;
}

/** An SSRC as it is usually written. */
export function ssrcText(ssrc: number): string {
  return `0x${ssrc.toString(16).padStart(8, "0")}`;
}

function isEstimated(source: ClockRateSource): boolean {
  return source === "estimated" || source === "guessed";
}

function round(value: number): number {
  return Number(value.toFixed(3));
}
