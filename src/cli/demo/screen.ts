// What the user sees in the terminal: notes, and the table below them. With --json all of it goes to stderr,
// and the table nowhere.
import type { AlignmentFigures } from "./alignment-judge.ts";
import { redraw, tableLines } from "./table.ts";
import type { TableFooter } from "./table.ts";
import type { PairRow } from "./report.ts";
import type { VideoPairRow } from "./video/video-measurement.ts";
import { videoLines } from "./video/video-table.ts";

/** A table is repeated this often where it cannot be drawn over, e.g. in a log file. */
const BLOCK_INTERVAL_MS = 5_000;

/** A stream of text; `process.stdout` is one. */
export interface TextStream {
  isTTY?: boolean | undefined;
  write(text: string): unknown;
}

/** What is shown. */
export interface ScreenRows {
  rows: readonly PairRow[];
  /** Of pairs that see each other. */
  video: readonly VideoPairRow[];
  /** One for each peer that reads aligned. */
  alignments: readonly AlignmentFigures[];
}

/** See the header. */
export class Screen {
  readonly #out: TextStream;
  readonly #withTable: boolean;
  #drawn = 0;
  #lastBlockMs = -Infinity;

  /** @param out where notes and tables go @param withTable false: notes only */
  constructor(out: TextStream, withTable: boolean) {
    this.#out = out;
    this.#withTable = withTable;
  }

  /** A line that stays. */
  say(text: string): void {
    this.#out.write(`${text}\n`);
    // The table is drawn anew below it.
    this.#drawn = 0;
  }

  /** The tables as they are now; call once a second. `last`: show them in any case. */
  table({ rows, video, alignments }: ScreenRows, footer: TableFooter, last = false): void {
    if (!this.#withTable) return;
    const live = this.#out.isTTY === true;
    if (!live && !last && footer.elapsedMs - this.#lastBlockMs < BLOCK_INTERVAL_MS) return;
    this.#lastBlockMs = footer.elapsedMs;
    const seen = video.length === 0 ? [] : [...videoLines(video, live), ""];
    const lines = [...seen, ...tableLines(rows, alignments, footer, live)];
    this.#out.write(live ? redraw(lines, this.#drawn) : `${lines.join("\n")}\n\n`);
    this.#drawn = lines.length;
  }
}
