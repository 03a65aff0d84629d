// Pictures as inputs of nodes, and what plain loops say of their formats.
import { expect } from "vitest";
import type { PixelFormat, TransportData, VideoData } from "../../../src/runtime/data.ts";
import type { SeededRandom } from "../../../src/testing/random.ts";

/** Formats of pixels. */
export const RAW_FORMATS = ["I420", "NV12", "RGB24", "RGBA", "BGRX", "GRAY8"] as const;

/** A format of pixels. */
export type RawFormat = (typeof RAW_FORMATS)[number];

/** Width and height, odd and small ones, and around a group of 16. */
export const PICTURE_SIZES = [
  [1, 1],
  [2, 1],
  [1, 3],
  [5, 4],
  [15, 17],
  [16, 16],
  [33, 21],
] as const;

/** Bytes of a picture. */
export function bytesOf(format: RawFormat, width: number, height: number): number {
  const pixels = width * height;
  if (format === "I420" || format === "NV12") return pixels + 2 * half(width) * half(height);
  return { RGB24: 3, RGBA: 4, BGRX: 4, GRAY8: 1 }[format] * pixels;
}

/** A picture of noise. */
export function noise(random: SeededRandom, format: RawFormat, width: number, height: number): VideoData {
  return { type: "video", format, width, height, data: random.bytes(bytesOf(format, width, height)) };
}

/** A picture as input. */
export function input(data: VideoData, peer?: string): TransportData {
  return { data, metadata: peer === undefined ? {} : { source_peer: peer } };
}

/** The only picture among outputs; anything else is an error. */
export function onlyPicture(outputs: readonly TransportData[]): VideoData {
  const [first, ...rest] = outputs.map(({ data }) => data);
  if (first?.type !== "video" || rest.length > 0)
    throw new Error(`expected one picture of ${outputs.length}`);
  return first;
}

/** Planes of an I420 picture, with their widths. */
export function planesOf({
  data,
  width,
  height,
}: VideoData): { plane: Uint8Array; width: number; height: number }[] {
  const luma = width * height;
  const chroma = { width: half(width), height: half(height) };
  const length = chroma.width * chroma.height;
  return [
    { plane: data.subarray(0, luma), width, height },
    { plane: data.subarray(luma, luma + length), ...chroma },
    { plane: data.subarray(luma + length), ...chroma },
  ];
}

/** Something that is no picture of pixels, or not as large as it says, and what it is refused with. */
export const REFUSED: readonly (readonly [string, VideoData, RegExp])[] = [
  [
    "a coded picture",
    {
      type: "video",
      format: "encoded",
      codec: "VP8",
      isKeyframe: true,
      width: 4,
      height: 4,
      data: new Uint8Array(9),
    },
    /not encoded/,
  ],
  [
    "too few bytes",
    { type: "video", format: "I420", width: 4, height: 4, data: new Uint8Array(23) },
    /data\.length/,
  ],
  [
    "a size that is none",
    { type: "video", format: "GRAY8", width: 0, height: 4, data: new Uint8Array(0) },
    /width/,
  ],
  [
    "an unknown format",
    { type: "video", format: "YUY2" as PixelFormat, width: 2, height: 2, data: new Uint8Array(8) },
    /format/,
  ],
];

/** An error as nodes refuse with what they cannot work on, for matchers. */
export function refusal(message: RegExp): Error {
  const matching = expect.stringMatching(message) as string;
  return expect.objectContaining({ code: "INVALID_DATA", message: matching }) as Error;
}

/** What the definitions make of a picture, unrounded: BT.601, limited range, chroma the mean of what it covers. */
export function definition(picture: VideoData, target: RawFormat): Float64Array {
  const { width, height } = picture;
  const isYuv = (format: PixelFormat): boolean => format === "I420" || format === "NV12";
  const pixel = isYuv(picture.format) && (isYuv(target) || target === "GRAY8") ? yuvAt : rgbAt;
  const made = new Float64Array(bytesOf(target, width, height));
  const [cw, ch] = [half(width), half(height)];
  const toYuv = (x: number, y: number): readonly number[] =>
    pixel === yuvAt ? yuvAt(picture, x, y) : yuvOf(rgbAt(picture, x, y));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      if (isYuv(target)) made[at] = toYuv(x, y)[0] as number;
      else if (target === "GRAY8") made[at] = grayAt(picture, x, y);
      else made.set(packed(rgbAt(picture, x, y), target), (target === "RGB24" ? 3 : 4) * at);
    }
  }
  for (let i = 0; isYuv(target) && i < cw * ch; i++) {
    const [x, y] = [2 * (i % cw), 2 * Math.floor(i / cw)];
    const [right, below] = [Math.min(x + 1, width - 1), Math.min(y + 1, height - 1)];
    const covered = [toYuv(x, y), toYuv(right, y), toYuv(x, below), toYuv(right, below)];
    for (const channel of [1, 2]) {
      const mean = covered.reduce((sum, yuv) => sum + (yuv[channel] as number), 0) / 4;
      const place = target === "I420" ? (channel - 1) * cw * ch + i : 2 * i + channel - 1;
      made[width * height + place] = mean;
    }
  }
  return made;
}

function half(side: number): number {
  return (side + 1) >> 1;
}

function packed([r = 0, g = 0, b = 0]: readonly number[], target: RawFormat): number[] {
  if (target === "RGB24") return [r, g, b];
  return target === "RGBA" ? [r, g, b, 255] : [b, g, r, 255];
}

function yuvAt({ data, width, height, format }: VideoData, x: number, y: number): number[] {
  const luma = width * height;
  const chroma = (y >> 1) * half(width) + (x >> 1);
  const [u, v] =
    format === "NV12" ? [2 * chroma, 2 * chroma + 1] : [chroma, chroma + half(width) * half(height)];
  return [y * width + x, luma + u, luma + v].map((at) => data[at] as number);
}

function rgbAt(picture: VideoData, x: number, y: number): number[] {
  const { data, width, format } = picture;
  const at = y * width + x;
  if (format === "GRAY8") return Array<number>(3).fill(data[at] as number);
  if (format === "RGB24") return [...data.subarray(3 * at, 3 * at + 3)];
  if (format === "RGBA") return [...data.subarray(4 * at, 4 * at + 3)];
  if (format === "BGRX") return [...data.subarray(4 * at, 4 * at + 3)].reverse();
  const [luma = 0, u = 0, v = 0] = yuvAt(picture, x, y);
  const [l, pb, pr] = [(luma - 16) / 219, (u - 128) / 224, (v - 128) / 224];
  const rgb = [l + 1.402 * pr, l - (0.114 * 1.772 * pb + 0.299 * 1.402 * pr) / 0.587, l + 1.772 * pb];
  return rgb.map(clamped);
}

function yuvOf(rgb: readonly number[]): number[] {
  const [r = 0, g = 0, b = 0] = rgb.map((channel) => channel / 255);
  const luma = 0.299 * r + 0.587 * g + 0.114 * b;
  return [16 + 219 * luma, 128 + (224 * (b - luma)) / 1.772, 128 + (224 * (r - luma)) / 1.402];
}

function grayAt(picture: VideoData, x: number, y: number): number {
  const { format } = picture;
  if (format === "I420" || format === "NV12")
    return clamped(((yuvAt(picture, x, y)[0] as number) - 16) / 219);
  const [r = 0, g = 0, b = 0] = rgbAt(picture, x, y);
  return 0.299 * r + 0.587 * g + 0.114 * b;
}

function clamped(share: number): number {
  return Math.min(255, Math.max(0, 255 * share));
}
