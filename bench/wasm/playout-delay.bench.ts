// What the adaptive playout delay is worth, in one configuration for everything: on recordings, on the paths of the link
// presets and on families of disturbances held back until the end; against fixed delays and a model of NetEq's target.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { playTrace } from "../../src/cli/replay/playback.ts";
import type { PlaybackOptions, TracePacket } from "../../src/cli/replay/playback.ts";
import type { PlaybackReport } from "../../src/cli/replay/playback-report.ts";
import { readTrace } from "../../src/cli/replay/trace.ts";
import { linkPresets } from "../../src/testing/link-presets.ts";
import type { Bench, Figure } from "../bench.ts";
import { audioOver, heldOutFamilies, unseenFamilies } from "../models/delay-families.ts";
import type { SyntheticTrace } from "../models/delay-families.ts";
import { netEqPolicy } from "../models/neteq-delay.ts";

/** The folder of recordings; those in its folder rtp are used. Its capture of video was stamped within half a second. */
const DATA = process.env.REMOTEMEDIA_DATA ?? join(process.cwd(), "../shared/data");
const PRESET_SEEDS = 10;
const PRESET_MS = 120_000;
const FAMILY_SEEDS = 3;
const MAX_DELAY_MS = 200;
/** What the model gets where its target exceeds ours: it has no bound of its own. */
const MODEL_MAX_DELAY_MS = 500;
const SETTLED_MS = 5000;
const MS_PER_MINUTE = 60_000;
const MODEL = "NetEq model";

interface Stream {
  readonly clockRate: number;
  readonly kind: "audio" | "video";
  readonly packets: readonly TracePacket[];
}

/** One line of the table: the same path with several seeds, or one recording. */
interface Subject {
  readonly name: string;
  readonly streams: readonly Stream[];
  readonly fixed: readonly number[];
  readonly goals?: {
    readonly delay?: number;
    readonly late?: number;
    readonly settled?: number;
    readonly settling?: number;
  };
}

type Player = (stream: Stream) => PlaybackReport;

const ours: Player = (stream) =>
  playTrace(stream.packets, {
    ...configurationOf(stream),
    mode: "adaptive",
    delayMs: 50,
    minDelayMs: 20,
    maxDelayMs: MAX_DELAY_MS,
  });

const model: Player = (stream) => {
  const policy = netEqPolicy();
  let highestMs = 0;
  const options: PlaybackOptions = { ...configurationOf(stream), mode: "fixed", delayMs: 80 };
  const report = playTrace(stream.packets, {
    ...options,
    maxDelayMs: MAX_DELAY_MS,
    policy(arrival) {
      const targetMs = policy(arrival);
      highestMs = Math.max(highestMs, targetMs);
      return targetMs;
    },
  });
  if (highestMs <= MAX_DELAY_MS) return report;
  return playTrace(stream.packets, { ...options, maxDelayMs: MODEL_MAX_DELAY_MS, policy: netEqPolicy() });
};

const fixed =
  (delayMs: number): Player =>
  (stream) =>
    playTrace(stream.packets, {
      ...configurationOf(stream),
      mode: "fixed",
      delayMs,
      maxDelayMs: MAX_DELAY_MS,
    });

function configurationOf({ clockRate, kind }: Stream): Pick<PlaybackOptions, "clockRate" | "kind"> {
  return { clockRate, kind };
}

