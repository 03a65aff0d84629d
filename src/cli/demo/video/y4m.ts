// The headers of Y4M files (YUV4MPEG2): raw pictures one after the other, as ffmpeg and most video tools read and write
// them. Pure; touches no file system.
import { chromaSize } from "./picture.ts";

/** Longest line of a header, in bytes; real ones stay below a hundred. */
export const MAX_Y4M_LINE = 256;

const MAGIC = "YUV4MPEG2";
const PICTURE = "FRAME";
/** 4:2:0 of 8 bits; they differ in where samples of chroma lie, by at most half a pixel. Without a word it is the first. */
const LAYOUTS: readonly string[] = ["420jpeg", "420mpeg2", "420paldv", "420"];
/** Progressive, or not told. */
const WHOLE_PICTURES: readonly string[] = ["p", "?"];
const MAX_SIDE = 8_192;
const MAX_FPS = 1_000;
const ADVICE = "ffmpeg -i input -pix_fmt yuv420p output.y4m makes such a file";

/** What all pictures of a file have in common. */
export interface Y4mFormat {
  /** Pixels; odd ones too. */
  width: number;
  height: number;
  /** Pictures a second; 29.97 and its like are 30000/1001. */
  framerateFps: number;
}

/** The header of a file, read. */
export interface Y4mHeader extends Y4mFormat {
  /** Of the header, its line feed included. */
  headerBytes: number;
  /** Of the planes of a picture; the line before them is not counted. */
  pictureBytes: number;
}

/**
 * Read the header of a file. Interlaced pictures, and samples other than 8-bit 4:2:0, are refused.
 *
 * @param bytes from the beginning of the file, {@link MAX_Y4M_LINE} of them or all there are
 * @throws Error that says what is wrong, and what was expected
 */
export function parseY4mHeader(bytes: Uint8Array): Y4mHeader {
  const line = lineOf(bytes);
  const [magic, ...fields] = line?.split(" ") ?? [];
  if (line === undefined || magic !== MAGIC) throw new Error(`not a Y4M file (it begins with ${MAGIC})`);
  const valueOf = (tag: string): string | undefined =>
    fields.find((field) => field.startsWith(tag))?.slice(1);
  const layout = valueOf("C") ?? "420jpeg";
  if (!LAYOUTS.includes(layout)) {
    throw new Error(`pictures are C${layout}; expected 8 bits of 4:2:0 (C${LAYOUTS.join(", C")}). ${ADVICE}`);
  }
  const scan = valueOf("I") ?? "?";
  if (!WHOLE_PICTURES.includes(scan))
    throw new Error(`pictures are interlaced (I${scan}); expected whole ones (Ip)`);
  const width = sideOf("W", valueOf("W"));
  const height = sideOf("H", valueOf("H"));
  return {
    width,
    height,
    framerateFps: rateOf(valueOf("F")),
    headerBytes: line.length + 1,
    pictureBytes: pictureBytesOf(width, height),
  };
}

/**
 * Read the line before a picture.
 *
 * @param bytes from that line on, {@link MAX_Y4M_LINE} of them or all there are
 * @returns length of the line with its line feed; undefined when there is no such line
 */
export function pictureLineBytes(bytes: Uint8Array): number | undefined {
  const line = lineOf(bytes);
  return line === PICTURE || line?.startsWith(`${PICTURE} `) === true ? line.length + 1 : undefined;
}

/** The header of a new file, and what comes before each of its pictures. */
export function y4mHeader({ width, height, framerateFps }: Y4mFormat): Uint8Array {
  return new TextEncoder().encode(`${MAGIC} W${width} H${height} F${ratio(framerateFps)} Ip A1:1 C420jpeg\n`);
}

/** See {@link y4mHeader}. */
export function y4mPictureLine(): Uint8Array {
  return new TextEncoder().encode(`${PICTURE}\n`);
}

/** Bytes of the three planes of a picture. */
export function pictureBytesOf(width: number, height: number): number {
  return width * height + 2 * chromaSize(width) * chromaSize(height);
}

/** The first line, without its line feed; undefined when it has no end. */
function lineOf(bytes: Uint8Array): string | undefined {
  const end = bytes.subarray(0, MAX_Y4M_LINE).indexOf(0x0a);
  return end < 0 ? undefined : String.fromCharCode(...bytes.subarray(0, end));
}

function sideOf(tag: string, text: string | undefined): number {
  const value = wholeNumber(text);
  if (value >= 1 && value <= MAX_SIDE) return value;
  throw new Error(`not a valid Y4M file (${tag}${text ?? ""}; expected ${tag}1 to ${tag}${MAX_SIDE})`);
}

function rateOf(text: string | undefined): number {
  const [over, under] = (text ?? "").split(":");
  const rate = wholeNumber(over) / wholeNumber(under);
  if (rate > 0 && rate <= MAX_FPS) return rate;
  throw new Error(`not a valid Y4M file (F${text ?? ""}; expected pictures a second as in F30:1)`);
}

function wholeNumber(text: string | undefined): number {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : NaN;
}

/** A rate as whole numbers: those of television over 1001, others to thousandths. */
function ratio(framerateFps: number): string {
  if (Number.isInteger(framerateFps)) return `${framerateFps}:1`;
  const television = Math.round(framerateFps * 1.001);
  if (Math.abs(television / 1.001 - framerateFps) < 0.002) return `${television * 1000}:1001`;
  return `${Math.round(framerateFps * 1000)}:1000`;
}
