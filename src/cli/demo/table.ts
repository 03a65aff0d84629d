// The table in the terminal, as text. Pure: when to draw, and where, is the door's business.
import { alignCells } from "../columns.ts";
import { OK_SIMILARITY, round } from "./report.ts";
import type { PairRow } from "./report.ts";

const HEAD = ["from", "to", "packets", "lost", "concealed ms", "buffer ms", "latency p95 ms", "similarity"];
const NAME_COLUMNS = 2;
const GREEN = "\u001b[32m";
const RED = "\u001b[31m";
const DIM = "\u001b[2m";
const RESET = "\u001b[0m";
const SAMPLES_PER_MS = 48;

/** A line of facts under the table. */
export interface TableFooter {
  elapsedMs: number;
  rssMb: number;
  /** Of one core, since the last table. */
  cpuPercent: number;
}

/**
 * One line per directed pair, with a head and a foot.
 *
 * @param colors whether to use ANSI colors
 * @returns lines without line ends
 */
export function tableLines(rows: readonly PairRow[], footer: TableFooter, colors: boolean): string[] {
  const cells = rows.map((row) => [
    row.from,
    row.to,
    String(row.packets),
    String(row.lost),
    String(Math.round(row.concealed / SAMPLES_PER_MS)),
    row.bufferDelayMs.toFixed(0),
    row.latencyMsP95 === null ? "-" : row.latencyMsP95.toFixed(1),
    row.similarity === null ? "-" : row.similarity.toFixed(3),
  ]);
  const [head = [], ...aligned] = alignCells([HEAD, ...cells], NAME_COLUMNS);
  const paint = (text: string, color: string): string => (colors ? color + text + RESET : text);
  const lines = [paint(head.join("  "), DIM)];
  rows.forEach((row, i) => {
    const line = aligned[i] ?? [];
    const last = line.length - 1;
    if (row.similarity !== null) {
      line[last] = paint(line[last] ?? "", row.similarity < OK_SIMILARITY ? RED : GREEN);
    }
    lines.push(line.join("  "));
  });
  const seconds = Math.round(footer.elapsedMs / 1000);
  const facts = `${seconds} s, ${round(footer.rssMb, 0)} MB, ${round(footer.cpuPercent, 0)} % of a core`;
  return [...lines, paint(facts, DIM)];
}

/** ANSI text that draws `lines` over the `drawn` lines of the last time. */
export function redraw(lines: readonly string[], drawn: number): string {
  const up = drawn > 0 ? `\u001b[${drawn}A\r` : "";
  return `${up}\u001b[0J${lines.join("\n")}\n`;
}
