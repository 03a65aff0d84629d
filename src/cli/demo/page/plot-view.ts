// Draws one plot into its figure: takes lines, changes elements. Everything of a drawing is replaced in one go, so that
// nothing flickers.
import { layOut } from "./chart.ts";
import type { Chart, ChartLine, ChartShape } from "./chart.ts";

const SVG = "http://www.w3.org/2000/svg";
/** Pixels; the same on every screen, so that lines of several plots compare. */
const HEIGHT = 210;
/** Colors of style.css; further lines are dashed in the same colors, then dotted. */
const COLORS = 6;
const DASHES = ["", "dashed", "dotted"];

/** What is drawn. */
export interface PlotContent {
  readonly lines: readonly ChartLine[];
  /** Ms of the run: the right edge. */
  readonly nowMs: number;
  readonly spanMs: number;
  readonly least: readonly [low: number, high: number];
  /** The same in words. */
  readonly text: string;
  /** Said instead of a drawing while there is nothing to draw. */
  readonly nothing: string;
}

/** See the header. */
export class PlotView {
  readonly #svg = svg("svg", { role: "img", height: String(HEIGHT) });
  readonly #nothing = document.createElement("p");
  readonly #colorOf: (name: string) => number;
  #content: PlotContent | undefined;

  /** @param colorOf number of a line's color, from 0; the same in all plots */
  constructor(figure: HTMLElement, colorOf: (name: string) => number) {
    this.#colorOf = colorOf;
    this.#nothing.className = "nothing quiet";
    figure.append(this.#svg, this.#nothing);
    new ResizeObserver(() => this.#draw()).observe(figure);
  }

  /** Show this from now on. */
  show(content: PlotContent): void {
    this.#content = content;
    this.#draw();
  }

  #draw(): void {
    const { clientWidth: width } = this.#svg.parentElement ?? this.#svg;
    if (this.#content === undefined || width === 0) return;
    const { lines, nowMs, spanMs, least, text, nothing } = this.#content;
    this.#svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    this.#svg.setAttribute("width", String(width));
    this.#svg.setAttribute("aria-label", text);
    this.#nothing.textContent = nothing;
    this.#nothing.hidden = lines.length > 0;
    const chart = layOut({ lines, width, height: HEIGHT, nowMs, spanMs, least });
    this.#svg.replaceChildren(...axes(chart), ...chart.shapes.flatMap((shape) => this.#shape(shape)));
  }

  #shape({ name, isBound, path, label }: ChartShape): SVGElement[] {
    const color = isBound ? "bound" : colorClass(this.#colorOf(name));
    const line = svg("path", { class: `line ${color}`, d: path });
    if (label === undefined) return [line];
    const leader = svg("path", { class: `leader ${color}`, d: label.leader });
    const text = svg("text", { class: color, x: label.x, y: label.y, dy: "0.34em" });
    text.textContent = label.text;
    return [line, leader, text];
  }
}

function axes({ left, right, bottom, yTicks, xTicks }: Chart): SVGElement[] {
  const ticks = yTicks.flatMap(({ x, y, text }) => [
    svg("path", { class: "grid", d: `M${left} ${y}H${right}` }),
    word(text, { x, y, dy: "0.34em", "text-anchor": "end" }),
  ]);
  const times = xTicks.flatMap(({ x, y, text }) => [
    svg("path", { class: "axis", d: `M${x} ${y}v4` }),
    word(text, { x, y: y + 17, "text-anchor": "middle" }),
  ]);
  return [...ticks, svg("path", { class: "axis", d: `M${left} ${bottom}H${right}` }), ...times];
}

function word(text: string, attributes: Record<string, string | number>): SVGElement {
  const element = svg("text", attributes);
  element.textContent = text;
  return element;
}

function colorClass(index: number): string {
  const dash = DASHES[Math.floor(index / COLORS) % DASHES.length];
  return `color-${index % COLORS} ${dash ?? ""}`.trim();
}

function svg(name: string, attributes: Record<string, string | number>): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}
