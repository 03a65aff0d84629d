// Pictures to put through codecs: a texture over which a bright disc moves, and how much of them is left.
import type { I420Picture } from "../../src/platform/video-codecs.ts";
import { SeededRandom } from "../../src/testing/random.ts";

/** Picture `index` of a clip; equal numbers give equal pictures. Fresh planes. */
export function movingPicture(width: number, height: number, index: number): I420Picture {
  const centerX = (0.3 + 0.02 * index) * width;
  const centerY = (0.5 + 0.01 * index) * height;
  const radius = height / 5;
  const inDisc = (x: number, y: number): boolean => (x - centerX) ** 2 + (y - centerY) ** 2 < radius * radius;
  const plane = (step: number, outside: (x: number, y: number) => number, inside: number): Uint8Array => {
    const columns = Math.ceil(width / step);
    const rows = Math.ceil(height / step);
    return Uint8Array.from({ length: columns * rows }, (_, i) => {
      const x = (i % columns) * step;
      const y = Math.floor(i / columns) * step;
      return inDisc(x, y) ? inside : outside(x, y);
    });
  };
  const texture = (x: number, y: number): number =>
    110 + 40 * Math.sin((2 * Math.PI * x) / width) + 30 * Math.cos(y / 9) + 8 * Math.sin(x / 4);
  const planes = [
    plane(1, texture, 215),
    plane(2, (x) => 100 + (60 * x) / width, 90),
    plane(2, (_, y) => 150 - (50 * y) / height, 170),
  ] as const;
  return { width, height, planes };
}

/** The same with the noise of a bad sensor: there is always something left to spend bits on. */
export function noisyPicture(width: number, height: number, index: number): I420Picture {
  const picture = movingPicture(width, height, index);
  const random = new SeededRandom(index);
  const [luma] = picture.planes;
  for (let i = 0; i < luma.length; i++) luma[i] = (luma[i] as number) + random.integer(-8, 8);
  return picture;
}

/** Peak signal-to-noise ratio of luma, dB, over what both pictures have, counted from the top left. */
export function psnrOf(picture: I420Picture, reference: I420Picture): number {
  const columns = Math.min(picture.width, reference.width);
  const rows = Math.min(picture.height, reference.height);
  let sum = 0;
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const own = picture.planes[0][y * picture.width + x] as number;
      sum += (own - (reference.planes[0][y * reference.width + x] as number)) ** 2;
    }
  }
  return 10 * Math.log10((255 * 255 * columns * rows) / Math.max(sum, 1));
}
