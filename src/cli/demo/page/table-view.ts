// The table of the page: a line for each pair that hears each other.
import { OK_SIMILARITY } from "../report.ts";
import type { PairRow } from "../report.ts";
import { element } from "./element.ts";
import { knownDrift, numberText } from "./panels.ts";
import { TableLines } from "./table-lines.ts";
import type { Cell } from "./table-lines.ts";

const SAMPLES_PER_MS = 48;
const US_PER_MS = 1_000;

/** See the header. */
export class TableView {
  readonly #facts = element("facts");
  readonly #lines = new TableLines(element("rows"));

  /** Show these rows, in their order; those that concern `self` stand out. */
  show(rows: readonly PairRow[], facts: string, self: string): void {
    this.#facts.textContent = facts;
    this.#lines.show(rows, self, cellsOf);
  }
}

function cellsOf(row: PairRow): Cell[] {
  const { similarity, latencyMsP95, driftPpm, captureErrorUs } = row;
  const grade = similarity === null ? "" : similarity < OK_SIMILARITY ? "bad" : "good";
  return [
    [row.from, ""],
    [row.to, ""],
    [String(row.packets), "number"],
    [String(row.lost), "number"],
    [(row.concealed / SAMPLES_PER_MS).toFixed(0), "number"],
    [row.bufferDelayMs.toFixed(0), "number"],
    [numberText(latencyMsP95 ?? undefined, 1), "number"],
    [numberText(knownDrift(driftPpm), 1), "number"],
    [numberText(captureErrorUs === null ? undefined : captureErrorUs / US_PER_MS, 2), "number"],
    [numberText(similarity ?? undefined, 3), `number ${grade}`.trim()],
  ];
}
