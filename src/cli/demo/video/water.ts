// Water in front of a landscape: what is above it, upside down and rippled, with glints of the sun. Pure and seeded.
import type { I420Picture } from "../../../platform/video-codecs.ts";
import type { Palette } from "./palette.ts";
import { chromaSize, smoothStep } from "./picture.ts";
import { SUN } from "./sky.ts";

/** So many rows of the land above are seen in one row of the water. */
const SQUEEZE = 1.75;
/** How much of the water's own color is seen near the land, and near the eye; of 256. */
const FAR_TINT = 56;
const NEAR_TINT = 120;
/** Size of the field of glints, in each direction; a power of two. */
const GLINTS = 256;
/** Length of the shortest dashes of light, px of 180 rows. */
const DASH = 1.2;

/** The water of pictures of one size. */
export class Water {
  readonly #width: number;
  readonly #height: number;
  readonly #horizon: number;
  readonly #palette: Palette;
  readonly #glints: Uint8Array;
  /** How much each column glitters, of 256. */
  readonly #sunlit: Uint16Array;

  /** @param horizon first row of the water */
  constructor(random: () => number, width: number, height: number, horizon: number, palette: Palette) {
    this.#width = width;
    this.#height = height;
    this.#horizon = horizon;
    this.#palette = palette;
    this.#glints = Uint8Array.from({ length: GLINTS * GLINTS }, () => {
      const value = random();
      return value > 0.86 ? 255 * (value - 0.86) * 7 : 0;
    });
    this.#sunlit = Uint16Array.from({ length: width }, (_, x) => {
      const away = (Math.abs((x + 0.5) / width - SUN.x) * width) / height;
      return 34 + 222 * smoothStep(0.3, 0.02, away);
    });
  }

  /** Draw it below what has been drawn. @param seconds since the beginning */
  draw(picture: I420Picture, seconds: number): void {
    const { water } = this.#palette;
    const [luma, u, v] = picture.planes;
    const rows = this.#height - this.#horizon;
    for (let y = this.#horizon; y < this.#height; y++) {
      const near = (y - this.#horizon + 0.5) / rows;
      this.#mirrorRow(luma, y, near, this.#width, 1, seconds, water.y);
      this.#glitter(luma, y, near, seconds);
    }
    const small = chromaSize(this.#width);
    for (let y = (this.#horizon + 1) >> 1; y < chromaSize(this.#height); y++) {
      const near = (2 * y - this.#horizon + 0.5) / rows;
      this.#mirrorRow(u, y, near, small, 2, seconds, water.u);
      this.#mirrorRow(v, y, near, small, 2, seconds, water.v);
    }
  }

  /** Fill a row with one from above the water. @param near 0 at the land, 1 at the eye @param step of the plane, px */
  #mirrorRow(
    plane: Uint8Array,
    y: number,
    near: number,
    width: number,
    step: number,
    seconds: number,
    tint: number,
  ): void {
    // Waves are closer to each other, and lower, the farther they are.
    const phase = 30 * Math.log(0.12 + near);
    const wave = Math.sin(phase - 2.4 * seconds) + 0.6 * Math.sin(1.7 * phase + 1.9 * seconds + 1);
    const size = this.#height / step;
    const shift = Math.round(wave * (0.003 + 0.021 * near) * size);
    const land = this.#horizon / step;
    const lift = (0.5 + 0.004 * near * wave) * SQUEEZE;
    const above = Math.floor(land - (y + 0.5 - land) * SQUEEZE - lift);
    const from = Math.max(0, Math.min(Math.floor(land) - 1, above)) * width;
    const share = Math.round(FAR_TINT + (NEAR_TINT - FAR_TINT) * near + 14 * wave * near);
    const level = Math.round(tint);
    const at = y * width;
    // What is beyond the edges looks like the edges.
    const start = Math.max(0, -shift);
    const end = Math.min(width, width - shift);
    for (let x = start; x < end; x++) {
      const seen = plane[from + x + shift] as number;
      plane[at + x] = seen + (((level - seen) * share + 128) >> 8);
    }
    plane.fill(plane[at + start] as number, at, at + start);
    plane.fill(plane[at + end - 1] as number, at + end, at + width);
  }

  /** Small dashes of light that run across the water; denser towards the land. */
  #glitter(luma: Uint8Array, y: number, near: number, seconds: number): void {
    const row = Math.floor(18 * Math.log(0.12 + near) + 200);
    const drift = Math.floor(seconds * 9) * 37 + row * 91;
    const field = ((row + Math.floor(seconds * 5)) & (GLINTS - 1)) * GLINTS;
    const length = (DASH * (1 + 3.3 * near) * this.#height) / 180;
    const strength = Math.round(192 - 77 * near);
    const bright = Math.round(this.#palette.sun.y);
    for (let dash = 0, x = 0; x < this.#width; dash++) {
      const end = Math.min(this.#width, Math.ceil((dash + 1) * length));
      const glint = this.#glints[field + ((dash + drift) & (GLINTS - 1))] as number;
      if (glint === 0) {
        x = end;
        continue;
      }
      for (; x < end; x++) {
        const at = y * this.#width + x;
        const old = luma[at] as number;
        luma[at] = old + (((bright - old) * ((glint * strength * (this.#sunlit[x] as number)) >> 16)) >> 8);
      }
    }
  }
}
