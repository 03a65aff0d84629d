// The geometry of a line plot over the last minutes: ticks, paths and direct labels in pixels. Pure; who draws it
// chooses colors and fonts.
import { niceAxis } from "../../svg/ticks.ts";
import type { Axis } from "../../svg/ticks.ts";
import type { HistoryPoint } from "./history.ts";

/** One line of a plot. */
export interface ChartLine {
  readonly name: string;
  /** From old to new; a value that is no finite number interrupts the line. */
  readonly points: readonly HistoryPoint[];
  /** Written at the end of the line. */
  readonly label: string;
  /** A limit that values are compared with, and no value itself. */
  readonly isBound: boolean;
}

/** What is drawn, and how large. */
export interface ChartOptions {
  readonly lines: readonly ChartLine[];
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** Ms of the run: the right edge. */
  readonly nowMs: number;
  /** Ms from the left edge to the right one. */
  readonly spanMs: number;
  /** What the vertical axis covers at least, in the unit of the values. */
  readonly least: readonly [low: number, high: number];
}

/** A place for a word. */
export interface ChartText {
  readonly x: number;
  readonly y: number;
  readonly text: string;
}

/** One line, ready to be drawn. */
export interface ChartShape extends Pick<ChartLine, "name" | "isBound"> {
  /** SVG path; empty when nothing of it is to be seen. */
  readonly path: string;
  /** Absent when the line does not reach the present. */
  readonly label?: ChartText & {
    /** SVG path from the end of the line to its label. */
    readonly leader: string;
  };
}

/** All that is to be drawn. */
export interface Chart {
  /** Edges of what lies within the axes. */
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly yTicks: readonly ChartText[];
  readonly xTicks: readonly ChartText[];
  /** In the order of the lines. */
  readonly shapes: readonly ChartShape[];
}

/** Pixels; digits of axes and labels are 12 px high. */
const MARGIN = { top: 10, bottom: 24, axis: 10, edge: 6 };
const CHARACTER_WIDTH = 6.7;
/** Room left of the axis, in characters, that the word under its end needs in any case. */
const LEAST_DIGITS = 3;
const LABEL_GAP = 14;
const LEADER = 12;
const TICK_GAP = 6;
/** Labels take no more than this share of the width. */
const LABEL_SHARE = 0.33;
const Y_TICK_PIXELS = 36;
const X_TICK_PIXELS = 58;
/** Seconds between ticks of the horizontal axis. */
const TIME_STEPS = [5, 10, 15, 30, 60];
/** Lines are interrupted where nothing came for so long, and have ended if it was just now, ms. */
const GAP_MS = 3_500;
/** Spans of the horizontal axis, ms. */
const SPANS_MS = [30_000, 60_000, 120_000, 180_000];
const ELLIPSIS = "…";

/** How long the horizontal axis should be for a history of `ageMs`: it grows in steps, so that it holds still. */
export function spanOf(ageMs: number): number {
  return SPANS_MS.find((spanMs) => ageMs <= spanMs) ?? (SPANS_MS.at(-1) as number);
}

/** Place everything. */
export function layOut(options: ChartOptions): Chart {
  const { nowMs, spanMs } = options;
  const lines = options.lines.map((line) => ({
    ...line,
    points: line.points.filter(({ atMs }) => atMs >= nowMs - spanMs),
    label: hasEnded(line, nowMs) ? "" : line.label,
  }));
  const frame = frameOf({ ...options, lines });
  const { left, right, top, bottom, axis, atX, atY } = frame;
  return {
    ...{ left, right, top, bottom },
    yTicks: axis.ticks.map(({ value, label }) => ({ x: left - TICK_GAP, y: atY(value), text: minus(label) })),
    xTicks: timeTicks(spanMs, right - left).map(({ agoMs, text }) => ({
      ...{ x: atX(nowMs - agoMs), y: bottom, text },
    })),
    shapes: shapesOf(lines, frame),
  };
}

/** Where the axes lie, and what lies where between them. */
interface Frame extends Pick<Chart, "left" | "right" | "top" | "bottom"> {
  readonly axis: Axis;
  /** Characters that a label may have. */
  readonly labelLength: number;
  readonly atX: (atMs: number) => number;
  readonly atY: (value: number) => number;
}

function frameOf({ lines, width, height, nowMs, spanMs, least }: ChartOptions): Frame {
  const top = MARGIN.top;
  const bottom = Math.max(top + 1, height - MARGIN.bottom);
  const axis = niceAxis(...rangeOf(lines, least), (bottom - top) / Y_TICK_PIXELS, true);
  const digits = Math.max(LEAST_DIGITS, ...axis.ticks.map(({ label }) => label.length));
  const longest = Math.max(0, ...lines.map(({ label }) => label.length));
  const labelLength = Math.min(longest, Math.floor((width * LABEL_SHARE) / CHARACTER_WIDTH));
  const left = Math.round(MARGIN.axis + CHARACTER_WIDTH * digits);
  const right = Math.round(width - MARGIN.edge - LEADER - CHARACTER_WIDTH * labelLength);
  const [spanX, spanY] = [Math.max(1, right - left), bottom - top];
  return {
    ...{ left, right: left + spanX, top, bottom, axis, labelLength },
    atX: (atMs) => pixel(left + spanX * (1 - (nowMs - atMs) / spanMs)),
    atY: (value) => pixel(bottom - (spanY * (value - axis.low)) / (axis.high - axis.low)),
  };
}

