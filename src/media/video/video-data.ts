// What a program may hand in as pictures: checks, and the way to I420. Loaded only where there is video, as the kernels
// of pixels are.
import { TransportError } from "../../errors/errors.ts";
import type { I420Picture } from "../../platform/video-codecs.ts";
import type { PixelFormat, VideoData } from "../../runtime/data.ts";
import { reorderPixels } from "../../wasm/pixel-order.ts";
import { emptyPlanes, toI420 } from "../../wasm/pixels.ts";

/** Longest side, in pixels: what VP8 can say (RFC 6386 section 9.1). */
const MAX_SIDE = 16_383;

const FORMATS: readonly PixelFormat[] = ["I420", "NV12", "RGB24", "RGBA", "BGRX", "GRAY8", "encoded"];
const CODECS: readonly unknown[] = ["VP9", "H264", "VP8"];
const ROTATIONS: readonly unknown[] = [0, 90, 180, 270];

/** Black and white of luma, and chroma without color (ITU-R BT.601-7 section 2.5.3, 8 bits). */
const BLACK = 16;
const LUMA_STEPS = 219;
const NO_COLOR = 128;

/**
 * Refuse a picture that cannot be sent.
 *
 * @throws TransportError `INVALID_DATA` naming the field and what was expected of it
 */
export function checkVideoData(video: VideoData): void {
  const { data, width, height, format, timestampUs, rotation, isKeyframe } = video;
  if (!(data instanceof Uint8Array)) refuse("data", "a Uint8Array", typeof data);
  checkSide("width", width);
  checkSide("height", height);
  if (!FORMATS.includes(format)) refuse("format", `one of ${FORMATS.join(", ")}`, format);
  if (format === "encoded") {
    checkEncoded(video);
  } else {
    const bytes = bytesOf(format, width, height);
    if (data.length !== bytes) {
      refuse("data.length", `${bytes} for ${width}x${height} in ${format}`, data.length);
    }
    if (isKeyframe !== undefined && typeof isKeyframe !== "boolean") {
      refuse("isKeyframe", "true or false", isKeyframe);
    }
  }
  if (rotation !== undefined && !ROTATIONS.includes(rotation)) {
    refuse("rotation", "0, 90, 180 or 270", rotation);
  }
  if (timestampUs !== undefined && !(Number.isSafeInteger(Math.round(timestampUs)) && timestampUs >= 0)) {
    refuse("timestampUs", "Unix microseconds of its capture", timestampUs);
  }
}

/**
 * The picture in a data that has been checked. I420 costs nothing: its planes are views into `data`. Other formats have
 * planes of their own.
 *
 * @throws TransportError `NOT_SUPPORTED`, `LIMIT_EXCEEDED` as `toI420`
 */
export function pictureOf({ data, width, height, format }: VideoData): I420Picture {
  switch (format) {
    case "I420":
      return { width, height, planes: planesIn(data, width, height) };
    case "NV12":
    case "RGBA":
    case "BGRX":
      return toI420(data, format, width, height);
    case "RGB24":
      return toI420(reorderPixels(data, "RGB24", "RGBA"), "RGBA", width, height);
    case "GRAY8":
      return pictureOfGray(data, width, height);
    case "encoded":
      throw new TransportError("INVALID_DATA", "video.format must be one of pixels, not encoded");
  }
}

function checkSide(field: string, side: unknown): void {
  const isSide = typeof side === "number" && Number.isInteger(side) && side >= 1 && side <= MAX_SIDE;
  if (!isSide) refuse(field, `a whole number of pixels from 1 to ${MAX_SIDE}`, side);
}

function checkEncoded({ data, codec, isKeyframe, frameNumber, rotation }: VideoData): void {
  if (data.length === 0) refuse("data.length", "more than 0", 0);
  if (!CODECS.includes(codec)) refuse("codec", "VP9, H264 or VP8 where format is encoded", codec);
  if (typeof isKeyframe !== "boolean") {
    refuse("isKeyframe", "true or false where format is encoded", isKeyframe);
  }
  if (frameNumber !== undefined && !(Number.isSafeInteger(frameNumber) && frameNumber >= 0)) {
    refuse("frameNumber", "a whole number from 0", frameNumber);
  }
  if (rotation !== undefined && rotation !== 0) refuse("rotation", "0 where format is encoded", rotation);
}

function bytesOf(format: PixelFormat, width: number, height: number): number {
  const pixels = width * height;
  switch (format) {
    case "I420":
    case "NV12":
      return pixels + 2 * chromaBytes(width, height);
    case "RGB24":
      return 3 * pixels;
    case "RGBA":
    case "BGRX":
      return 4 * pixels;
    default:
      return pixels;
  }
}

function chromaBytes(width: number, height: number): number {
  return ((width + 1) >> 1) * ((height + 1) >> 1);
}

function planesIn(data: Uint8Array, width: number, height: number): I420Picture["planes"] {
  const luma = width * height;
  const chroma = chromaBytes(width, height);
  return [
    data.subarray(0, luma),
    data.subarray(luma, luma + chroma),
    data.subarray(luma + chroma, luma + 2 * chroma),
  ];
}

function pictureOfGray(gray: Uint8Array, width: number, height: number): I420Picture {
  const planes = emptyPlanes(width, height);
  const [y, u, v] = planes;
  const luma = Uint8Array.from({ length: 256 }, (_, level) => BLACK + Math.round((level * LUMA_STEPS) / 255));
  for (let i = 0; i < gray.length; i++) y[i] = luma[gray[i] as number] as number;
  u.fill(NO_COLOR);
  v.fill(NO_COLOR);
  return { width, height, planes };
}

function refuse(field: string, expected: string, value: unknown): never {
  throw new TransportError("INVALID_DATA", `video.${field} must be ${expected}, not ${String(value)}`);
}
