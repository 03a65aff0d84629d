// A code in a picture that survives codecs and scaling: which picture of whose it is. Written into and read from luma,
// at any size; never names a wrong picture. Knows nothing of what else is in it.
import type { I420Picture } from "../../../platform/video-codecs.ts";
import { chromaSize } from "./picture.ts";

/** Blocks of the code: two rows over the whole width, each 10 by 10 pixels in a picture of 320x180. */
const COLUMNS = 32;
const ROWS = 2;
/** Height of a block as a part of that of the picture. */
const BLOCKS_PER_HEIGHT = 18;
/** Every so many blocks of a row one is known: they tell light from dark, and that the code lies where it should. */
const REFERENCE_STRIDE = 4;
/** Each block is read over this inner part of it: its edges are blurred and ring. */
const INSET = 0.25;

const NUMBER_BITS = 24;
const SENDER_BITS = 8;
const CRC_BITS = 16;

/** Turns these of the 48 bits over: small numbers look like large ones, half light and half dark. */
const WHITENING = [0xb6, 0x59, 0x4d, 0xa3, 0x2b, 0xd4] as const;

/** Luma of dark and light blocks. */
const DARK = 34;
const LIGHT = 214;
/** Less between the mean of the dark and the light references is no code; of 255. */
const LEAST_CONTRAST = 40;
/** Of that contrast: a block nearer to the middle than this is neither dark nor light. */
const LEAST_MARGIN = 0.1;

/** Of the height of a picture, from the top: where the code is. A reader needs no more of the picture. */
export const CODE_HEIGHT = ROWS / BLOCKS_PER_HEIGHT;

/** Numbers of pictures go up to this, and then begin at 0 anew. */
export const FRAME_NUMBERS = 2 ** NUMBER_BITS;

/** What the code says. */
export interface PictureCode {
  /** 0 to 2^24 - 1. */
  frameNumber: number;
  /** 0 to 255. */
  sender: number;
}

/** The chroma of a color, 16 to 240 each. */
export interface Tint {
  u: number;
  v: number;
}

/**
 * Draw a code over the top of a picture.
 *
 * @param code numbers above their range are wrapped
 * @param tint color of the whole strip; gray without
 */
export function drawPictureCode(
  picture: I420Picture,
  code: PictureCode,
  tint: Tint = { u: 128, v: 128 },
): void {
  const { width, height, planes } = picture;
  const [luma, u, v] = planes;
  const bits = encode(code);
  for (let row = 0; row < ROWS; row++) {
    const top = edge(row, height, BLOCKS_PER_HEIGHT);
    const bottom = edge(row + 1, height, BLOCKS_PER_HEIGHT);
    if (bottom <= top) continue;
    for (let column = 0; column < COLUMNS; column++) {
      const from = top * width + edge(column, width, COLUMNS);
      const to = top * width + edge(column + 1, width, COLUMNS);
      luma.fill(bits[row * COLUMNS + column] === 1 ? LIGHT : DARK, from, to);
    }
    for (let y = top + 1; y < bottom; y++) luma.copyWithin(y * width, top * width, (top + 1) * width);
  }
  const tinted = chromaSize(width) * chromaSize(edge(ROWS, height, BLOCKS_PER_HEIGHT));
  u.fill(tint.u, 0, tinted);
  v.fill(tint.v, 0, tinted);
}

/**
 * Read the code of a picture from its luma, of limited or full range.
 *
 * @param luma rows without gaps, from the top of the picture; {@link CODE_HEIGHT} of them are enough
 * @param width of the picture, px; @param height of the whole picture, px
 * @returns undefined without a code that is certain
 */
export function readPictureCode(luma: Uint8Array, width: number, height: number): PictureCode | undefined {
  return read((x, y) => luma[y * width + x] ?? NaN, width, height);
}

/**
 * The same of pixels as a canvas hands them out: R, G, B, A.
 *
 * @param rgba rows from the top of the picture; {@link CODE_HEIGHT} of them are enough
 */
export function readPictureCodeRgba(
  rgba: Uint8ClampedArray | Uint8Array,
  width: number,
  height: number,
): PictureCode | undefined {
  const lumaAt = (x: number, y: number): number => {
    const at = 4 * (y * width + x);
    return 0.299 * (rgba[at] ?? NaN) + 0.587 * (rgba[at + 1] ?? NaN) + 0.114 * (rgba[at + 2] ?? NaN);
  };
  return read(lumaAt, width, height);
}

