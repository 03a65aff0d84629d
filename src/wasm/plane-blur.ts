// Blur over the WebAssembly kernels: running sums along columns, then along rows, which are turned in bands to be
// columns too. Its cost does not depend on the radius.
import { TransportError } from "../errors/errors.ts";
import type { I420Picture } from "../platform/video-codecs.ts";
import { lendPixelMemory } from "./pixel-memory.ts";
import type { PixelMemory } from "./pixel-memory.ts";
import { checkPicture, emptyPlanes } from "./pixels.ts";

/**
 * `box`: the mean of the square of 2 * radius + 1 samples around. `gaussian`: three boxes in a row, together as wide as
 * a normal distribution with a standard deviation of half the radius; softer, no squares to be seen, up to three times
 * the work.
 */
export type BlurMethod = "box" | "gaussian";

/** Sums of 129 bytes fit 16 bits. */
const MAX_RADIUS = 64;
/** The kernels turn columns into rows in blocks of so many rows and columns. */
const BLOCK = 16;
const BLOCK_BYTES = BLOCK * BLOCK;

/** A box as the kernel reads it: its mean is (sum * factor) >> shift. */
interface Box {
  readonly radius: number;
  readonly factor: number;
  readonly shift: number;
}

/**
 * A blurred picture. Chroma, which has half the samples, is blurred with half the radius, rounded up. Samples at the
 * edges stand for those beyond them.
 * @param picture read, not kept
 * @param radius samples of luma, 1 to 64
 * @returns fresh planes
 * @throws TransportError `INVALID_DATA` for planes or a radius that are none, `LIMIT_EXCEEDED` when two planes do not
 *   fit 64 MiB, `NOT_SUPPORTED` without WebAssembly
 */
export function blurPicture(picture: I420Picture, radius: number, method: BlurMethod = "box"): I420Picture {
  checkPicture(picture);
  const { width, height, planes } = picture;
  const chroma = { width: (width + 1) >> 1, height: (height + 1) >> 1 };
  const half = (radius + 1) >> 1;
  return {
    width,
    height,
    planes: [
      blurPlane(planes[0], { width, height }, radius, method),
      blurPlane(planes[1], chroma, half, method),
      blurPlane(planes[2], chroma, half, method),
    ],
  };
}

/**
 * A single plane, blurred.
 * @param plane rows without gaps; read, not kept
 * @param radius samples, 1 to 64
 * @returns a fresh plane. A pass of a box is exact to the nearest step; there are two in `box`, up to six in `gaussian`
 * @throws TransportError as {@link blurPicture}
 */
export function blurPlane(
  plane: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
  radius: number,
  method: BlurMethod = "box",
): Uint8Array {
  if (!(Number.isInteger(radius) && radius >= 1 && radius <= MAX_RADIUS)) {
    throw new TransportError("INVALID_DATA", `radius: expected 1 to ${MAX_RADIUS} samples, not ${radius}`);
  }
  const [target] = emptyPlanes(width, height);
  if (plane.length !== target.length) {
    throw new TransportError("INVALID_DATA", `plane: expected ${width}x${height} bytes`);
  }
  const boxes = (method === "box" ? [radius] : gaussianRadii(radius)).map(boxOf);
  // Bands of 16 rows reach beyond a height that is not a multiple of 16.
  const bytes = Math.ceil(height / BLOCK) * BLOCK * width;
  const stride = Math.ceil(width / BLOCK) * BLOCK;
  const { at, memory } = lendPixelMemory([
    bytes,
    bytes,
    2 * Math.max(stride, BLOCK),
    BLOCK * stride,
    BLOCK * stride,
    2 * BLOCK_BYTES,
  ]);
  const [from = 0, to = 0, sums = 0, ...turned] = at;
  memory.bytes.set(plane, from);
  const rows = boxed(memory, boxes, { from, to, stride: width, sums }, height, width);
  const done = rows === from ? to : from;
  blurRows(memory, boxes, rows, done, { width, height }, sums, turned);
  target.set(memory.bytes.subarray(done, done + target.length));
  return target;
}

/** Two areas of the same shape, and the sums that the kernel keeps. */
interface Areas {
  readonly from: number;
  readonly to: number;
  readonly stride: number;
  readonly sums: number;
}

/** Blur along columns, there and back between the areas. Returns the one with the result. */
function boxed(
  { kernels }: PixelMemory,
  boxes: readonly Box[],
  areas: Areas,
  rows: number,
  width: number,
): number {
  const { stride, sums } = areas;
  let [from, to] = [areas.from, areas.to];
  for (const { radius, factor, shift } of boxes) {
    kernels.boxRows(from, stride, rows, to, stride, width, radius, factor, shift, sums);
    [from, to] = [to, from];
  }
  return from;
}

/** Blur along rows, 16 of them at a time, which become columns and rows again. */
function blurRows(
  memory: PixelMemory,
  boxes: readonly Box[],
  source: number,
  target: number,
  { width, height }: { readonly width: number; readonly height: number },
  sums: number,
  [columns = 0, spare = 0, scratch = 0]: readonly number[],
): void {
  const { kernels } = memory;
  const blocks = Math.ceil(width / BLOCK);
  const areas = { from: columns, to: spare, stride: BLOCK, sums };
  for (let row = 0; row < height; row += BLOCK) {
    const start = row * width;
    kernels.transposeBlocks(source + start, width, BLOCK, columns, BLOCK, BLOCK_BYTES, blocks, scratch);
    const made = boxed(memory, boxes, areas, width, BLOCK);
    kernels.transposeBlocks(made, BLOCK, BLOCK_BYTES, target + start, width, BLOCK, blocks, scratch);
  }
}

/**
 * Three boxes, the smaller ones first, whose variances add up to that of the normal distribution or come nearest to it,
 * rather wider than narrower; those without a radius change nothing and are left out, but never all.
 */
function gaussianRadii(radius: number): number[] {
  const step = (k: number): number[] => [0, 1, 2].map((i) => Math.floor((k + i) / 3));
  // In twelfths: a box of 2r + 1 samples has a variance of r (r + 1) / 3.
  const off = (k: number): number =>
    Math.abs(step(k).reduce((sum, r) => sum + 4 * r * (r + 1), 0) - 3 * radius * radius);
  let k = 1;
  while (off(k + 1) <= off(k)) k++;
  return step(k).filter((r) => r > 0);
}

/** What a sum is multiplied by for its mean to be exact: a factor of at most 16 bits. */
function boxOf(radius: number): Box {
  const window = 2 * radius + 1;
  const largest = 255 * window + radius;
  let shift = 0;
  // What the factor is too large by must not add up to a step (Granlund and Montgomery 1994, theorem 4.2).
  for (; largest * (Math.ceil(2 ** shift / window) * window - 2 ** shift) >= 2 ** shift; shift++);
  return { radius, factor: Math.ceil(2 ** shift / window), shift };
}
