// Pictures for tests of codecs: a disc with stripes moves over a background with waves; the same in every run.
import type { I420Picture } from "../../../../src/platform/video-codecs.ts";

/** Ticks of 90 kHz between two pictures, at 30 a second. */
export const PICTURE_TICKS = 3_000;

const made = new Map<string, I420Picture>();

/** The picture at a time. Made once; not to be written to. */
export function movingPicture(width: number, height: number, time: number): I420Picture {
  const name = `${width} ${height} ${time}`;
  const picture = made.get(name) ?? makePicture(width, height, time);
  made.set(name, picture);
  return picture;
}

function makePicture(width: number, height: number, time: number): I420Picture {
  const discX = width / 2 + Math.cos(time / 8) * width * 0.3;
  const discY = height / 2 + Math.sin(time / 8) * height * 0.3;
  const radius = height / 4;
  const luma = plane(width, height, (x, y) =>
    Math.hypot(x - discX, y - discY) < radius
      ? 128 + 70 * Math.sin((x - discX + y - discY) / 4)
      : 100 + 40 * Math.sin(x / 9) * Math.cos(y / 7),
  );
  const columns = (width + 1) >> 1;
  const rows = (height + 1) >> 1;
  return {
    width,
    height,
    planes: [
      luma,
      plane(columns, rows, (x) => 128 + 40 * Math.sin((x + time) / 12)),
      plane(columns, rows, (x, y) => 128 + 40 * Math.cos((y - x) / 15)),
    ],
  };
}

/** Peak signal to noise over all three planes, dB; the sizes must be equal. */
export function psnr(left: I420Picture, right: I420Picture): number {
  let squares = 0;
  let count = 0;
  for (const i of [0, 1, 2] as const) {
    const [a, b] = [left.planes[i], right.planes[i]];
    if (a.length !== b.length) return -Infinity;
    for (let k = 0; k < a.length; k++) squares += ((a[k] as number) - (b[k] as number)) ** 2;
    count += a.length;
  }
  return 10 * Math.log10((255 * 255 * count) / squares);
}

function plane(columns: number, rows: number, at: (x: number, y: number) => number): Uint8Array {
  return Uint8Array.from({ length: columns * rows }, (_, i) => at(i % columns, Math.floor(i / columns)));
}
