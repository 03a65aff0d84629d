// What simulated codecs write: the first bytes of a real frame, then a line of text that says what follows, a tiny picture
// in gray, and filling. No byte is zero behind the first bytes, so that H.264 needs no escapes. Pure.
import type { I420Picture, VideoCodecName } from "../platform/video-codecs.ts";
import { NAL, NAL_TYPE, findNalUnits } from "../rtp/nal-units.ts";

/** Columns and rows of the tiny picture. */
const COLUMNS = 16;
const ROWS = 9;
const LUMA_BYTES = COLUMNS * ROWS;

/** A line is never longer. */
const MAX_LINE_BYTES = 80;
const NEWLINE = 10;
const FILLING = 0x55;
const NO_COLOR = 128;

const utf8 = new TextEncoder();
const text = new TextDecoder();

/** A picture as it is written. */
export interface SimulatedPicture {
  readonly width: number;
  readonly height: number;
  /** {@link reduced}. */
  readonly luma: Uint8Array;
  readonly isKeyframe: boolean;
  /** Hash of the picture that it needs. */
  readonly reference: number;
}

/**
 * Write a picture.
 * @param byteLength how long it should be; it is longer where it has to
 * @returns with it the hash that names it as a reference
 */
export function writePicture(
  codec: VideoCodecName,
  picture: SimulatedPicture,
  position: number,
  byteLength: number,
): { data: Uint8Array; hash: number } {
  const { width, height, isKeyframe, reference, luma } = picture;
  const head = headOf(codec, picture);
  const kind = isKeyframe ? "key" : "other";
  const facts = `${kind} ${width} ${height} ${position} ${reference}`;
  const hash = hashOf(facts, luma);
  const line = utf8.encode(`${facts} ${hash}\n`);
  const data = new Uint8Array(Math.max(byteLength, head.length + line.length + LUMA_BYTES)).fill(FILLING);
  data.set(head);
  data.set(line, head.length);
  data.set(luma, head.length + line.length);
  return { data, hash };
}

/** Read a picture. @returns why it cannot be read, as text; what differs from what was written is noticed */
export function readPicture(
  codec: VideoCodecName,
  data: Uint8Array,
): (SimulatedPicture & { hash: number }) | string {
  const body = bodyOf(codec, data);
  const end = body.subarray(0, MAX_LINE_BYTES).indexOf(NEWLINE);
  if (end < 0) return "it has no beginning";
  const words = text.decode(body.subarray(0, end)).split(" ");
  const [kind] = words;
  const [, width = 0, height = 0, , reference = 0, hash = 0] = words.map(Number);
  const luma = body.slice(end + 1, end + 1 + LUMA_BYTES);
  if (luma.length < LUMA_BYTES) return "it is cut off";
  if (hashOf(words.slice(0, -1).join(" "), luma) !== hash) return "it is damaged";
  return { width, height, luma, isKeyframe: kind === "key", reference, hash };
}

/** Luma of a picture in 16 columns and 9 rows: a sample from the middle of each part. */
export function reduced({ width, height, planes: [y] }: I420Picture): Uint8Array {
  const luma = new Uint8Array(LUMA_BYTES);
  for (let i = 0; i < LUMA_BYTES; i++) {
    const row = Math.floor(((Math.floor(i / COLUMNS) + 0.5) * height) / ROWS);
    const column = Math.floor((((i % COLUMNS) + 0.5) * width) / COLUMNS);
    luma[i] = Math.max(1, y[row * width + column] ?? 0);
  }
  return luma;
}

/** Planes of a gray picture made of {@link reduced} luma. */
export function enlarged(luma: Uint8Array, width: number, height: number): I420Picture["planes"] {
  const y = new Uint8Array(width * height);
  let drawn = -1;
  for (let row = 0; row < height; row++) {
    const from = Math.floor((row * ROWS) / height);
    const at = row * width;
    if (from === drawn) {
      y.copyWithin(at, at - width, at);
      continue;
    }
    drawn = from;
    for (let column = 0; column < COLUMNS; column++) {
      const begin = Math.ceil((column * width) / COLUMNS);
      const end = Math.ceil(((column + 1) * width) / COLUMNS);
      y.fill(luma[from * COLUMNS + column] ?? 0, at + begin, at + end);
    }
  }
  const chroma = ((width + 1) >> 1) * ((height + 1) >> 1);
  return [y, new Uint8Array(chroma).fill(NO_COLOR), new Uint8Array(chroma).fill(NO_COLOR)];
}

