// The table of the page: a line for each pair. Lines and cells stay, only their words change, so that what is marked or
// scrolled stays as it is.
import { OK_SIMILARITY } from "../report.ts";
import type { PairRow } from "../report.ts";
import { element } from "./element.ts";
import { knownDrift, numberText } from "./panels.ts";

const SAMPLES_PER_MS = 48;
const US_PER_MS = 1_000;

/** See the header. */
export class TableView {
  readonly #rows = element("rows");
  readonly #facts = element("facts");
  readonly #lines = new Map<string, HTMLTableRowElement>();

  /** Show these rows, in their order; those that concern `self` stand out. */
  show(rows: readonly PairRow[], facts: string, self: string): void {
    this.#facts.textContent = facts;
    const shown = new Set(rows.map(nameOf));
    for (const [name, line] of this.#lines) {
      if (shown.has(name)) continue;
      line.remove();
      this.#lines.delete(name);
    }
    for (const [i, row] of rows.entries()) {
      const line = this.#line(nameOf(row));
      if (this.#rows.children[i] !== line) this.#rows.insertBefore(line, this.#rows.children[i] ?? null);
      line.classList.toggle("mine", row.from === self || row.to === self);
      fill(line, row);
    }
  }

  #line(name: string): HTMLTableRowElement {
    const line = this.#lines.get(name) ?? document.createElement("tr");
    this.#lines.set(name, line);
    return line;
  }
}

function nameOf({ from, to }: PairRow): string {
  return `${from} ${to}`;
}

function fill(line: HTMLTableRowElement, row: PairRow): void {
  const { similarity, latencyMsP95, driftPpm, captureErrorUs } = row;
  const grade = similarity === null ? "" : similarity < OK_SIMILARITY ? "bad" : "good";
  const cells: [text: string, className: string][] = [
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
  for (const [i, [text, className]] of cells.entries()) {
    const cell = line.cells[i] ?? line.insertCell();
    if (cell.textContent !== text) cell.textContent = text;
    if (cell.className !== className) cell.className = className;
  }
}
