// Letters drawn as strokes with round ends, at any height, without a font of the system: the same picture everywhere.
import type { I420Picture } from "../../../platform/video-codecs.ts";
import { chromaSize } from "./picture.ts";

/** Strokes on a grid of 4 by 6: each a row of points, each point two digits, x and y from the top left. */
const STROKES: Readonly<Record<string, string>> = {
  A: "0602204246 0444",
  B: "06003041423303 3344453606",
  C: "4130100105163645",
  D: "06003041453606",
  E: "40000646 0333",
  F: "400006 0333",
  G: "41301001051636454323",
  H: "0006 4046 0343",
  I: "1030 2026 1636",
  J: "4045361605",
  K: "0006 400346",
  L: "000646",
  M: "0600234046",
  N: "06004640",
  O: "100105163645413010",
  P: "06003041423303",
  Q: "100105163645413010 2446",
  R: "06003041423303 2346",
  S: "413010010213334445361605",
  T: "0040 2026",
  U: "000516364540",
  V: "002640",
  W: "0016233640",
  X: "0046 4006",
  Y: "002340 2326",
  Z: "00400646",
  "0": "100105163645413010",
  "1": "112026 1636",
  "2": "01103041420646",
  "3": "0110304142334445361605 1333",
  "4": "36300444",
  "5": "400003334445361605",
  "6": "4130100105163645443303",
  "7": "004016",
  "8": "100102133342413010 1304051636454433",
  "9": "0516364541301001021343",
  "-": "1333",
  _: "0646",
  ".": "2626",
  ":": "2222 2525",
  " ": "",
};
/** In place of a character that has no strokes. */
const UNKNOWN = "1030361610";
/** Chroma without color. */
const GRAY = 128;

/** Height of the grid, and from one character to the next beside its strokes, in steps of the grid. */
const GRID_HEIGHT = 6;
const GAP = 2.2;
const SPACE = 1.5;
/** Thickness of the strokes, in steps. */
const STROKE = 1.05;

interface Glyph {
  width: number;
  height: number;
  /** Coverage, 0 to 1, row by row; begins `margin` pixels left of and above the strokes. */
  coverage: Float32Array;
  advance: number;
}

interface Segment {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

/** Letters of one height. */
export class Lettering {
  readonly #step: number;
  readonly #margin: number;
  readonly #glyphs = new Map<string, Glyph>();

  /** @param capHeight of capitals and digits, in pixels; small letters are drawn as capitals */
  constructor(capHeight: number) {
    this.#step = capHeight / (GRID_HEIGHT + STROKE);
    this.#margin = Math.ceil(this.#step * STROKE);
  }

  /** Width of a line, in pixels. */
  measure(text: string): number {
    let width = 0;
    for (const character of text) width += this.#glyph(character).advance;
    return Math.max(0, width - (GAP - STROKE) * this.#step);
  }

  /** Write on a picture, in gray. `x` and `y` are the top left of the capitals, `level` 16 to 235. */
  write(picture: I420Picture, text: string, x: number, y: number, level: number): void {
    let at = x;
    for (const character of text) {
      const glyph = this.#glyph(character);
      stamp(picture, glyph, Math.round(at) - this.#margin, Math.round(y) - this.#margin, level);
      at += glyph.advance;
    }
  }

  #glyph(character: string): Glyph {
    const capital = character.toUpperCase();
    const known = this.#glyphs.get(capital);
    if (known !== undefined) return known;
    const made = this.#draw(STROKES[capital] ?? UNKNOWN, /\d/.test(capital));
    // A name of many strange letters draws the same sign again and again, and need not be remembered.
    if (STROKES[capital] !== undefined) this.#glyphs.set(capital, made);
    return made;
  }

  /** @param fixed it takes the whole grid, so that a running clock stands still */
  #draw(strokes: string, fixed: boolean): Glyph {
    const step = this.#step;
    const segments = strokes.split(" ").flatMap(segmentsOf);
    const left = fixed ? 0 : Math.min(4, ...segments.map(({ x0, x1 }) => Math.min(x0, x1)));
    const right = fixed ? 4 : Math.max(left, ...segments.map(({ x0, x1 }) => Math.max(x0, x1)));
    const advance = (strokes === "" ? SPACE + GAP / 2 : right - left + GAP) * step;
    const width = Math.ceil((right - left + STROKE) * step) + 2 * this.#margin;
    const height = Math.ceil((GRID_HEIGHT + STROKE) * step) + 2 * this.#margin;
    const coverage = new Float32Array(width * height);
    const half = STROKE / 2;
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const x = (column + 0.5 - this.#margin) / step - half + left;
        const y = (row + 0.5 - this.#margin) / step - half;
        const nearest = Math.min(Infinity, ...segments.map((segment) => distance(segment, x, y)));
        coverage[row * width + column] = Math.max(0, Math.min(1, (half - nearest) * step + 0.5));
      }
    }
    return { width, height, coverage, advance };
  }
}

function segmentsOf(stroke: string): Segment[] {
  const segments: Segment[] = [];
  for (let i = 0; i + 3 < stroke.length; i += 2) {
    const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = Array.from(stroke.slice(i, i + 4), Number);
    segments.push({ x0, y0, x1, y1 });
  }
  return segments;
}

/** From a point to a segment. */
function distance({ x0, y0, x1, y1 }: Segment, x: number, y: number): number {
  const length = (x1 - x0) ** 2 + (y1 - y0) ** 2;
  const along = length === 0 ? 0 : ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length;
  const share = Math.max(0, Math.min(1, along));
  return Math.hypot(x - x0 - share * (x1 - x0), y - y0 - share * (y1 - y0));
}

function stamp(picture: I420Picture, glyph: Glyph, left: number, top: number, level: number): void {
  const { width, height, planes } = picture;
  const small = chromaSize(width);
  for (let row = Math.max(0, -top); row < Math.min(glyph.height, height - top); row++) {
    for (let column = Math.max(0, -left); column < Math.min(glyph.width, width - left); column++) {
      const share = glyph.coverage[row * glyph.width + column] as number;
      if (share === 0) continue;
      const x = left + column;
      const y = top + row;
      cover(planes[0], y * width + x, level, share);
      // Each of the four pixels of a sample of chroma takes its part of the color away.
      cover(planes[1], (y >> 1) * small + (x >> 1), GRAY, share / 3);
      cover(planes[2], (y >> 1) * small + (x >> 1), GRAY, share / 3);
    }
  }
}

function cover(plane: Uint8Array, at: number, value: number, share: number): void {
  const old = plane[at] as number;
  plane[at] = old + (value - old) * share + 0.5;
}
