// How much of a picture a codec has kept: the peak signal-to-noise ratio of two pictures. Pure.
import type { I420Picture } from "../../../platform/video-codecs.ts";
import { chromaSize } from "./picture.ts";

/** What equal pictures get, dB: no coded one comes near, and unlike infinity JSON can say it. */
export const EQUAL_DB = 100;

/** Luma counts so much more than each of the other planes, as codecs are usually compared. */
const LUMA_WEIGHT = 6;

/** In dB, at most {@link EQUAL_DB}. */
export interface Psnr {
  /** Of luma alone. */
  y: number;
  /** Of all planes: luma counts six times as much as each of the others. */
  yuv: number;
}

/**
 * Compare two pictures; 8 bits a sample, so the peak is 255.
 *
 * @param step looks at every so many samples of every so many rows: the time falls with its square
 * @returns undefined of pictures of different sizes
 */
export function psnr(picture: I420Picture, reference: I420Picture, step = 1): Psnr | undefined {
  const { width, height } = picture;
  if (width !== reference.width || height !== reference.height) return undefined;
  const small = chromaSize(width);
  const y = planePsnr(picture.planes[0], reference.planes[0], width, step);
  const u = planePsnr(picture.planes[1], reference.planes[1], small, step);
  const v = planePsnr(picture.planes[2], reference.planes[2], small, step);
  return { y, yuv: (LUMA_WEIGHT * y + u + v) / (LUMA_WEIGHT + 2) };
}

function planePsnr(plane: Uint8Array, reference: Uint8Array, width: number, step: number): number {
  let sum = 0;
  let count = 0;
  for (let row = 0; row < reference.length; row += width * step) {
    const end = Math.min(row + width, reference.length);
    for (let i = row; i < end; i += step) {
      const error = (plane[i] as number) - (reference[i] as number);
      sum += error * error;
      count++;
    }
  }
  return sum === 0 ? EQUAL_DB : Math.min(EQUAL_DB, 10 * Math.log10((255 * 255 * count) / sum));
}