function recordings(): Subject[] {
  const folder = join(DATA, "rtp");
  const files = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  if (files.length === 0)
    console.error(`bench: no recordings in ${DATA}; REMOTEMEDIA_DATA names another folder`);
  return files.map((file) => {
    const name = file.replace(/^.*\//, "").replace(/\.\w+$/, "");
    // G.722.1C counts samples of 32 kHz; everything else there is telephony.
    const clockRate = name.includes("g722") ? 32_000 : 8_000;
    const { packets } = readTrace(readFileSync(file));
    const goal = name.endsWith("_jitter") ? { delay: 125, late: 0.5 } : { settled: 25 };
    const goals = { ...goal, settling: SETTLED_MS / 1000 };
    return { name, streams: [{ clockRate, kind: "audio", packets }], fixed: [50, 100, 200], goals };
  });
}

function presets(): Subject[] {
  return Object.entries(linkPresets).map(([name, link]) => ({
    name,
    fixed: [50, 100, 200],
    streams: Array.from({ length: PRESET_SEEDS }, (_, seed) => ({
      clockRate: 48_000,
      kind: "audio",
      packets: audioOver(link, seed + 1, PRESET_MS),
    })),
  }));
}

function families(label: string, make: (seed: number) => readonly SyntheticTrace[]): Subject[] {
  const seeds = Array.from({ length: FAMILY_SEEDS }, (_, seed) => make(seed + 1));
  return (seeds[0] ?? []).map(({ name }, index) => ({
    name: `${label}: ${name}`,
    fixed: [],
    streams: seeds.flatMap((traces) => traces[index] ?? []),
  }));
}

function figures(): Figure[] {
  return [
    ...recordings(),
    ...presets(),
    ...families("held out", heldOutFamilies),
    ...families("unseen", unseenFamilies),
  ].flatMap(figuresOf);
}

function figuresOf({ name, streams, fixed: delays, goals = {} }: Subject): Figure[] {
  const mine = streams.map(ours);
  const others = [
    { name: MODEL, reports: streams.map(model) },
    ...delays.map((delayMs) => ({ name: `fixed ${delayMs}`, reports: streams.map(fixed(delayMs)) })),
  ];
  const figure = (
    what: string,
    unit: string,
    valueOf: (reports: readonly PlaybackReport[]) => number,
    goal?: Figure["goal"],
  ): Figure => ({
    name: `${name}, ${what}`,
    unit,
    ours: valueOf(mine),
    baselines: others.map((other) => ({ name: other.name, value: valueOf(other.reports) })),
    ...(goal === undefined ? {} : { goal }),
  });
  const atMost = (value: number | undefined): { atMost?: number } =>
    value === undefined ? {} : { atMost: value };
  return [
    figure(
      "mean delay",
      "ms",
      mean(({ delayMs }) => delayMs.mean),
      {
        ...atMost(goals.delay),
        noWorseThan: MODEL,
      },
    ),
    figure("late", "%", latePercent, { ...atMost(goals.late), noWorseThan: MODEL }),
    figure("delay after 5 s", "ms", mean(settledDelayMs), atMost(goals.settled)),
    figure("settled after", "s", mean(settlingS), atMost(goals.settling)),
    figure(
      "p95 delay",
      "ms",
      mean(({ delayMs }) => delayMs.p95),
    ),
    figure(
      "concealed",
      "ms/min",
      mean((report) => perMinute(report, report.concealedMs)),
    ),
    figure(
      "time-scaled",
      "ms/min",
      mean((report) => perMinute(report, report.timeScaledMs.stretched + report.timeScaledMs.shrunk)),
    ),
  ];
}

function mean(valueOf: (report: PlaybackReport) => number): (reports: readonly PlaybackReport[]) => number {
  return (reports) => reports.reduce((sum, report) => sum + valueOf(report), 0) / reports.length;
}

// Of the packets of all runs together.
function latePercent(reports: readonly PlaybackReport[]): number {
  const late = reports.reduce((sum, report) => sum + report.late, 0);
  const received = reports.reduce((sum, { played, late: ofOne }) => sum + played + ofOne, 0);
  return (100 * late) / received;
}

function settledDelayMs({ samples }: PlaybackReport): number {
  const fromMs = (samples[0]?.atMs ?? 0) + SETTLED_MS;
  const settled = samples.filter(({ atMs }) => atMs >= fromMs);
  const all = settled.length > 0 ? settled : samples;
  return all.reduce((sum, { delayMs }) => sum + delayMs, 0) / all.length;
}

/** Seconds until the delay of a whole second is first within a fifth of what it is on average from 5 s on. */
function settlingS(report: PlaybackReport): number {
  const { samples } = report;
  const usualMs = settledDelayMs(report);
  const startMs = samples[0]?.atMs ?? 0;
  for (const { atMs } of samples) {
    const second = samples.filter((sample) => sample.atMs >= atMs && sample.atMs < atMs + 1000);
    const meanMs = second.reduce((sum, { delayMs }) => sum + delayMs, 0) / second.length;
    if (Math.abs(meanMs - usualMs) <= usualMs / 5) return (atMs - startMs) / 1000;
  }
  return Infinity;
}

function perMinute({ samples }: PlaybackReport, ms: number): number {
  const durationMs = (samples.at(-1)?.atMs ?? 0) - (samples[0]?.atMs ?? 0);
  return durationMs > 0 ? (ms * MS_PER_MINUTE) / durationMs : 0;
}

export default { runtimes: ["node"], cases: () => [], figures } satisfies Bench;
