// The plots of the page: remembers what the tables said, and shows it of the listener that is chosen.
import { spanOf } from "./chart.ts";
import { element } from "./element.ts";
import { History } from "./history.ts";
import {
  defaultListener,
  describe,
  linesOf,
  listenersOf,
  NOBODY_READS,
  PANELS,
  TableValues,
} from "./panels.ts";
import type { Table } from "./panels.ts";
import { PlotView } from "./plot-view.ts";

/** Three minutes of a table a second. */
const SLOTS = 181;
/** Two values of each of 240 pairs, and one of each of 20 readers, are fewer. */
const MAX_SERIES = 512;
/** Names that have had a color, at most; then colors are given anew. */
const MAX_NAMES = 100;

/** See the header. */
export class Plots {
  readonly #section = element("plots");
  readonly #select = element<HTMLSelectElement>("listener");
  readonly #history = new History({ slots: SLOTS, maxSeries: MAX_SERIES });
  readonly #values = new TableValues();
  readonly #colors = new Map<string, number>();
  readonly #panels = PANELS.map((panel) => ({
    panel,
    view: new PlotView(element(panel.id), (name) => this.#colorOf(name)),
  }));
  #table: Table | undefined;
  /** Undefined: nobody has chosen. */
  #chosen: string | undefined;

  constructor() {
    this.#select.addEventListener("change", () => {
      this.#chosen = this.#select.value;
      this.#show();
    });
  }

  /** Take a table in, and show it. @param self id of the page */
  take(table: Table, self: string): void {
    this.#table = table;
    this.#history.push(table.elapsedMs, this.#values.take(table));
    const listeners = listenersOf(table);
    if (this.#chosen !== undefined && !listeners.includes(this.#chosen)) this.#chosen = undefined;
    this.#offer(listeners, self);
    // In the order of the table, so that colors do not depend on who listens first.
    for (const id of listeners) this.#colorOf(id);
    this.#section.hidden = false;
    this.#show();
  }

  #show(): void {
    const [table, span] = [this.#table, this.#history.span];
    const listener = this.#chosen ?? (table && defaultListener(table));
    if (table === undefined || span === undefined || listener === undefined) return;
    this.#select.value = listener;
    for (const { panel, view } of this.#panels) {
      const lines = linesOf(this.#history, panel, listener);
      view.show({
        lines,
        nowMs: span.lastMs,
        spanMs: spanOf(span.lastMs - span.firstMs),
        least: panel.least,
        text: describe(panel, lines, listener, span.lastMs),
        nothing: panel.id === "alignment" && table.alignments.length === 0 ? NOBODY_READS : panel.nothing,
      });
    }
  }

  /** A list that is open must not be changed without need. */
  #offer(listeners: readonly string[], self: string): void {
    const offered = [...this.#select.options].map(({ value }) => value);
    if (offered.join(" ") === listeners.join(" ")) return;
    const names = listeners.map((id) => new Option(id === self ? `${id} (you)` : id, id));
    this.#select.replaceChildren(...names);
  }

  #colorOf(name: string): number {
    if (this.#colors.size >= MAX_NAMES) this.#colors.clear();
    const color = this.#colors.get(name) ?? this.#colors.size;
    this.#colors.set(name, color);
    return color;
  }
}
