// Pixel formats over the WebAssembly kernels: to I420 and back, and to gray, in bands of rows that stay in the
// processor's cache. BT.601, limited range, as WebRTC uses it. Never keeps a picture.
import { TransportError } from "../errors/errors.ts";
import type { I420Picture } from "../platform/video-codecs.ts";
import { lendPixelMemory } from "./pixel-memory.ts";

/**
 * Layouts that {@link toI420} reads, rows without gaps: four bytes a pixel (blue, green, red and one without meaning;
 * red, green, blue and an alpha that is not looked at), or Y and then U and V in turn (two planes in one array).
 */
export type ForeignPixelFormat = "BGRX" | "RGBA" | "NV12";

/** Bytes of packed pixels that are worked on at a time. */
const BAND_BYTES = 128 * 1024;

/**
 * A picture as I420. A sample of chroma is the mean of the pixels it covers, four or at odd edges fewer.
 * @param pixels read, not kept; exactly as long as format and size say
 * @param width pixels, from 1; odd ones too
 * @throws TransportError `INVALID_DATA` for another length, `LIMIT_EXCEEDED` for rows of over 4 million pixels,
 *   `NOT_SUPPORTED` without WebAssembly
 */
export function toI420(
  pixels: Uint8Array,
  format: ForeignPixelFormat,
  width: number,
  height: number,
): I420Picture {
  const planes = emptyPlanes(width, height);
  const bytes = format === "NV12" ? planes[0].length + 2 * planes[1].length : 4 * width * height;
  if (pixels.length !== bytes) {
    const message = `${format} of ${width}x${height} has ${bytes} bytes, not ${pixels.length}`;
    throw new TransportError("INVALID_DATA", message);
  }
  if (format === "NV12") split(pixels, planes);
  else convert(pixels, format === "BGRX", width, height, planes);
  return { width, height, planes };
}

/**
 * A picture as R, G, B and an alpha of 255, rows without gaps: what `ImageData` holds. A sample of chroma serves every
 * pixel it covers.
 * @param picture read, not kept
 * @param target filled if given: 4 bytes for each pixel; else a fresh array is
 * @throws TransportError `INVALID_DATA` when a length is not that of the size, else as {@link toI420}
 */
export function i420ToRgba(
  picture: I420Picture,
  target = new Uint8ClampedArray(4 * picture.width * picture.height),
): Uint8ClampedArray {
  checkPicture(picture);
  const { width, height, planes } = picture;
  if (target.length !== 4 * width * height) {
    throw new TransportError("INVALID_DATA", `target: expected ${4 * width * height} bytes`);
  }
  const rows = bandRows(width, height);
  const chromaWidth = (width + 1) >> 1;
  const chromaBytes = chromaWidth * ((rows + 1) >> 1);
  const { at, memory } = lendPixelMemory([width * rows, chromaBytes, chromaBytes, 4 * width * rows]);
  const [y = 0, u = 0, v = 0, packed = 0] = at;
  for (let row = 0; row < height; row += rows) {
    const here = Math.min(rows, height - row);
    const chroma = (row >> 1) * chromaWidth;
    const chromaEnd = chroma + chromaWidth * ((here + 1) >> 1);
    memory.bytes.set(planes[0].subarray(row * width, (row + here) * width), y);
    memory.bytes.set(planes[1].subarray(chroma, chromaEnd), u);
    memory.bytes.set(planes[2].subarray(chroma, chromaEnd), v);
    memory.kernels.i420ToRgba(y, u, v, width, here, packed);
    target.set(memory.bytes.subarray(packed, packed + 4 * width * here), 4 * width * row);
  }
  return target;
}

/**
 * Levels of gray from 0, black, to 255, white: 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601-7 section 2.5.1), to the
 * nearest step but for a hundredth of one. What is gray already keeps its level.
 * @param rgba red, green, blue and a byte that is not looked at for each pixel; read, not kept
 * @returns a fresh array, a byte for each pixel
 * @throws TransportError `INVALID_DATA` for a part of a pixel, `NOT_SUPPORTED` without WebAssembly
 */
