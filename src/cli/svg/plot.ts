// Plots as SVG text: panels of lines and marks over a common kind of axis, in colors for light and dark. No dependencies,
// no scripts inside. Pure.
import { thinned } from "./thin.ts";
import type { Place } from "./thin.ts";
import { niceAxis } from "./ticks.ts";
import type { Axis } from "./ticks.ts";

/** A place in a panel, in the units of its axes. */
export interface PlotPoint {
  readonly x: number;
  readonly y: number;
}

/** Told apart by the color-blind too (after Okabe and Ito), each with its shade for dark ground. */
const COLORS = {
  blue: { light: "#0072b2", dark: "#56b4e9" },
  orange: { light: "#d55e00", dark: "#ff9a56" },
  green: { light: "#008060", dark: "#3ecfa0" },
  purple: { light: "#a04f83", dark: "#e29cc6" },
  olive: { light: "#7a6a00", dark: "#e3d04b" },
  red: { light: "#c0202a", dark: "#ff6b6b" },
  gray: { light: "#9aa4af", dark: "#5d6773" },
} as const;
const COLOR_NAMES = Object.keys(COLORS) as readonly PlotColor[];

/** Colors of series. */
export type PlotColor = keyof typeof COLORS;

/** What is drawn under one name. */
export interface PlotSeries {
  readonly name: string;
  /** Default: the colors in turn. */
  readonly color?: PlotColor;
  /** Lines only: for what may lie on another line. */
  readonly dashed?: boolean;
  /** `line` joins the points, `steps` keeps each value until the next, `dots` and `crosses` mark them. */
  readonly style: "line" | "steps" | "dots" | "crosses";
  /** Lines: x rising. A point whose y is no finite number interrupts the line. */
  readonly points: readonly PlotPoint[];
}

/** One pair of axes. */
export interface PlotPanel {
  readonly title?: string;
  /** With its unit: "time (s)". */
  readonly xLabel: string;
  readonly yLabel: string;
  /** What the horizontal axis shows at least. */
  readonly xRange?: readonly [low: number, high: number];
  /** Drawn in this order, later ones on top. */
  readonly series: readonly PlotSeries[];
}

/** A drawing: panels one below the other. */
export interface Plot {
  readonly title: string;
  readonly subtitle?: string;
  readonly panels: readonly PlotPanel[];
  /** Pixels. Default 960. */
  readonly width?: number;
  /** Pixels of one panel, axes included. Default 300. */
  readonly panelHeight?: number;
}

const DEFAULT_WIDTH = 960;
const DEFAULT_PANEL_HEIGHT = 300;
const HEAD = 56;
const MARGIN = { left: 64, right: 24, top: 36, bottom: 48 };
const X_TICK_PIXELS = 90;
const Y_TICK_PIXELS = 36;
const CROSS_RADIUS = 3.5;
/** Free space above the highest point, as a share of the range: a line along the upper edge is hard to see. */
const HEADROOM = 0.05;
const LEGEND_SAMPLE = 22;
const LEGEND_GAP = 18;
/** Mean width of a character at the size of the legend, in pixels; names are placed by it. */
const CHARACTER_WIDTH = 6.6;
const TITLE_CHARACTER_WIDTH = 8;

const STYLE = `
svg { --ground: #ffffff; --ink: #1f2328; --quiet: #59636e; --grid: #e4e8ec; ${colorVariables("light")} }
@media (prefers-color-scheme: dark) {
  svg { --ground: #0d1117; --ink: #e6edf3; --quiet: #9198a1; --grid: #262c36; ${colorVariables("dark")} }
}
text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: var(--quiet); }
.title { font-size: 17px; font-weight: 600; fill: var(--ink); }
.panel-title { font-size: 13px; font-weight: 600; fill: var(--ink); }
.legend { fill: var(--ink); }
.grid { stroke: var(--grid); }
.axis { stroke: var(--quiet); }
.line { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
.dashed { stroke-dasharray: 6 4; }
.crosses { fill: none; stroke-width: 1.8; }
.dots { fill: none; stroke-width: 2.8; stroke-linecap: round; }
`;

