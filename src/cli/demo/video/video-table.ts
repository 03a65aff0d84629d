// The table of pictures in the terminal, as text: a line for each pair, or for each receiving peer where pairs are many.
// Pure.
import { alignCells } from "../../columns.ts";
import { isSeenWell } from "../report.ts";
import { BRIEF_FROM, DIM, GREEN, RED, RESET } from "../table.ts";
import type { VideoPairRow } from "./video-measurement.ts";

const FIGURES = [
  "pictures",
  "dropped",
  "misread",
  "keyframes",
  "latency p95 ms",
  "ahead of sound ms",
  "psnr dB",
];
const NOTHING = "-";

/** @param colors whether to use ANSI colors @returns lines without line ends, a head first */
export function videoLines(rows: readonly VideoPairRow[], colors: boolean): string[] {
  const brief = rows.length >= BRIEF_FROM;
  const groups = brief ? byReceiver(rows) : rows.map((row) => [row]);
  const head = [...(brief ? ["to", "from"] : ["from", "to"]), ...FIGURES];
  const cells = groups.map((group) => [...namesOf(group, brief), ...figuresOf(group)]);
  const [first = [], ...lines] = alignCells([head, ...cells], brief ? 1 : 2);
  const paint = (text: string, color: string): string => (colors ? color + text + RESET : text);
  const painted = lines.map((line, i) => {
    const isFine = (groups[i] ?? []).every(isSeenWell);
    return [...line.slice(0, -1), paint(line.at(-1) ?? "", isFine ? GREEN : RED)].join("  ");
  });
  return [paint(first.join("  "), DIM), ...painted];
}

function byReceiver(rows: readonly VideoPairRow[]): VideoPairRow[][] {
  const groups = new Map<string, VideoPairRow[]>();
  for (const row of rows) groups.set(row.to, [...(groups.get(row.to) ?? []), row]);
  return [...groups.values()];
}

function namesOf(group: readonly VideoPairRow[], brief: boolean): string[] {
  const { from = "", to = "" } = group[0] ?? {};
  return brief ? [to, String(group.length)] : [from, to];
}

/** Sums of what is counted, else the worst of the group. */
function figuresOf(group: readonly VideoPairRow[]): string[] {
  const sum = (of: (row: VideoPairRow) => number): string =>
    String(group.reduce((total, row) => total + of(row), 0));
  const known = (of: (row: VideoPairRow) => number | null): number[] =>
    group.map(of).filter((value) => value !== null);
  const latencies = known(({ latencyMsP95 }) => latencyMsP95);
  const offsets = known(({ avOffsetMs }) => avOffsetMs).sort((a, b) => Math.abs(b) - Math.abs(a));
  const psnrs = known(({ psnrDb }) => psnrDb);
  return [
    sum(({ decoded }) => decoded),
    sum(({ dropped }) => dropped),
    sum(({ misread }) => misread),
    sum(({ keyframes }) => keyframes),
    latencies.length === 0 ? NOTHING : Math.max(...latencies).toFixed(1),
    offsets[0]?.toFixed(1) ?? NOTHING,
    psnrs.length === 0 ? NOTHING : Math.min(...psnrs).toFixed(1),
  ];
}
