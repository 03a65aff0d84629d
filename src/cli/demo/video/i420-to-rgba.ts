// Turns a picture into the pixels of a canvas. Pure, and the same in a page and in Node.
import type { I420Picture } from "../../../platform/video-codecs.ts";
import { chromaSize } from "./picture.ts";

/**
 * The pixels of a picture of BT.601, limited range: R, G, B and an alpha of 255, rows without gaps. Each sample of chroma
 * colors its four pixels alike.
 *
 * @param rgba 4 bytes for each pixel; overwritten
 * @throws RangeError when its length is another
 */
export function i420ToRgba(picture: I420Picture, rgba: Uint8ClampedArray): void {
  const { width, height, planes } = picture;
  if (rgba.length !== 4 * width * height) {
    throw new RangeError(
      `a picture of ${width}x${height} fills ${4 * width * height} bytes, not ${rgba.length}`,
    );
  }
  const [luma, uPlane, vPlane] = planes;
  const small = chromaSize(width);
  for (let y = 0, at = 0, out = 0; y < height; y++) {
    const row = (y >> 1) * small;
    for (let x = 0; x < width; x++, at++, out += 4) {
      const u = (uPlane[row + (x >> 1)] as number) - 128;
      const v = (vPlane[row + (x >> 1)] as number) - 128;
      const gray = 1.164_384 * ((luma[at] as number) - 16);
      // The array rounds and clips.
      rgba[out] = gray + 1.596_027 * v;
      rgba[out + 1] = gray - 0.391_762 * u - 0.812_968 * v;
      rgba[out + 2] = gray + 2.017_232 * u;
      rgba[out + 3] = 255;
    }
  }
}
