// The twin of the pixel kernels: plain loops, pixel by pixel. Conversions are those of the kernels bit by bit; scaling
// is the definition in floats, without the rounding between its two passes. Also the baseline of the bench.
import type { I420Picture } from "../../src/platform/video-codecs.ts";

/** Planes of a picture, zeros. */
export function blank(width: number, height: number): I420Picture {
  const chroma = ((width + 1) >> 1) * ((height + 1) >> 1);
  return {
    width,
    height,
    planes: [new Uint8Array(width * height), new Uint8Array(chroma), new Uint8Array(chroma)],
  };
}

/** Where arrays of planes differ first, as words; undefined when they are equal. Matchers take seconds for as many bytes. */
export function difference(
  actual: readonly ArrayLike<number>[],
  expected: readonly ArrayLike<number>[],
): string | undefined {
  for (const [plane, bytes] of expected.entries()) {
    const own = actual[plane] ?? [];
    if (own.length !== bytes.length) return `plane ${plane} has ${own.length} bytes, not ${bytes.length}`;
    for (let i = 0; i < bytes.length; i++) {
      if (own[i] !== bytes[i]) return `plane ${plane}, byte ${i}: ${own[i]}, not ${bytes[i]}`;
    }
  }
  return undefined;
}

/** Four bytes a pixel to I420; `red` and `blue` say which of them. */
export function plainPackedToI420(
  pixels: Uint8Array,
  width: number,
  height: number,
  red: number,
  blue: number,
): I420Picture {
  const picture = blank(width, height);
  const [y, u, v] = picture.planes;
  for (let i = 0, at = 0; i < y.length; i++, at += 4) {
    const r = pixels[at + red] as number;
    const g = pixels[at + 1] as number;
    const b = pixels[at + blue] as number;
    y[i] = (8414 * r + 16519 * g + 3208 * b + (16 << 15) + (1 << 14)) >> 15;
  }
  let i = 0;
  for (let row = 0; row < height; row += 2) {
    const below = row + 1 < height ? 4 * width : 0;
    for (let x = 0; x < width; x += 2, i++) {
      const at = 4 * (row * width + x);
      const right = x + 1 < width ? 4 : 0;
      const sum = (channel: number): number =>
        (pixels[at + channel] as number) +
        (pixels[at + right + channel] as number) +
        (pixels[at + below + channel] as number) +
        (pixels[at + below + right + channel] as number);
      const r = sum(red);
      const g = sum(1);
      const b = sum(blue);
      u[i] = (-4857 * r - 9535 * g + 14392 * b + (128 << 17) + (1 << 16)) >> 17;
      v[i] = (14392 * r - 12052 * g - 2340 * b + (128 << 17) + (1 << 16)) >> 17;
    }
  }
  return picture;
}

/** One plane of Y, one of U and V in turn. */
export function plainNv12ToI420(pixels: Uint8Array, width: number, height: number): I420Picture {
  const picture = blank(width, height);
  const [y, u, v] = picture.planes;
  y.set(pixels.subarray(0, y.length));
  for (let i = 0, at = y.length; i < u.length; i++) {
    u[i] = pixels[at++] as number;
    v[i] = pixels[at++] as number;
  }
  return picture;
}

/** R, G, B, 255 for each pixel. */
export function plainI420ToRgba(
  { width, height, planes }: I420Picture,
  out = new Uint8ClampedArray(4 * width * height),
): Uint8ClampedArray {
  const [ys, us, vs] = planes;
  const chromaWidth = (width + 1) >> 1;
  for (let row = 0, at = 0, i = 0; row < height; row++) {
    const chroma = (row >> 1) * chromaWidth;
    for (let x = 0; x < width; x++, at += 4) {
      const y = 9539 * ((ys[i++] as number) - 16) + 4096;
      const u = (us[chroma + (x >> 1)] as number) - 128;
      const v = (vs[chroma + (x >> 1)] as number) - 128;
      out[at] = (y + 13075 * v) >> 13;
      out[at + 1] = (y - 3209 * u - 6660 * v) >> 13;
      out[at + 2] = (y + 16525 * u) >> 13;
      out[at + 3] = 255;
    }
  }
  return out;
}

/** Where the two ends of an output sample lie in the source, or the two samples beside its center. */
function taps(from: number, to: number): { first: number; weights: number[] }[] {
  return Array.from({ length: to }, (_, i) => {
    if (to < from) {
      const start = (i * from) / to;
      const end = ((i + 1) * from) / to;
      const first = Math.floor(start);
      const count = Math.max(1, Math.ceil(end - 1e-9) - first);
      const covered = (k: number): number => Math.min(first + k + 1, end) - Math.max(first + k, start);
      return { first, weights: Array.from({ length: count }, (_, k) => covered(k) / (end - start)) };
    }
    const position = Math.max(0, Math.min(((i + 0.5) * from) / to - 0.5, from - 1));
    const first = Math.floor(position);
    const fraction = position - first;
    return { first, weights: fraction === 0 ? [1] : [1 - fraction, fraction] };
  });
}

/** A plane in another size, unrounded. */
export function plainScale(
  plane: Uint8Array,
  from: { width: number; height: number },
  to: { width: number; height: number },
): Float32Array {
  const rows = new Float32Array(from.width * to.height);
  let at = 0;
  for (const { first, weights } of taps(from.height, to.height)) {
    for (let x = 0; x < from.width; x++, at++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) {
        sum += (weights[k] as number) * (plane[(first + k) * from.width + x] as number);
      }
      rows[at] = sum;
    }
  }
  const out = new Float32Array(to.width * to.height);
  const columns = taps(from.width, to.width);
  at = 0;
  for (let start = 0; start < rows.length; start += from.width) {
    for (let x = 0; x < to.width; x++, at++) {
      const { first, weights } = columns[x] as { first: number; weights: number[] };
      let sum = 0;
      for (let k = 0; k < weights.length; k++) {
        sum += (weights[k] as number) * (rows[start + first + k] as number);
      }
      out[at] = sum;
    }
  }
  return out;
}