/** The drawing as the text of an SVG file. All names are escaped; its size is bounded by the pixels, not the points. */
export function plotSvg(plot: Plot): string {
  const { title, subtitle, panels, width = DEFAULT_WIDTH, panelHeight = DEFAULT_PANEL_HEIGHT } = plot;
  const height = HEAD + panels.length * panelHeight;
  const parts = panels.map((panel, i) => new Panel(panel, width, panelHeight, HEAD + i * panelHeight).draw());
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeXml(title)}">`,
    `<title>${escapeXml(title)}</title>`,
    `<style>${STYLE}</style>`,
    `<rect width="${width}" height="${height}" fill="var(--ground)"/>`,
    `<text class="title" x="${MARGIN.left}" y="28">${escapeXml(title)}</text>`,
    subtitle === undefined ? "" : `<text x="${MARGIN.left}" y="47">${escapeXml(subtitle)}</text>`,
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

/** Draws one pair of axes and what is in it. */
class Panel {
  readonly #panel: PlotPanel;
  readonly #left = MARGIN.left;
  readonly #right: number;
  readonly #top: number;
  readonly #bottom: number;
  readonly #x: Axis;
  readonly #y: Axis;

  constructor(panel: PlotPanel, width: number, height: number, top: number) {
    this.#panel = panel;
    this.#right = width - MARGIN.right;
    this.#top = top + MARGIN.top;
    this.#bottom = top + height - MARGIN.bottom;
    const points = panel.series.flatMap(({ points }) => points.filter(isDrawn));
    const [xLow, xHigh] = rangeOf([...points, ...(panel.xRange ?? []).map((x) => ({ x, y: 0 }))], "x");
    const [yLow, yHigh] = rangeOf(points, "y");
    this.#x = niceAxis(xLow, xHigh, (this.#right - this.#left) / X_TICK_PIXELS, false);
    // Delays, losses and the like are read against zero.
    this.#y = niceAxis(
      Math.min(0, yLow),
      yHigh + HEADROOM * (yHigh - Math.min(0, yLow)),
      (this.#bottom - this.#top) / Y_TICK_PIXELS,
      true,
    );
  }

  draw(): string {
    const { title = "", series } = this.#panel;
    const { legend, left } = this.#legend();
    const room = Math.max(0, Math.floor((left - this.#left) / TITLE_CHARACTER_WIDTH));
    const shown = title.length > room ? `${title.slice(0, Math.max(0, room - 1))}…` : title;
    return [
      ...this.#axes(),
      `<text class="panel-title" x="${this.#left}" y="${this.#top - 12}">${escapeXml(shown)}</text>`,
      ...series.map((one, i) => this.#series(one, colorOf(one, i))),
      legend,
    ].join("\n");
  }

  #axes(): string[] {
    const { xLabel, yLabel } = this.#panel;
    const [left, right, top, bottom] = [this.#left, this.#right, this.#top, this.#bottom];
    const middle = (top + bottom) / 2;
    return [
      ...this.#y.ticks.map(({ value, label }) => {
        const y = pixel(this.#atY(value));
        return `<path class="grid" d="M${left} ${y}H${right}"/><text x="${left - 8}" y="${y}" dy="4" text-anchor="end">${label}</text>`;
      }),
      ...this.#x.ticks.map(({ value, label }) => {
        const x = pixel(this.#atX(value));
        return `<path class="axis" d="M${x} ${bottom}v5"/><text x="${x}" y="${bottom + 19}" text-anchor="middle">${label}</text>`;
      }),
      `<path class="axis" d="M${left} ${bottom}H${right}"/>`,
      `<text x="${pixel((left + right) / 2)}" y="${bottom + 37}" text-anchor="middle">${escapeXml(xLabel)}</text>`,
      `<text transform="translate(${left - 46} ${pixel(middle)}) rotate(-90)" text-anchor="middle">${escapeXml(yLabel)}</text>`,
    ];
  }

  #series(series: PlotSeries, color: string): string {
    const places = series.points.map((point) => ({
      x: this.#atX(point.x),
      y: this.#atY(point.y),
      drawn: isDrawn(point),
    }));
    return pathOf(
      series,
      color,
      isLine(series) ? linePath(thinned(places), series.style) : marksPath(places, series.style),
    );
  }

  /** In the line of the title, from the right; `left` is where it begins. */
  #legend(): { legend: string; left: number } {
    const parts: string[] = [];
    let right = this.#right;
    const y = this.#top - 16;
    for (const [i, series] of [...this.#panel.series.entries()].reverse()) {
      const textX = right - series.name.length * CHARACTER_WIDTH;
      const sampleX = textX - LEGEND_SAMPLE - 6;
      const middle = { x: sampleX + LEGEND_SAMPLE / 2 + 4, y, drawn: true };
      const sample = isLine(series)
        ? `M${pixel(sampleX)} ${y}h${LEGEND_SAMPLE}`
        : marksPath([middle], series.style);
      parts.push(
        pathOf(series, colorOf(series, i), sample),
        `<text class="legend" x="${pixel(textX)}" y="${y + 4}">${escapeXml(series.name)}</text>`,
      );
      right = sampleX - LEGEND_GAP;
    }
    return { legend: parts.join(""), left: right };
  }

  #atX(value: number): number {
    return this.#left + ((value - this.#x.low) / (this.#x.high - this.#x.low)) * (this.#right - this.#left);
  }

