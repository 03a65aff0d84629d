// What is asked of a call with pictures: how many arrive, whether they are right, how late, and how well in step.
import type { Figure } from "../bench.ts";

/** 640x360 at 30 a second. */
export const PATTERN = { width: 640, height: 360, framerateFps: 30 };
export const BITRATE_KBPS = 800;
/** Pictures before it counts, and while it does. */
export const WARM_UP = 5 * PATTERN.framerateFps;
export const COUNTED = 30 * PATTERN.framerateFps;

/** A picture that has come. */
export interface Seen {
  /** Of its code; undefined without one that is the sender's. */
  readonly number: number | undefined;
  /** On the clock of {@link Shown.sentMs}. */
  readonly atMs: number;
  readonly avOffsetMs: number;
}

/** What the sender has done. */
export interface Shown {
  /** When each picture was handed over, by its number. */
  readonly sentMs: readonly number[];
  readonly encoded: number;
}

/** The figures of one direction of a call. */
export function videoFigures(name: string, seen: readonly Seen[], { sentMs, encoded }: Shown): Figure[] {
  const counted = seen.filter(({ number }) => number === undefined || number >= WARM_UP);
  const right = counted.filter(({ number }) => number !== undefined);
  const latencies = right
    .map(({ atMs, number = NaN }) => atMs - (sentMs[number] ?? NaN))
    .sort((a, b) => a - b);
  const offsets = right.map(({ avOffsetMs }) => avOffsetMs).sort((a, b) => a - b);
  const received = new Set(seen.map(({ number }) => number)).size;
  const figure = figureOf(name);
  return [
    figure("pictures that arrive, of those sent", "%", (100 * received) / encoded, { atLeast: 99 }),
    figure("codes that are right, of those that arrive", "%", (100 * right.length) / counted.length, {
      atLeast: 100,
    }),
    figure("pictures sent, of those drawn", "%", (100 * encoded) / sentMs.length),
    figure("latency from capture to reader, median", "ms", quantile(latencies, 0.5)),
    figure("latency from capture to reader, p95", "ms", quantile(latencies, 0.95), { atMost: 100 }),
    figure(
      "between pictures and sound, p95",
      "ms",
      quantile(
        offsets.map(Math.abs).sort((a, b) => a - b),
        0.95,
      ),
      {
        atMost: 20,
      },
    ),
  ];
}

/** Makes figures of one name, without baselines. */
export function figureOf(name: string) {
  return (what: string, unit: string, ours: number, goal?: Figure["goal"]): Figure => ({
    name: `${name}: ${what}`,
    ...{ unit, ours, baselines: [] },
    ...(goal !== undefined && { goal }),
  });
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.floor(share * (sorted.length - 1))] ?? NaN;
}
