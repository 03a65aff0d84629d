// The lines of a table of pairs. Lines and cells stay, only their words change, so that what is marked or scrolled stays
// as it is.

/** What every row of such a table has. */
interface Pair {
  from: string;
  to: string;
}

/** What is written in one cell. */
export type Cell = [text: string, className: string];

/** See the header. */
export class TableLines {
  readonly #body: HTMLElement;
  readonly #lines = new Map<string, HTMLTableRowElement>();

  constructor(body: HTMLElement) {
    this.#body = body;
  }

  /** Show these rows, in their order; those that concern `self` stand out. */
  show<Row extends Pair>(rows: readonly Row[], self: string, cellsOf: (row: Row) => Cell[]): void {
    const shown = new Set(rows.map(nameOf));
    for (const [name, line] of this.#lines) {
      if (shown.has(name)) continue;
      line.remove();
      this.#lines.delete(name);
    }
    for (const [i, row] of rows.entries()) {
      const line = this.#line(nameOf(row));
      if (this.#body.children[i] !== line) this.#body.insertBefore(line, this.#body.children[i] ?? null);
      line.classList.toggle("mine", row.from === self || row.to === self);
      fill(line, cellsOf(row));
    }
  }

  #line(name: string): HTMLTableRowElement {
    const line = this.#lines.get(name) ?? document.createElement("tr");
    this.#lines.set(name, line);
    return line;
  }
}

function nameOf({ from, to }: Pair): string {
  return `${from} ${to}`;
}

function fill(line: HTMLTableRowElement, cells: readonly Cell[]): void {
  for (const [i, [text, className]] of cells.entries()) {
    const cell = line.cells[i] ?? line.insertCell();
    if (cell.textContent !== text) cell.textContent = text;
    if (cell.className !== className) cell.className = className;
  }
}
