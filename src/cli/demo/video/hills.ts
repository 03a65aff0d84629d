// A range of hills that passes by: a ridge line and the grain of its slope, drawn once and then moved by parts of a
// pixel. Pure and seeded.
import type { I420Picture } from "../../../platform/video-codecs.ts";
import { FractalNoise, NoiseField } from "./noise.ts";
import { chromaSize, smoothStep } from "./picture.ts";
import type { Color } from "./picture.ts";

/** How one range looks; lengths in parts of the picture's height. */
export interface HillStyle {
  color: Color;
  /** What the foot of the hills fades to, and how much of it: 0 to 1. */
  haze: Color;
  hazeShare: number;
  /** Height of the ridge line above the horizon, on average, and how far it departs from that. */
  rise: number;
  swing: number;
  /** From peak to peak, about. */
  stretch: number;
  /** Height of the trees on the ridge; 0: none. */
  trees: number;
  /** Strength of the grain, in luma. */
  grain: number;
}

/** Repeats after so many widths of the picture: what leaves on one side does not enter on the other. */
const PERIOD_WIDTHS = 1.5;

/** One range, for pictures of one size. */
export class Hills {
  readonly #width: number;
  readonly #horizon: number;
  readonly #color: Color;
  readonly #haze: Color;
  readonly #hazeShare: number;
  readonly #period: number;
  /** Length of a row of the texture: a period, and as much as a picture can see beyond. */
  readonly #stride: number;
  readonly #firstRow: number;
  /** Row of the ridge at each column. */
  readonly #ridge: Float32Array;
  readonly #texture: Uint8Array;
  /** The ridge where it is now, and the lowest row of it. */
  readonly #tops: Float32Array;
  #lowestTop = 0;

