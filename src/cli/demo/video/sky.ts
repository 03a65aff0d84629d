// The sky over a landscape: a glow around a low sun, and clouds that drift. Pure and seeded.
import type { I420Picture } from "../../../platform/video-codecs.ts";
import { FractalNoise } from "./noise.ts";
import type { Palette } from "./palette.ts";
import { chromaSize, mixColors, smoothStep } from "./picture.ts";
import type { Color } from "./picture.ts";

/** Where the sun stands, as parts of width and height, and its radius as a part of the height. */
export const SUN = { x: 0.69, y: 0.44, radius: 0.062 } as const;
/** The clouds repeat after so many widths. */
const PERIOD_WIDTHS = 1.5;
/** Largest part of the sky's color that a cloud hides, of 256. */
const CLOUD_OPACITY = 215;

/** A sky for pictures of one size. */
export class Sky {
  readonly #width: number;
  readonly #firstRow: number;
  readonly #rows: number;
  readonly #cloud: Color;
  /** Without clouds; luma of the sky alone, too, for clouds lie in front of the sun. */
  readonly #planes: readonly [Uint8Array, Uint8Array, Uint8Array];
  readonly #period: number;
  readonly #stride: number;
  /** How much of each pixel they hide, of 256. */
  readonly #clouds: Uint8Array;

  /** @param firstRow above which nothing of it is seen, px @param rows of the picture that end with it */
  constructor(
    random: () => number,
    width: number,
    height: number,
    firstRow: number,
    rows: number,
    palette: Palette,
  ) {
    this.#width = width;
    this.#firstRow = firstRow;
    this.#rows = rows;
    this.#cloud = palette.cloud;
    this.#period = Math.round(PERIOD_WIDTHS * width);
    this.#stride = this.#period + width + 2;
    const small = chromaSize(width);
    const luma = new Uint8Array(width * rows);
    const u = new Uint8Array(small * chromaSize(rows));
    const v = new Uint8Array(u.length);
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < width; x++) {
        const color = skyColor((x + 0.5) / width, (y + 0.5) / height, width / height, rows / height, palette);
        // Chance rounds, for steps of a gradient are seen.
        luma[y * width + x] = color.y + random();
        if (((x | y) & 1) === 0) {
          u[(y >> 1) * small + (x >> 1)] = color.u + 0.5;
          v[(y >> 1) * small + (x >> 1)] = color.v + 0.5;
        }
      }
    }
    this.#planes = [luma, u, v];
    this.#clouds = this.#drawClouds(random, height);
  }

  /** Draw it, as the lowest of everything. @param passed how far the clouds have moved to the left, px; from 0 on */
  draw(picture: I420Picture, passed: number): void {
    const offset = passed % this.#period;
    const first = Math.floor(offset);
    const part = Math.round((offset - first) * 256);
    this.#drawLuma(picture.planes[0], first, part);
    this.#drawChroma(picture.planes[1], this.#planes[1], first, Math.round(this.#cloud.u));
    this.#drawChroma(picture.planes[2], this.#planes[2], first, Math.round(this.#cloud.v));
  }

  #drawLuma(out: Uint8Array, first: number, part: number): void {
    const [luma] = this.#planes;
    const clouds = this.#clouds;
    const cloud = Math.round(this.#cloud.y);
    for (let y = this.#firstRow; y < this.#rows; y++) {
      const end = (y + 1) * this.#width;
      let from = y * this.#stride + first;
      let left = clouds[from] as number;
      for (let at = y * this.#width; at < end; at++) {
        const right = clouds[++from] as number;
        const hidden = left + (((right - left) * part) >> 8);
        left = right;
        const clear = luma[at] as number;
        out[at] = hidden === 0 ? clear : clear + (((cloud - clear) * hidden + 128) >> 8);
      }
    }
  }

  #drawChroma(out: Uint8Array, clearPlane: Uint8Array, first: number, cloud: number): void {
    const clouds = this.#clouds;
    const small = chromaSize(this.#width);
    for (let y = this.#firstRow >> 1; y < chromaSize(this.#rows); y++) {
      const end = (y + 1) * small;
      let from = 2 * y * this.#stride + first;
      for (let at = y * small; at < end; at++, from += 2) {
        const clear = clearPlane[at] as number;
        out[at] = clear + (((cloud - clear) * (clouds[from] as number) + 128) >> 8);
      }
    }
  }

  #drawClouds(random: () => number, height: number): Uint8Array {
    const { period: cellsOfPeriod, noise } = this.#cloudNoise(random, height);
    // One row more, since chroma of an odd height asks for it.
    const clouds = new Uint8Array((this.#rows + 1) * this.#stride);
    for (let y = 0; y <= this.#rows; y++) {
      const high = y / this.#rows;
      // Banks of clouds: dense at two heights, thin between them and near the land.
      const band = 0.22 * Math.cos(high * 14) - 0.25 * smoothStep(0.55, 0.95, high);
      const start = y * this.#stride;
      for (let x = 0; x < this.#period; x++) {
        const density = noise.at((x * cellsOfPeriod) / this.#period, (11 * y) / height);
        clouds[start + x] = CLOUD_OPACITY * smoothStep(0.02, 0.55, density + band);
      }
      clouds.copyWithin(start + this.#period, start, start + this.#stride - this.#period);
    }
    return clouds;
  }

  /** Clouds are four times as wide as high. */
  #cloudNoise(random: () => number, height: number): { period: number; noise: FractalNoise } {
    const period = Math.max(2, Math.round((2.8 * this.#period) / height));
    return { period, noise: new FractalNoise(random, period, 12, 4) };
  }
}

/** The clear sky at a place, given as parts of width and height. */
function skyColor(x: number, y: number, aspect: number, horizon: number, palette: Palette): Color {
  const fall = Math.min(1, y / horizon);
  const base = mixColors(palette.zenith, palette.horizon, fall ** 1.25);
  const away = Math.hypot((x - SUN.x) * aspect, y - SUN.y);
  const glow = 0.62 * Math.exp(-away / 0.2) + 0.25 * Math.exp(-away / 0.5);
  const lit = mixColors(base, palette.sun, Math.min(0.8, glow));
  return mixColors(lit, palette.sun, smoothStep(SUN.radius + 0.006, SUN.radius - 0.002, away));
}