function shapesOf(lines: readonly ChartLine[], frame: Frame): ChartShape[] {
  const { right, top, bottom, labelLength, atX, atY } = frame;
  const ends = lines.map(({ label, points }) => (label === "" ? undefined : lastOf(points)));
  const places = ends.flatMap((end) => (end === undefined ? [] : [atY(end.value)]));
  const spread = spreadOut(places, LABEL_GAP, top, bottom);
  return lines.map(({ name, isBound, points, label }, i) => {
    const path = pathOf(points, atX, atY);
    const end = ends[i];
    if (end === undefined) return { name, isBound, path };
    const y = pixel(spread.shift() ?? top);
    const leader = `M${atX(end.atMs)} ${atY(end.value)}H${right}L${right + LEADER - 3} ${y}`;
    return { name, isBound, path, label: { x: right + LEADER, y, text: cut(label, labelLength), leader } };
  });
}

function hasEnded({ points }: ChartLine, nowMs: number): boolean {
  return (lastOf(points)?.atMs ?? -Infinity) < nowMs - GAP_MS;
}

/**
 * Move places apart until neighbours are `gap` from each other, as little as that takes, within `low` and `high`. Where
 * there is no room for that they share it evenly.
 *
 * @returns in the order of `places`
 */
export function spreadOut(places: readonly number[], gap: number, low: number, high: number): number[] {
  const least = Math.min(gap, (high - low) / Math.max(1, places.length - 1));
  const order = [...places.keys()].sort((a, b) => (places[a] as number) - (places[b] as number) || a - b);
  // Groups that touch move as one, around the mean of where their members want to be.
  const groups: { from: number; size: number; wish: number }[] = [];
  for (const [from, index] of order.entries()) {
    groups.push({ from, size: 1, wish: places[index] as number });
    for (;;) {
      const [before, last] = [groups.at(-2), groups.at(-1)];
      if (before === undefined || last === undefined) break;
      const start = (group: { size: number; wish: number }): number =>
        within(group.wish - ((group.size - 1) * least) / 2, low, high - (group.size - 1) * least);
      if (start(before) + before.size * least <= start(last)) break;
      const size = before.size + last.size;
      const wish = (before.wish * before.size + last.wish * last.size) / size;
      groups.splice(-2, 2, { from: before.from, size, wish });
    }
  }
  const spread = new Array<number>(places.length).fill(0);
  for (const { from, size, wish } of groups) {
    const start = within(wish - ((size - 1) * least) / 2, low, high - (size - 1) * least);
    for (let i = 0; i < size; i++) spread[order[from + i] as number] = start + i * least;
  }
  return spread;
}

/** Ticks of the time axis, newest first: the present and round times ago, no closer than they can be read. */
export function timeTicks(spanMs: number, pixels: number): { agoMs: number; text: string }[] {
  const count = Math.max(1, pixels / X_TICK_PIXELS);
  const seconds = spanMs / 1000;
  const step = TIME_STEPS.find((each) => seconds / each <= count) ?? seconds;
  return Array.from({ length: Math.floor(seconds / step) + 1 }, (_, i) => ({
    agoMs: i * step * 1000,
    text: i === 0 ? "now" : `−${i * step} s`,
  }));
}

function rangeOf(
  lines: readonly { points: readonly HistoryPoint[] }[],
  [low, high]: readonly [low: number, high: number],
): [number, number] {
  let range: [number, number] = [low, high];
  for (const { points } of lines) {
    for (const { value } of points) {
      if (Number.isFinite(value)) range = [Math.min(range[0], value), Math.max(range[1], value)];
    }
  }
  return range;
}

/** Newest point with a value. */
export function lastOf(points: readonly HistoryPoint[]): HistoryPoint | undefined {
  for (let i = points.length - 1; i >= 0; i--) {
    const point = points[i];
    if (point !== undefined && Number.isFinite(point.value)) return point;
  }
  return undefined;
}

function pathOf(
  points: readonly HistoryPoint[],
  atX: (atMs: number) => number,
  atY: (value: number) => number,
): string {
  let path = "";
  let lastMs = -Infinity;
  let drawn = 0;
  for (const { atMs, value } of points) {
    if (!Number.isFinite(value)) continue;
    const joined = atMs - lastMs <= GAP_MS;
    if (!joined && drawn === 1) path += "h0";
    drawn = joined ? drawn + 1 : 1;
    path += `${joined ? "L" : "M"}${atX(atMs)} ${atY(value)}`;
    lastMs = atMs;
  }
  // A lone point is a line of no length, which round ends make a dot.
  return drawn === 1 ? `${path}h0` : path;
}

function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  // The value at the end matters more than the end of the name.
  const space = text.lastIndexOf(" ");
  const value = space < 0 ? "" : text.slice(space);
  return `${text.slice(0, Math.max(1, length - value.length - 1))}${ELLIPSIS}${value}`;
}

function minus(label: string): string {
  return label.replace("-", "−");
}

function within(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}

/** A tenth of a pixel is finer than anybody sees. */
function pixel(value: number): number {
  return Math.round(value * 10) / 10;
}