  /** @param horizon row at which the land ends, px */
  constructor(random: () => number, width: number, height: number, horizon: number, style: HillStyle) {
    this.#width = width;
    this.#horizon = horizon;
    this.#color = style.color;
    this.#haze = style.haze;
    this.#hazeShare = style.hazeShare;
    this.#period = Math.round(PERIOD_WIDTHS * width);
    this.#stride = this.#period + width + 2;
    this.#tops = new Float32Array(width);
    const ground = ridgeLine(random, this.#period, height, horizon, style);
    const tops = style.trees > 0 ? withTrees(random, ground, style.trees * height) : ground;
    this.#firstRow = Math.max(0, Math.floor(Math.min(...tops)));
    this.#ridge = Float32Array.from({ length: this.#stride }, (_, x) => tops[x % this.#period] as number);
    this.#texture = this.#drawTexture(random, height, style, ground);
  }

  /** Draw it over a picture. @param passed how far it has moved to the left, in pixels; from 0 on */
  draw(picture: I420Picture, passed: number): void {
    const offset = passed % this.#period;
    const first = Math.floor(offset);
    const part = offset - first;
    this.#lowestTop = 0;
    for (let x = 0; x < this.#width; x++) {
      const left = this.#ridge[first + x] as number;
      const top = left + ((this.#ridge[first + x + 1] as number) - left) * part;
      this.#tops[x] = top;
      if (top > this.#lowestTop) this.#lowestTop = top;
    }
    this.#drawLuma(picture.planes[0], first, Math.round(part * 256));
    this.#drawChroma(picture.planes[1], this.#color.u, this.#haze.u);
    this.#drawChroma(picture.planes[2], this.#color.v, this.#haze.v);
  }

  /** @param part of a pixel that it has moved further, of 256 */
  #drawLuma(luma: Uint8Array, first: number, part: number): void {
    const width = this.#width;
    const tops = this.#tops;
    const texture = this.#texture;
    for (let y = this.#firstRow; y < this.#horizon; y++) {
      const whole = y >= this.#lowestTop;
      const from = (y - this.#firstRow) * this.#stride + first;
      for (let x = 0, at = y * width; x < width; x++, at++) {
        // How much of the pixel the hill covers.
        const covered = whole ? 1 : y + 1 - (tops[x] as number);
        if (covered <= 0) continue;
        const left = texture[from + x] as number;
        const value = left + ((((texture[from + x + 1] as number) - left) * part + 128) >> 8);
        luma[at] = covered >= 1 ? value : blend(luma[at] as number, value, covered);
      }
    }
  }

  #drawChroma(plane: Uint8Array, value: number, haze: number): void {
    const small = chromaSize(this.#width);
    for (let y = this.#firstRow >> 1; 2 * y < this.#horizon; y++) {
      const share = this.#hazeAt(2 * y + 1);
      const level = value + (haze - value) * share + 0.5;
      for (let x = 0, at = y * small; x < small; x++, at++) {
        if (2 * y + 1 >= (this.#tops[2 * x] as number)) plane[at] = level;
      }
    }
  }

  #drawTexture(random: () => number, height: number, style: HillStyle, ground: Float32Array): Uint8Array {
    const { grain, trees } = style;
    const period = this.#period;
    const rows = Math.max(0, this.#horizon - this.#firstRow);
    const texture = new Uint8Array(rows * this.#stride);
    // Grain as wide as it is high, twelve cells to the picture's height, in three sizes.
    const cells = Math.max(1, Math.round((24 * period) / height));
    const noise = new FractalNoise(random, cells, 16, 3);
    for (let row = 0; row < rows; row++) {
      const y = this.#firstRow + row;
      const share = this.#hazeAt(y);
      const level = this.#color.y + (this.#haze.y - this.#color.y) * share;
      const strength = 2 * grain * (1 - share);
      const down = (40 * y) / height;
      for (let x = 0; x < period; x++) {
        const depth = (y - (this.#ridge[x] as number)) / height;
        const below = (y - (ground[x] as number)) / height;
        // Light falls on the ridge, and on slopes and the sides of trees that face the sun.
        const slope =
          slopeAt(ground, x) * smoothStep(0.12, 0, below) +
          0.7 * slopeAt(this.#ridge, x) * smoothStep(0.7 * trees, 0, depth);
        const light = 0.8 * smoothStep(0.05, 0, depth) + 0.6 * slope;
        const value = level + strength * noise.at((x * cells) / period, down) + grain * light;
        texture[row * this.#stride + x] = Math.max(16, Math.min(235, value + 0.5));
      }
      const start = row * this.#stride;
      texture.copyWithin(start + period, start, start + this.#stride - period);
    }
    return texture;
  }

  #hazeAt(y: number): number {
    const reach = Math.max(1, this.#horizon - this.#firstRow);
    return this.#hazeShare * smoothStep(0, 1, (y - this.#firstRow) / reach);
  }
}

/** How steeply a line falls to the right: -1 to 1. */
function slopeAt(line: Float32Array, x: number): number {
  const next = line[x + 1 < line.length ? x + 1 : 0] as number;
  return Math.max(-1, Math.min(1, next - (line[x] as number)));
}

function blend(old: number, value: number, share: number): number {
  return old + (value - old) * share + 0.5;
}

/** Row of the ground at each column of a period. */
function ridgeLine(
  random: () => number,
  period: number,
  height: number,
  horizon: number,
  { rise, swing, stretch }: HillStyle,
): Float32Array {
  const peaks = Math.max(2, Math.round(period / (stretch * height)));
  const noise = new FractalNoise(random, peaks, 1, 5);
  return Float32Array.from({ length: period }, (_, x) => {
    const up = rise + 1.6 * swing * noise.at((x * peaks) / period, 0);
    return horizon - Math.max(0.01, up) * height;
  });
}

/** The same with pines: narrow cones whose branches step outwards on the way down. */
function withTrees(random: () => number, ground: Float32Array, tallest: number): Float32Array {
  const tops = ground.slice();
  const groves = new NoiseField(random, Math.max(2, Math.round(ground.length / (5 * tallest))), 1);
  const step = tallest * 0.24;
  const trees = Math.floor(ground.length / step);
  for (let tree = 0; tree < trees; tree++) {
    const middle = Math.floor((tree + random()) * step);
    const dense = groves.at((middle * 5) / (5 * tallest), 0);
    const tall = tallest * (0.35 + 0.65 * random()) * smoothStep(-0.35, 0.25, dense);
    if (tall < 0.2 * tallest) continue;
    const half = tall * 0.22;
    for (let x = Math.ceil(-half); x <= half; x++) {
      const at = (middle + x + ground.length) % ground.length;
      const out = Math.abs(x) / half;
      const branches = out + 0.09 * Math.sin(out * 22);
      tops[at] = Math.min(tops[at] as number, (ground[at] as number) - tall * (1 - branches));
    }
  }
  return tops;
}
