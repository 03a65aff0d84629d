// The table in the terminal, as text. Pure: when to draw, and where, is the door's business.
import { alignCells } from "../columns.ts";
import type { AlignmentFigures } from "./alignment-judge.ts";
import { percentile, round } from "./numbers.ts";
import { alignmentRow, OK_SIMILARITY } from "./report.ts";
import type { PairRow } from "./report.ts";

const PAIR_HEAD = [
  ...["from", "to", "packets", "lost", "concealed ms", "buffer ms", "latency p95 ms"],
  ...["drift ppm", "capture error ms", "similarity"],
];
const PEER_HEAD = [
  ...["to", "from", "packets", "lost", "concealed ms", "buffer ms", "latency p95 ms"],
  ...["drift ppm", "capture error ms", "aligned ms", "similarity"],
];
const PAIR_NAMES = 2;
const PEER_NAMES = 1;
/** From so many pairs on there is one line for each receiving peer instead of one for each pair: five peers. */
export const BRIEF_FROM = 20;
const SAMPLES_PER_MS = 48;
const US_PER_MS = 1000;
const NOTHING = "-";

/** ANSI colors. */
export const GREEN = "\u001b[32m";
/** See {@link GREEN}. */
export const RED = "\u001b[31m";
/** See {@link GREEN}. */
export const DIM = "\u001b[2m";
/** Ends any of them. */
export const RESET = "\u001b[0m";

/** A line of facts under the table. */
export interface TableFooter {
  elapsedMs: number;
  /** Of all processes. */
  rssMb: number;
  /** Of one core, since the last table, of all processes. */
  cpuPercent: number;
}

/**
 * One line per directed pair, or per receiving peer where pairs are many, with a head and a foot.
 *
 * @param alignments one for each peer that reads aligned
 * @param colors whether to use ANSI colors
 * @returns lines without line ends
 */
export function tableLines(
  rows: readonly PairRow[],
  alignments: readonly AlignmentFigures[],
  footer: TableFooter,
  colors: boolean,
): string[] {
  const brief = rows.length >= BRIEF_FROM;
  const groups = brief ? byReceiver(rows) : rows.map((row) => [row]);
  const cells = groups.map((group) => (brief ? peerCells(group, alignments) : pairCells(group)));
  const table = [brief ? PEER_HEAD : PAIR_HEAD, ...cells];
  const [head = [], ...aligned] = alignCells(table, brief ? PEER_NAMES : PAIR_NAMES);
  const paint = (text: string, color: string): string => (colors ? color + text + RESET : text);
  const lines = aligned.map((line, i) => {
    const similarity = worst(groups[i] ?? [], (row) => row.similarity, Math.min);
    if (similarity !== null) {
      line.push(paint(line.pop() ?? "", similarity < OK_SIMILARITY ? RED : GREEN));
    }
    return line.join("  ");
  });
  const foot = brief ? [] : alignmentLines(alignments);
  const seconds = Math.round(footer.elapsedMs / 1000);
  const facts = `${seconds} s, ${round(footer.rssMb, 0)} MB, ${round(footer.cpuPercent, 0)} % of a core`;
  return [paint(head.join("  "), DIM), ...lines, ...foot.map((line) => paint(line, DIM)), paint(facts, DIM)];
}

/** ANSI text that draws `lines` over the `drawn` lines of the last time. */
export function redraw(lines: readonly string[], drawn: number): string {
  const up = drawn > 0 ? `\u001b[${drawn}A\r` : "";
  return `${up}\u001b[0J${lines.join("\n")}\n`;
}

function byReceiver(rows: readonly PairRow[]): PairRow[][] {
  const groups = new Map<string, PairRow[]>();
  for (const row of rows) groups.set(row.to, [...(groups.get(row.to) ?? []), row]);
  return [...groups.values()];
}

function pairCells([row]: readonly PairRow[]): string[] {
  return row === undefined ? [] : [row.from, row.to, ...figures([row]), similarityCell([row])];
}

/** A receiving peer: sums of what is counted, else the worst of its pairs. */
function peerCells(group: readonly PairRow[], alignments: readonly AlignmentFigures[]): string[] {
  const to = group[0]?.to ?? "";
  const own = alignments.filter(({ peerId }) => peerId === to);
  const error = own.length === 0 ? null : alignmentRow(own).errorMsP95;
  return [to, String(group.length), ...figures(group), cell(error, 2), similarityCell(group)];
}

function figures(group: readonly PairRow[]): string[] {
  const sum = (of: (row: PairRow) => number): number => group.reduce((total, row) => total + of(row), 0);
  const error = worst(group, (row) => row.captureErrorUs, Math.max);
  return [
    String(sum((row) => row.packets)),
    String(sum((row) => row.lost)),
    String(Math.round(sum((row) => row.concealed) / SAMPLES_PER_MS)),
    Math.max(...group.map((row) => row.bufferDelayMs)).toFixed(0),
    cell(
      worst(group, (row) => row.latencyMsP95, Math.max),
      1,
    ),
    cell(furthest(group.map((row) => row.driftPpm)), 1),
    cell(error === null ? null : error / US_PER_MS, 2),
  ];
}

function similarityCell(group: readonly PairRow[]): string {
  return cell(
    worst(group, (row) => row.similarity, Math.min),
    3,
  );
}

/** Who reads aligned, and how well; where there is no column for it. */
function alignmentLines(alignments: readonly AlignmentFigures[]): string[] {
  return alignments.map((figures) => {
    const { sets, errorMsP95, boundMsP95 } = alignmentRow([figures]);
    const last = cell(percentile(figures.errorsMs.slice(-1), 1), 2);
    return `${figures.peerId} reads aligned: ${sets} sets, error p95 ${cell(errorMsP95, 2)} ms, last ${last} ms, bound ${cell(boundMsP95, 2)} ms`;
  });
}

function worst(
  group: readonly PairRow[],
  of: (row: PairRow) => number | null,
  pick: (...values: number[]) => number,
): number | null {
  const known = group.map(of).filter((value) => value !== null);
  return known.length === 0 ? null : pick(...known);
}

/** The value furthest from zero. */
function furthest(values: readonly (number | null)[]): number | null {
  return values.reduce<number | null>((best, value) => {
    if (value === null) return best;
    return best === null || Math.abs(value) > Math.abs(best) ? value : best;
  }, null);
}

function cell(value: number | null, digits: number): string {
  return value === null ? NOTHING : value.toFixed(digits);
}