export function rgbaToGray(rgba: Uint8Array): Uint8Array {
  const gray = new Uint8Array(rgba.length >> 2);
  if (rgba.length !== 4 * gray.length) {
    throw new TransportError("INVALID_DATA", `${rgba.length} bytes are no whole pixels of RGBA`);
  }
  const band = Math.min(gray.length, BAND_BYTES >> 2);
  const { at, memory } = lendPixelMemory([4 * band, band]);
  const [packed = 0, levels = 0] = at;
  for (let start = 0; start < gray.length; start += band) {
    const here = Math.min(band, gray.length - start);
    memory.bytes.set(rgba.subarray(4 * start, 4 * (start + here)), packed);
    memory.kernels.packedToGray(packed, here, levels);
    gray.set(memory.bytes.subarray(levels, levels + here), start);
  }
  return gray;
}

/** Planes of a picture, zeros. @throws TransportError `INVALID_DATA` for a size that is none */
export function emptyPlanes(width: number, height: number): [Uint8Array, Uint8Array, Uint8Array] {
  if (!(Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0)) {
    throw new TransportError("INVALID_DATA", `a picture cannot have ${width}x${height} pixels`);
  }
  const chroma = ((width + 1) >> 1) * ((height + 1) >> 1);
  return [new Uint8Array(width * height), new Uint8Array(chroma), new Uint8Array(chroma)];
}

/** Insist that planes and size fit. @throws TransportError `INVALID_DATA` */
export function checkPicture({ width, height, planes }: I420Picture): void {
  const luma = width * height;
  const chroma = ((width + 1) >> 1) * ((height + 1) >> 1);
  const fits = planes[0].length === luma && planes[1].length === chroma && planes[2].length === chroma;
  if (fits && luma > 0) return;
  const lengths = planes.map(({ length }) => length).join(", ");
  throw new TransportError("INVALID_DATA", `planes of ${lengths} bytes are no I420 of ${width}x${height}`);
}

function convert(
  pixels: Uint8Array,
  blueFirst: boolean,
  width: number,
  height: number,
  planes: I420Picture["planes"],
): void {
  const rows = bandRows(width, height);
  const chromaWidth = (width + 1) >> 1;
  const chromaBytes = chromaWidth * ((rows + 1) >> 1);
  const { at, memory } = lendPixelMemory([4 * width * rows, width * rows, chromaBytes, chromaBytes]);
  const [packed = 0, y = 0, u = 0, v = 0] = at;
  for (let row = 0; row < height; row += rows) {
    const here = Math.min(rows, height - row);
    memory.bytes.set(pixels.subarray(4 * width * row, 4 * width * (row + here)), packed);
    memory.kernels.packedToI420(packed, width, here, Number(blueFirst), y, u, v);
    const chroma = (row >> 1) * chromaWidth;
    const made = chromaWidth * ((here + 1) >> 1);
    planes[0].set(memory.bytes.subarray(y, y + width * here), row * width);
    planes[1].set(memory.bytes.subarray(u, u + made), chroma);
    planes[2].set(memory.bytes.subarray(v, v + made), chroma);
  }
}

function split(pixels: Uint8Array, [luma, us, vs]: I420Picture["planes"]): void {
  luma.set(pixels.subarray(0, luma.length));
  const pairs = Math.min(us.length, BAND_BYTES);
  const { at, memory } = lendPixelMemory([2 * pairs, pairs, pairs]);
  const [source = 0, u = 0, v = 0] = at;
  for (let done = 0; done < us.length; done += pairs) {
    const here = Math.min(pairs, us.length - done);
    const from = luma.length + 2 * done;
    memory.bytes.set(pixels.subarray(from, from + 2 * here), source);
    memory.kernels.splitPairs(source, here, u, v);
    us.set(memory.bytes.subarray(u, u + here), done);
    vs.set(memory.bytes.subarray(v, v + here), done);
  }
}

/** Rows of a band: an even number, so that no sample of chroma is cut in two. */
function bandRows(width: number, height: number): number {
  const fitting = Math.floor(BAND_BYTES / (4 * width)) & ~1;
  return Math.min(height, Math.max(2, fitting));
}
