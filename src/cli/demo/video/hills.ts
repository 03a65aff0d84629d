// A range of hills: a ridge line and the grain of its slope, drawn once. Pure and seeded.
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

/** One range, for pictures of one size. */
export class Hills {
  readonly #width: number;
  readonly #horizon: number;
  readonly #color: Color;
  readonly #haze: Color;
  readonly #hazeShare: number;
  readonly #firstRow: number;
  /** Row of the ridge at each column, and the lowest of them. */
  readonly #tops: Float32Array;
  readonly #lowestTop: number;
  readonly #texture: Uint8Array;

  /** @param horizon row at which the land ends, px */
  constructor(random: () => number, width: number, height: number, horizon: number, style: HillStyle) {
    this.#width = width;
    this.#horizon = horizon;
    this.#color = style.color;
    this.#haze = style.haze;
    this.#hazeShare = style.hazeShare;
    const ground = ridgeLine(random, width, height, horizon, style);
    this.#tops = style.trees > 0 ? withTrees(random, ground, style.trees * height) : ground;
    this.#firstRow = Math.max(0, Math.floor(Math.min(...this.#tops)));
    this.#lowestTop = Math.max(...this.#tops);
    this.#texture = this.#drawTexture(random, height, style, ground);
  }

  /** Draw it over a picture. */
  draw(picture: I420Picture): void {
    this.#drawLuma(picture.planes[0]);
    this.#drawChroma(picture.planes[1], this.#color.u, this.#haze.u);
    this.#drawChroma(picture.planes[2], this.#color.v, this.#haze.v);
  }

  #drawLuma(luma: Uint8Array): void {
    const width = this.#width;
    const tops = this.#tops;
    for (let y = this.#firstRow; y < this.#horizon; y++) {
      const from = (y - this.#firstRow) * width;
      const row = this.#texture.subarray(from, from + width);
      if (y >= this.#lowestTop) {
        luma.set(row, y * width);
        continue;
      }
      for (let x = 0, at = y * width; x < width; x++, at++) {
        // How much of the pixel the hill covers.
        const covered = y + 1 - (tops[x] as number);
        if (covered <= 0) continue;
        const value = row[x] as number;
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
    const width = this.#width;
    const rows = Math.max(0, this.#horizon - this.#firstRow);
    const texture = new Uint8Array(rows * width);
    // Grain as wide as it is high, twelve cells to the picture's height, in three sizes.
    const cells = Math.max(1, Math.round((24 * width) / height));
    const noise = new FractalNoise(random, cells, 16, 3);
    for (let row = 0; row < rows; row++) {
      const y = this.#firstRow + row;
      const share = this.#hazeAt(y);
      const level = this.#color.y + (this.#haze.y - this.#color.y) * share;
      const strength = 2 * grain * (1 - share);
      const down = (40 * y) / height;
      for (let x = 0; x < width; x++) {
        const depth = (y - (this.#tops[x] as number)) / height;
        const below = (y - (ground[x] as number)) / height;
        // Light falls on the ridge, and on slopes and the sides of trees that face the sun.
        const slope =
          slopeAt(ground, x) * smoothStep(0.12, 0, below) +
          0.7 * slopeAt(this.#tops, x) * smoothStep(0.7 * trees, 0, depth);
        const light = 0.8 * smoothStep(0.05, 0, depth) + 0.6 * slope;
        const value = level + strength * noise.at((x * cells) / width, down) + grain * light;
        texture[row * width + x] = Math.max(16, Math.min(235, value + 0.5));
      }
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

/** Row of the ground at each column. */
function ridgeLine(
  random: () => number,
  width: number,
  height: number,
  horizon: number,
  { rise, swing, stretch }: HillStyle,
): Float32Array {
  const peaks = Math.max(2, Math.round(width / (stretch * height)));
  const noise = new FractalNoise(random, peaks, 1, 5);
  return Float32Array.from({ length: width }, (_, x) => {
    const up = rise + 1.6 * swing * noise.at((x * peaks) / width, 0);
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
