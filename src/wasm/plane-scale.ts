// Scaling over the WebAssembly kernels: an axis that grows is interpolated (bilinear), one that shrinks is averaged over
// the area of each new pixel (box). Axes are independent; rows go through in bands.
import { TransportError } from "../errors/errors.ts";
import type { I420Picture } from "../platform/video-codecs.ts";
import { FILTER_BITS, FILTER_WEIGHTS } from "./generated/layout.ts";
import type { PixelExports } from "./generated/pixels.ts";
import { lendPixelMemory } from "./pixel-memory.ts";
import { checkPicture, emptyPlanes } from "./pixels.ts";

/** The kernel turns columns into rows in blocks of so many rows and columns. */
const BLOCK = 16;
const BLOCK_BYTES = BLOCK * BLOCK;
const ONE = 1 << FILTER_BITS;

/** Which source samples an output sample is made of, and with what weights. */
interface AxisPlan {
  /** Samples of the output. */
  readonly outputs: number;
  /** Weights of each; an even number. */
  readonly taps: number;
  /** As the kernel reads it, an entry of so many bytes for each output. */
  readonly entryBytes: number;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
}

/**
 * A picture in another size, sides independent of each other. Fresh planes; the picture itself when the size is its
 * own. Chroma is scaled as planes of their own size, so with odd sizes it moves by less than a pixel.
 * @throws TransportError `INVALID_DATA` for planes or sizes that are none, `LIMIT_EXCEEDED` when 16 new rows are made of
 *   some 60 MB, `NOT_SUPPORTED` without WebAssembly
 */
export function scalePicture(picture: I420Picture, width: number, height: number): I420Picture {
  checkPicture(picture);
  if (picture.width === width && picture.height === height) return picture;
  const planes = emptyPlanes(width, height);
  scaleInto(picture.planes[0], picture.width, picture.height, planes[0], width, height);
  const from = [(picture.width + 1) >> 1, (picture.height + 1) >> 1] as const;
  const to = [(width + 1) >> 1, (height + 1) >> 1] as const;
  scaleInto(picture.planes[1], from[0], from[1], planes[1], to[0], to[1]);
  scaleInto(picture.planes[2], from[0], from[1], planes[2], to[0], to[1]);
  return { width, height, planes };
}

/**
 * A single plane in another size.
 * @param plane rows without gaps; read, not kept
 * @returns a fresh plane
 * @throws TransportError as {@link scalePicture}
 */
export function scalePlane(
  plane: Uint8Array,
  from: { readonly width: number; readonly height: number },
  to: { readonly width: number; readonly height: number },
): Uint8Array {
  const [target] = emptyPlanes(to.width, to.height);
  if (plane.length === 0 || plane.length !== from.width * from.height) {
    throw new TransportError("INVALID_DATA", `plane: expected ${from.width}x${from.height} bytes`);
  }
  scaleInto(plane, from.width, from.height, target, to.width, to.height);
  return target;
}

function scaleInto(
  source: Uint8Array,
  width: number,
  height: number,
  target: Uint8Array,
  newWidth: number,
  newHeight: number,
): void {
  const vertical = axisPlan(height, newHeight);
  const horizontal = width === newWidth ? undefined : axisPlan(width, newWidth);
  const padded = Math.ceil(width / BLOCK) * BLOCK;
  const newPadded = Math.ceil(newWidth / BLOCK) * BLOCK;
  let tallest = 0;
  for (let row = 0; row < newHeight; row += BLOCK) {
    tallest = Math.max(tallest, endOf(vertical, row) - firstOf(vertical, row));
  }
  const { at, memory } = lendPixelMemory([
    vertical.bytes.length,
    horizontal?.bytes.length ?? 0,
    tallest * width,
    BLOCK * padded,
    BLOCK * padded,
    BLOCK * newPadded,
    BLOCK * newPadded,
    2 * BLOCK_BYTES,
  ]);
  const [rowPlan = 0, columnPlan = 0, from = 0, ...stages] = at;
  memory.bytes.set(vertical.bytes, rowPlan);
  if (horizontal !== undefined) memory.bytes.set(horizontal.bytes, columnPlan);
  for (let row = 0; row < newHeight; row += BLOCK) {
    const first = firstOf(vertical, row);
    memory.bytes.set(source.subarray(first * width, endOf(vertical, row) * width), from);
    const made = band(
      memory.kernels,
      { rowPlan, columnPlan, from, stages },
      vertical,
      horizontal,
      width,
      row,
    );
    const end = Math.min(newHeight, row + BLOCK);
    target.set(memory.bytes.subarray(made, made + (end - row) * newWidth), row * newWidth);
  }
}

