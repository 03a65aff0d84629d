// A striped balloon in the complement of its picture's colors: what the eye follows. Drawn once, then moved by parts of
// a pixel. Pure.
import type { I420Picture } from "../../../platform/video-codecs.ts";
import type { Palette } from "./palette.ts";
import { chromaSize, mixColors, smoothStep } from "./picture.ts";
import type { Color } from "./picture.ts";

/** Sizes as parts of the radius of its envelope. */
const MOUTH = 1.62;
const BASKET = { top: 2.02, bottom: 2.4, half: 0.24 } as const;
const ROPE = 0.045;
/** Stripes around it; half of them are seen. */
const STRIPES = 14;
/** Samples of each pixel in each direction, when it is drawn. */
const FINE = 4;

/** The balloon for pictures of one size. */
export class Balloon {
  readonly #width: number;
  readonly #height: number;
  readonly #radius: number;
  /** Premultiplied with `#opacity`. */
  readonly #planes: readonly [Float32Array, Float32Array, Float32Array];
  /** 0 to 1. */
  readonly #opacity: Float32Array;

  /** @param radius of the envelope, px */
  constructor(radius: number, palette: Palette) {
    this.#radius = radius;
    // A pixel around it, so that it can be moved by parts of one.
    this.#width = Math.ceil(2 * radius) + 4;
    this.#height = Math.ceil((1 + BASKET.bottom) * radius) + 4;
    const size = this.#width * this.#height;
    this.#planes = [new Float32Array(size), new Float32Array(size), new Float32Array(size)];
    this.#opacity = new Float32Array(size);
    for (let y = 0; y < this.#height * FINE; y++) {
      for (let x = 0; x < this.#width * FINE; x++) {
        const color = colorAt(
          ((x + 0.5) / FINE - this.#width / 2) / radius,
          ((y + 0.5) / FINE - radius - 2) / radius,
          palette,
        );
        if (color === undefined) continue;
        const at = Math.floor(y / FINE) * this.#width + Math.floor(x / FINE);
        this.#add(at, color, 1 / (FINE * FINE));
      }
    }
  }

  /** Draw it with the middle of its envelope at `x`, `y`, in pixels. */
  draw(picture: I420Picture, x: number, y: number): void {
    const left = x - this.#width / 2;
    const top = y - this.#radius - 2;
    const [luma, u, v] = picture.planes;
    this.#drawPlane(luma, this.#planes[0], picture.width, picture.height, left, top, 1);
    const small = [chromaSize(picture.width), chromaSize(picture.height)] as const;
    this.#drawPlane(u, this.#planes[1], ...small, left, top, 2);
    this.#drawPlane(v, this.#planes[2], ...small, left, top, 2);
  }

  #add(at: number, { y, u, v }: Color, share: number): void {
    const [luma, uPlane, vPlane] = this.#planes;
    luma[at] = (luma[at] as number) + y * share;
    uPlane[at] = (uPlane[at] as number) + u * share;
    vPlane[at] = (vPlane[at] as number) + v * share;
    this.#opacity[at] = (this.#opacity[at] as number) + share;
  }

  /** @param step of the plane, px */
  #drawPlane(
    plane: Uint8Array,
    values: Float32Array,
    width: number,
    height: number,
    left: number,
    top: number,
    step: number,
  ): void {
    const firstRow = Math.max(0, Math.ceil(top / step));
    const lastRow = Math.min(height - 1, Math.floor((top + this.#height - 2) / step));
    const first = Math.max(0, Math.ceil(left / step));
    const last = Math.min(width - 1, Math.floor((left + this.#width - 2) / step));
    for (let row = firstRow; row <= lastRow; row++) {
      for (let column = first; column <= last; column++) {
        const opacity = this.#sample(this.#opacity, column * step - left, row * step - top);
        if (opacity === 0) continue;
        const value = this.#sample(values, column * step - left, row * step - top);
        const at = row * width + column;
        plane[at] = (plane[at] as number) * (1 - opacity) + value + 0.5;
      }
    }
  }

  /** Between four pixels; `x` and `y` from 0 on, with a pixel to the right and below. */
  #sample(values: Float32Array, x: number, y: number): number {
    const column = Math.floor(x);
    const row = Math.floor(y);
    const across = x - column;
    const at = row * this.#width + column;
    const upper = (values[at] as number) * (1 - across) + (values[at + 1] as number) * across;
    const next = at + this.#width;
    const lower = (values[next] as number) * (1 - across) + (values[next + 1] as number) * across;
    return upper + (lower - upper) * (y - row);
  }
}

/** Its color at a place, in radii from the middle of the envelope; undefined beside it. */
function colorAt(x: number, y: number, palette: Palette): Color | undefined {
  const dark: Color = { y: 46, u: 118, v: 140 };
  if (y >= BASKET.top && y <= BASKET.bottom && Math.abs(x) <= BASKET.half) {
    return y < BASKET.top + 0.1 ? palette.pale : dark;
  }
  if (y > MOUTH && y < BASKET.top)
    return Math.abs(Math.abs(x) - BASKET.half + 0.03) < ROPE ? dark : undefined;
  const half = halfWidthAt(y);
  if (Math.abs(x) >= half) return undefined;
  const around = Math.asin(x / half) / Math.PI + 0.5;
  const stripe = Math.floor(around * (STRIPES / 2) + 0.5) % 2;
  const skirt = y > 0.42 && y < 0.56;
  const color = stripe === 0 || skirt ? palette.accent : palette.pale;
  // Light comes from the right, where the sun is.
  const shade = smoothStep(0.3, -1.1, x - 0.35 * y);
  const rim = smoothStep(0.55, 1, x / half - 0.4 * y);
  return mixColors(mixColors(color, dark, 0.5 * shade), palette.pale, 0.35 * rim);
}

/** Half the width of the envelope: a ball, and below its waist a cone. */
function halfWidthAt(y: number): number {
  if (y < -1 || y > MOUTH) return 0;
  const waist = 0.35;
  if (y <= waist) return Math.sqrt(1 - y * y);
  const share = (y - waist) / (MOUTH - waist);
  const from = Math.sqrt(1 - waist * waist);
  return from + (0.22 - from) * (0.72 * share + 0.28 * share * share);
}