/** Where block `index` begins, in pixels. */
function edge(index: number, pixels: number, blocks: number): number {
  return Math.round((index * pixels) / blocks);
}

function read(
  lumaAt: (x: number, y: number) => number,
  width: number,
  height: number,
): PictureCode | undefined {
  const levels = new Float64Array(COLUMNS * ROWS);
  for (let block = 0; block < levels.length; block++) levels[block] = levelOf(lumaAt, block, width, height);

  let dark = 0;
  let light = 0;
  for (let block = 0; block < levels.length; block += REFERENCE_STRIDE) {
    if (isLightReference(block)) light += levels[block] as number;
    else dark += levels[block] as number;
  }
  const references = levels.length / REFERENCE_STRIDE / 2;
  const contrast = (light - dark) / references;
  // Also of NaN, where rows are missing.
  if (!(contrast >= LEAST_CONTRAST)) return undefined;

  const middle = (light + dark) / references / 2;
  const bits: number[] = [];
  for (let block = 0; block < levels.length; block++) {
    const level = ((levels[block] as number) - middle) / contrast;
    if (!(Math.abs(level) >= LEAST_MARGIN)) return undefined;
    if (block % REFERENCE_STRIDE !== 0) bits.push(level > 0 ? 1 : 0);
    else if (level > 0 !== isLightReference(block)) return undefined;
  }
  return decode(bits.map((bit, i) => bit ^ (((WHITENING[i >> 3] ?? 0) >> (7 - (i & 7))) & 1)));
}

/** Mean luma of the inner part of a block. */
function levelOf(
  lumaAt: (x: number, y: number) => number,
  block: number,
  width: number,
  height: number,
): number {
  const [left, right] = inner(block % COLUMNS, width / COLUMNS);
  const [top, bottom] = inner(Math.floor(block / COLUMNS), height / BLOCKS_PER_HEIGHT);
  let sum = 0;
  for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) sum += lumaAt(x, y);
  return sum / ((right - left) * (bottom - top));
}

/** The pixels whose middles lie in the inner part of a block, but at least the one in its middle. */
function inner(index: number, size: number): [number, number] {
  const first = Math.round((index + INSET) * size);
  const last = Math.round((index + 1 - INSET) * size);
  const middle = Math.floor((index + 0.5) * size);
  return last > first ? [first, last] : [middle, middle + 1];
}

/** References alternate, and differently in each row, so that no shifted or mirrored code fits. */
function isLightReference(block: number): boolean {
  return (block / REFERENCE_STRIDE + Math.floor(block / COLUMNS)) % 2 === 0;
}

/** All blocks, references among them: 1 is light. */
function encode({ frameNumber, sender }: PictureCode): number[] {
  const bytes = bytesOf(frameNumber, sender);
  const crc = crc16(bytes);
  const all = [...bytes, crc >> 8, crc & 0xff].map((byte, i) => byte ^ (WHITENING[i] ?? 0));
  const bits: number[] = [];
  for (let block = 0, next = 0; block < COLUMNS * ROWS; block++) {
    if (block % REFERENCE_STRIDE === 0) {
      bits.push(isLightReference(block) ? 1 : 0);
    } else {
      bits.push(((all[next >> 3] ?? 0) >> (7 - (next & 7))) & 1);
      next++;
    }
  }
  return bits;
}

function decode(bits: readonly number[]): PictureCode | undefined {
  const frameNumber = numberOf(bits, 0, NUMBER_BITS);
  const sender = numberOf(bits, NUMBER_BITS, SENDER_BITS);
  const crc = numberOf(bits, NUMBER_BITS + SENDER_BITS, CRC_BITS);
  return crc === crc16(bytesOf(frameNumber, sender)) ? { frameNumber, sender } : undefined;
}

function numberOf(bits: readonly number[], start: number, count: number): number {
  let value = 0;
  for (let i = start; i < start + count; i++) value = value * 2 + (bits[i] ?? 0);
  return value;
}

function bytesOf(frameNumber: number, sender: number): number[] {
  return [(frameNumber >> 16) & 0xff, (frameNumber >> 8) & 0xff, frameNumber & 0xff, sender & 0xff];
}

/** CRC-16 with the polynomial of ITU-T V.41 (0x1021), begun with ones: finds any three wrong bits of these 48. */
function crc16(bytes: readonly number[]): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc;
}