interface Addresses {
  readonly rowPlan: number;
  readonly columnPlan: number;
  readonly from: number;
  /** Rows, then columns, new columns, new rows, and what turning takes. */
  readonly stages: readonly number[];
}

/** Make up to {@link BLOCK} output rows, from `row` on. Returns where they lie, without gaps. */
function band(
  kernels: PixelExports,
  { rowPlan, columnPlan, from, stages }: Addresses,
  vertical: AxisPlan,
  horizontal: AxisPlan | undefined,
  width: number,
  row: number,
): number {
  const [rows = 0, columns = 0, newColumns = 0, newRows = 0, scratch = 0] = stages;
  const stride = horizontal === undefined ? width : Math.ceil(width / BLOCK) * BLOCK;
  // The plan counts rows from the top of the picture, which may lie below address 0: addresses wrap.
  const top = from - firstOf(vertical, row) * width;
  const plan = rowPlan + row * vertical.entryBytes;
  const count = Math.min(BLOCK, vertical.outputs - row);
  kernels.filterRows(top, width, plan, vertical.taps, count, rows, stride, width);
  if (horizontal === undefined) return rows;
  const { outputs, taps } = horizontal;
  const blocks = stride / BLOCK;
  kernels.transposeBlocks(rows, stride, BLOCK, columns, BLOCK, BLOCK_BYTES, blocks, scratch);
  kernels.filterRows(columns, BLOCK, columnPlan, taps, outputs, newColumns, BLOCK, BLOCK);
  const newBlocks = Math.ceil(outputs / BLOCK);
  kernels.transposeBlocks(newColumns, BLOCK, BLOCK_BYTES, newRows, outputs, BLOCK, newBlocks, scratch);
  return newRows;
}

/** The first source row that the band of an output row asks for. */
function firstOf({ words, entryBytes }: AxisPlan, row: number): number {
  return words[(row * entryBytes) >> 2] as number;
}

/** The end of what it asks for, perhaps beyond the plane: there the weights are zero. */
function endOf(plan: AxisPlan, row: number): number {
  return firstOf(plan, Math.min(row + BLOCK, plan.outputs) - 1) + plan.taps;
}

function axisPlan(from: number, to: number): AxisPlan {
  // Averaging touches one sample more than the ratio when it begins inside of one, and the next when it ends inside.
  const most = to < from ? Math.min(from, Math.ceil(from / to) + 1) : 2;
  const taps = most + (most & 1);
  const entryBytes = FILTER_WEIGHTS + 2 * taps;
  const buffer = new ArrayBuffer(to * entryBytes);
  const words = new Int32Array(buffer);
  const halves = new Int16Array(buffer);
  for (let i = 0; i < to; i++) {
    const at = i * entryBytes;
    const weights = (at + FILTER_WEIGHTS) >> 1;
    words[at >> 2] =
      to < from ? average(i, from, to, halves, weights) : interpolate(i, from, to, halves, weights);
  }
  return { outputs: to, taps, entryBytes, bytes: new Uint8Array(buffer), words };
}

/** Weights of an output that covers `from / to` samples, in units of 1 / to sample. Returns the first sample. */
function average(output: number, from: number, to: number, weights: Int16Array, at: number): number {
  const start = output * from;
  const first = Math.floor(start / to);
  let written = 0;
  for (let k = 0; written < ONE; k++) {
    const covered = Math.min((first + k + 1) * to - start, from);
    // Rounding the sum rather than each weight keeps the total exact: a flat area stays flat.
    const total = Math.round((covered * ONE) / from);
    weights[at + k] = total - written;
    written = total;
  }
  return first;
}

/** Weights of the two samples beside an output, centers aligned. Returns the first sample. */
function interpolate(output: number, from: number, to: number, weights: Int16Array, at: number): number {
  const position = (2 * output + 1) * from - to; // in units of 1 / (2 * to) sample
  const whole = Math.floor(position / (2 * to));
  // Beyond the first and the last center there is nothing to look at but them.
  const first = Math.max(0, Math.min(whole, from - 1));
  const isInside = whole >= 0 && whole < from - 1;
  const second = isInside ? Math.round(((position - 2 * to * whole) * ONE) / (2 * to)) : 0;
  weights[at] = ONE - second;
  weights[at + 1] = second;
  return first;
}