  #atY(value: number): number {
    return this.#bottom - ((value - this.#y.low) / (this.#y.high - this.#y.low)) * (this.#bottom - this.#top);
  }
}

function isDrawn({ x, y }: PlotPoint): boolean {
  return Number.isFinite(x) && Number.isFinite(y);
}

/** Smallest and largest of one coordinate; 0 and 1 of nothing. Arguments of Math.min are too few for long traces. */
function rangeOf(points: readonly PlotPoint[], axis: "x" | "y"): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const point of points) {
    low = Math.min(low, point[axis]);
    high = Math.max(high, point[axis]);
  }
  return low <= high ? [low, high] : [0, 1];
}

function isLine({ style }: PlotSeries): boolean {
  return style === "line" || style === "steps";
}

function linePath(places: readonly Place[], style: PlotSeries["style"]): string {
  let path = "";
  let joined = false;
  for (const [i, { x, y, drawn }] of places.entries()) {
    // In the middle of a level stretch a point adds nothing.
    if (drawn && joined && isLevel(places[i - 1], y) && isLevel(places[i + 1], y)) continue;
    if (drawn) {
      if (!joined) path += `M${pixel(x)} ${pixel(y)}`;
      else path += style === "steps" ? `H${pixel(x)}V${pixel(y)}` : `L${pixel(x)} ${pixel(y)}`;
    }
    joined = drawn;
  }
  return path;
}

function isLevel(place: Place | undefined, y: number): boolean {
  return place?.drawn === true && pixel(place.y) === pixel(y);
}

/** Marks that fall on one pixel are one mark. A dot is a line of no length with round ends. */
function marksPath(places: readonly Place[], style: PlotSeries["style"]): string {
  const r = CROSS_RADIUS;
  const mark = style === "dots" ? "h0" : `m${-r} ${-r}l${2 * r} ${2 * r}m0 ${-2 * r}l${-2 * r} ${2 * r}`;
  const drawn = places.filter(({ drawn }) => drawn);
  const spots = new Set(drawn.map(({ x, y }) => `M${Math.round(x)} ${Math.round(y)}${mark}`));
  return [...spots].join("");
}

function pathOf({ style, dashed }: PlotSeries, color: string, path: string): string {
  const name = style === "dots" || style === "crosses" ? style : dashed === true ? "line dashed" : "line";
  return path === "" ? "" : `<path class="${name}" stroke="${color}" d="${path}"/>`;
}

function colorOf({ color }: PlotSeries, index: number): string {
  return `var(--${color ?? COLOR_NAMES[index % COLOR_NAMES.length] ?? "blue"})`;
}

function colorVariables(shade: "light" | "dark"): string {
  return COLOR_NAMES.map((name) => `--${name}: ${COLORS[name][shade]};`).join(" ");
}

/** A tenth of a pixel is finer than anybody sees. */
function pixel(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escapeXml(text: string): string {
  // Control characters have no place in XML at all, escaped or not.
  return [...text]
    .filter((char) => char >= " " && !/[\ufffe\uffff\ud800-\udfff]/.test(char.length === 1 ? char : ""))
    .join("")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
