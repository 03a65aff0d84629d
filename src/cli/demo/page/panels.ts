// What the plots show: which values of a table become which lines, how they are called, and what they say in words. Pure.
import type { DemoMessage } from "../measure-protocol.ts";
import { lastOf } from "./chart.ts";
import type { ChartLine } from "./chart.ts";
import type { History } from "./history.ts";

/** A table as the demo sends it. */
export type Table = Extract<DemoMessage, { type: "table" }>;

/** The plots. */
export type PanelId = "buffer" | "drift" | "alignment";

/** What is fixed about a plot. */
export interface Panel {
  readonly id: PanelId;
  /** Begins the words that stand for the plot. */
  readonly subject: string;
  readonly unit: string;
  readonly digits: number;
  /** What its vertical axis covers at least: noise around a constant shall look small. */
  readonly least: readonly [low: number, high: number];
  /** Said while there is nothing to be drawn. */
  readonly nothing: string;
}

/** All plots. */
export const PANELS: readonly Panel[] = [
  {
    id: "buffer",
    subject: "Buffer delay",
    unit: "ms",
    digits: 0,
    least: [0, 40],
    nothing: "This peer hears nobody yet.",
  },
  {
    id: "drift",
    subject: "Clock drift",
    unit: "ppm",
    digits: 1,
    least: [-5, 5],
    nothing: "Clocks have not been compared yet.",
  },
  {
    id: "alignment",
    subject: "Alignment error",
    unit: "ms",
    digits: 2,
    least: [0, 1],
    nothing: "Nothing has been judged yet: clocks settle first.",
  },
];

/** Said of alignment when there is nobody to be judged. */
export const NOBODY_READS = "Nobody reads aligned: start the demo with --mix.";
const BOUND = "bound";
/** A reader of whom nothing was judged for so long has no error at present, ms. */
const STALE_MS = 5_000;

/** Follows tables: what of them goes into the history. */
export class TableValues {
  readonly #judged = new Map<string, { sets: number; atMs: number }>();

  /** The values of one table by name of series. */
  take({ rows, alignments, elapsedMs }: Table): Map<string, number> {
    const values = new Map<string, number>();
    for (const { from, to, packets, bufferDelayMs, driftPpm } of rows) {
      if (packets > 0) values.set(seriesName("buffer", from, to), bufferDelayMs);
      values.set(seriesName("drift", from, to), knownDrift(driftPpm) ?? NaN);
    }
    const bounds: number[] = [];
    for (const { peerId, sets, errorMsP95, boundMsP95 } of alignments) {
      if (!this.#isFresh(peerId, sets, elapsedMs)) continue;
      if (errorMsP95 !== null) values.set(seriesName("alignment", peerId), errorMsP95);
      if (boundMsP95 !== null) bounds.push(boundMsP95);
    }
    if (bounds.length > 0) values.set(seriesName("alignment", ""), Math.max(...bounds));
    for (const peerId of this.#judged.keys()) {
      if (!alignments.some((row) => row.peerId === peerId)) this.#judged.delete(peerId);
    }
    return values;
  }

  /** Whether more sets have been judged within the last seconds. */
  #isFresh(peerId: string, sets: number, nowMs: number): boolean {
    const known = this.#judged.get(peerId);
    if (known === undefined || known.sets !== sets || nowMs < known.atMs) {
      this.#judged.set(peerId, { sets, atMs: nowMs });
      return sets > 0;
    }
    return sets > 0 && nowMs - known.atMs <= STALE_MS;
  }
}

/** A drift that has been estimated: until then the library says 0, which no estimate ever is exactly. */
export function knownDrift(driftPpm: number | null): number | undefined {
  return driftPpm === null || driftPpm === 0 ? undefined : driftPpm;
}

/** Everybody who hears somebody, in the order of the table. */
export function listenersOf({ rows }: Table): string[] {
  return [...new Set(rows.map(({ to }) => to))];
}

/** Whose reception is shown unless somebody chooses: the first who mixes, else the first who hears somebody. */
export function defaultListener(table: Table): string | undefined {
  return table.alignments[0]?.peerId ?? listenersOf(table)[0];
}

/**
 * The lines of a plot.
 *
 * @param listener whose reception is shown; alignment is shown of everybody who reads aligned
 */
export function linesOf(history: History, panel: Panel, listener: string): ChartLine[] {
  return history.names
    .map((series) => ({ series, place: placeOf(series) }))
    .filter(({ place: { id, to } }) => id === panel.id && (id === "alignment" || to === listener))
    .map(({ series, place: { from } }) => {
      const isBound = from === "";
      const name = isBound ? BOUND : from;
      const points = history.points(series);
      return { name, isBound, points, label: `${name} ${numberText(lastOf(points)?.value, panel.digits)}` };
    })
    .sort((a, b) => Number(a.isBound) - Number(b.isBound) || (a.name < b.name ? -1 : 1));
}

/**
 * What a plot says, in words, for who cannot see it.
 *
 * @param nowMs ms of the run; values older than some seconds are not those of now
 */
export function describe(panel: Panel, lines: readonly ChartLine[], listener: string, nowMs: number): string {
  const whose =
    panel.id === "alignment" ? "of everybody who reads aligned" : `as ${listener} hears the others`;
  const now = lines.flatMap(({ name, points }) => {
    const last = lastOf(points);
    if (last === undefined || nowMs - last.atMs > STALE_MS) return [];
    return [`${name} ${numberText(last.value, panel.digits)} ${panel.unit}`];
  });
  const values = now.length === 0 ? panel.nothing : `Now: ${now.join(", ")}.`;
  return `${panel.subject} ${whose}. ${values}`;
}

/** A value as people read it, with a true minus. */
export function numberText(value: number | undefined, digits: number): string {
  if (value === undefined) return "–";
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? (0).toFixed(digits) : text).replace("-", "−");
}

/** Ids hold no blanks. @param from empty: the bound, for nobody has an empty id */
function seriesName(id: PanelId, from: string, to = ""): string {
  return `${id} ${from} ${to}`;
}

function placeOf(series: string): { id: string; from: string; to: string } {
  const [id = "", from = "", to = ""] = series.split(" ");
  return { id, from, to };
}
