// Pictures for tests that send video: they move, so that encoders have something to do.
import type { I420Picture } from "../../src/platform/video-codecs.ts";

/** A ramp that wanders with `index`, behind it even colors. */
export function movingPicture(width: number, height: number, index: number): I420Picture {
  const [columns, rows] = [(width + 1) >> 1, (height + 1) >> 1];
  const luma = new Uint8Array(width * height);
  for (let at = 0; at < luma.length; at++)
    luma[at] = ((at % width) + Math.floor(at / width) + 3 * index) & 0xff;
  return {
    width,
    height,
    planes: [luma, new Uint8Array(columns * rows).fill(96), new Uint8Array(columns * rows).fill(160)],
  };
}
