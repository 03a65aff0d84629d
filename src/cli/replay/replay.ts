// The command that plays recorded traces: reads the files, prints what the buffer made of them, writes the plot.
import { readFile, writeFile } from "node:fs/promises";
import { describeError } from "../../errors/errors.ts";
import { MAX_DELAY_MS, REPLAY_HELP, parseReplayOptions } from "./options.ts";
import type { ReplayOptions } from "./options.ts";
import { playTrace } from "./playback.ts";
import { replayPlot } from "./plot.ts";
import { jsonReport, skippedParts, textReport } from "./report.ts";
import type { PlayedFile, PlayedStream } from "./report.ts";
import { findStreams } from "./streams.ts";
import type { Stream } from "./streams.ts";
import { TraceError } from "./trace-error.ts";
import { readTrace } from "./trace.ts";
import type { Trace } from "./trace.ts";

const EXIT_DONE = 0;
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const VIDEO_CLOCK_RATE = 90_000;
/** What codes of file systems mean to people. */
const FILE_FAULTS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  EISDIR: "it is a directory",
  EACCES: "permission denied",
  ERR_FS_FILE_TOO_LARGE: "it is larger than 2 GiB; split it, with editcap for example",
};

/**
 * `npx remotemedia-webrtc replay`: plays traces through the jitter buffer. Either all files are played or none.
 *
 * @returns exit code: 0 played, 1 when the plot cannot be written, 2 for wrong usage and for files that cannot be read,
 *   are no traces, are broken or hold no RTP
 */
export async function runReplay(args: readonly string[]): Promise<number> {
  const parsed = parseReplayOptions(args);
  if (parsed.type === "help") {
    process.stdout.write(`${REPLAY_HELP}\n`);
    return EXIT_DONE;
  }
  if (parsed.type === "fault") {
    complain(`${parsed.fault} (replay --help lists the options)`);
    return EXIT_USAGE;
  }
  const { options } = parsed;
  const files: PlayedFile[] = [];
  for (const file of options.files) {
    const trace = await openTrace(file);
    if (typeof trace === "string") complain(`${file}: ${trace}`);
    else files.push({ file, trace, streams: play(trace, options) });
  }
  if (files.length < options.files.length) return EXIT_USAGE;
  process.stdout.write(
    options.json
      ? `${JSON.stringify(jsonReport(files), undefined, 2)}\n`
      : `${textReport(files, options).join("\n")}\n`,
  );
  return options.plot === undefined ? EXIT_DONE : writePlot(options.plot, replayPlot(files, options));
}

/** The trace, or what is wrong with the file. */
async function openTrace(file: string): Promise<Trace | string> {
  try {
    const trace = readTrace(await readFile(file));
    if (trace.packets.length > 0) return trace;
    const others = skippedParts(trace).join(", ") || "no packets at all";
    return `there is no RTP in this ${trace.format} file (${others}); record the UDP of a call and try again`;
  } catch (error) {
    if (error instanceof TraceError) return `${error.message} (at byte ${error.byteOffset})`;
    return `cannot be read: ${fileFault(error)}`;
  }
}

function play(trace: Trace, { mode, delayMs, clockRates }: ReplayOptions): PlayedStream[] {
  return findStreams(trace.packets, clockRates).map((stream) => ({
    stream,
    report: playTrace(stream.packets, {
      clockRate: stream.payloadTypes[0].clockRate,
      mode,
      delayMs,
      maxDelayMs: MAX_DELAY_MS,
      kind: kindOf(stream),
    }),
  }));
}

/** Video and what else ticks at its rate comes in large packets. */
function kindOf(stream: Stream): "audio" | "video" {
  return stream.payloadTypes[0].clockRate === VIDEO_CLOCK_RATE ? "video" : "audio";
}

async function writePlot(path: string, svg: string): Promise<number> {
  try {
    await writeFile(path, svg);
    return EXIT_DONE;
  } catch (error) {
    complain(`--plot: ${path} cannot be written: ${fileFault(error)}`);
    return EXIT_FAILED;
  }
}

function fileFault(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return FILE_FAULTS[code] ?? describeError(error);
}

function complain(text: string): void {
  process.stderr.write(`remotemedia-webrtc replay: ${text}\n`);
}