function headOf(codec: VideoCodecName, { isKeyframe, width, height }: SimulatedPicture): Uint8Array {
  switch (codec) {
    case "VP8":
      return isKeyframe ? vp8Head(width, height) : Uint8Array.of(0x31);
    case "VP9":
      return isKeyframe ? vp9Head(width, height) : Uint8Array.of(0x86);
    case "H264":
      return isKeyframe ? h264Head(width, height) : Uint8Array.of(0, 0, 0, 1, 0x61);
  }
}

/** Frame tag, start code and size (RFC 6386 section 9.1). */
function vp8Head(width: number, height: number): Uint8Array {
  return Uint8Array.of(0x10, 0x85, 0, 0x9d, 0x01, 0x2a, width & 0xff, width >> 8, height & 0xff, height >> 8);
}

/** The uncompressed header of a keyframe of profile 0, up to its size (VP9 bitstream specification, section 6.2). */
function vp9Head(width: number, height: number): Uint8Array {
  const bits = new Bits().add(0b10, 2).add(0, 2).add(0b0010, 4).add(0x498342, 24).add(0b0010, 4);
  return bits.add(width - 1, 16).add(height - 1, 16).bytes;
}

/** Parameter sets of the baseline profile, and the beginning of an IDR slice (ITU-T H.264 section 7.3). */
function h264Head(width: number, height: number): Uint8Array {
  const [columns, rows] = [Math.ceil(width / 16), Math.ceil(height / 16)];
  const sps = new Bits().add(0x67, 8).add(66, 8).add(0xc0, 8).add(0x1f, 8);
  // Set 0, 16 frame numbers, picture order of type 2, one reference without gaps; then the size.
  sps
    .golomb(0, 0, 2, 1)
    .add(0, 1)
    .golomb(columns - 1, rows - 1);
  // Whole frames, 8x8 inference, and what is cropped: left, right, top, bottom, two pixels each.
  sps.add(0b111, 3).golomb(0, (columns * 16 - width) >> 1, 0, (rows * 16 - height) >> 1);
  sps.add(0b01, 2); // no usability information; the stop bit
  const pps = [0x68, 0xce, 0x3c, 0x80];
  return Uint8Array.from([0, 0, 0, 1, ...sps.bytes, 0, 0, 0, 1, ...pps, 0, 0, 0, 1, 0x65]);
}

function bodyOf(codec: VideoCodecName, data: Uint8Array): Uint8Array {
  if (codec === "H264") {
    const slice = findNalUnits(data).find((unit) => [1, NAL.idr].includes((unit[0] ?? 0) & NAL_TYPE));
    return slice?.subarray(1) ?? new Uint8Array();
  }
  if (codec === "VP8") return data.subarray(((data[0] ?? 1) & 1) === 0 ? 10 : 1);
  return data.subarray(data[0] === 0x86 ? 1 : 9);
}

/** FNV-1a over text and bytes; above 0, as 0 is nobody's. */
function hashOf(facts: string, luma: Uint8Array): number {
  let value = 0x811c9dc5;
  for (const byte of utf8.encode(facts)) value = Math.imul(value ^ byte, 0x01000193);
  for (const byte of luma) value = Math.imul(value ^ byte, 0x01000193);
  return (value >>> 0) + 1;
}

/** Bits, the most significant first. */
class Bits {
  readonly #bits: number[] = [];

  get bytes(): Uint8Array {
    const bytes = new Uint8Array(Math.ceil(this.#bits.length / 8));
    this.#bits.forEach((bit, i) => (bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (bit << (7 - (i & 7)))));
    return bytes;
  }

  add(value: number, count: number): this {
    for (let shift = count - 1; shift >= 0; shift--) this.#bits.push(Math.floor(value / 2 ** shift) % 2);
    return this;
  }

  /** Unsigned Exp-Golomb codes. */
  golomb(...values: readonly number[]): this {
    for (const value of values) {
      const length = Math.floor(Math.log2(value + 1));
      this.add(0, length).add(value + 1, length + 1);
    }
    return this;
  }
}
