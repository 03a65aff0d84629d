// What a program, a peer or a recording may hand to a session: checks of shape, sizes and ranges. Never changes a value.
import { TransportError } from "../errors/errors.ts";
import type { AudioData, PixelFormat, RuntimeData, TransportData, VideoData } from "../runtime/data.ts";
import { isMembers } from "../runtime/schema.ts";

const MIN_SAMPLE_RATE = 8_000;
const MAX_SAMPLE_RATE = 192_000;

/** As many as Web Audio gives meaning to, and some more. */
const MAX_CHANNELS = 32;

/** Longest side of a picture, pixels (RFC 6386 section 9.1). */
const MAX_SIDE = 16_383;

/** Bytes of each pixel; of I420 and NV12 those of luma. */
const PIXEL_BYTES: Readonly<Record<Exclude<PixelFormat, "encoded">, number>> = {
  I420: 1,
  NV12: 1,
  RGB24: 3,
  RGBA: 4,
  BGRX: 4,
  GRAY8: 1,
};
const CODECS: readonly unknown[] = ["VP9", "H264", "VP8"];
const ROTATIONS: readonly unknown[] = [0, 90, 180, 270];
const ELEMENT_BYTES: Readonly<Record<string, number>> = { f32: 4, f16: 2, i32: 4, i8: 1, u8: 1 };
const CONTROL_MESSAGES: readonly unknown[] = ["cancel", "batchHint", "deadline"];

/**
 * Refuse an input that no pipeline can work on.
 *
 * @throws TransportError `INVALID_DATA` naming the field and what was expected of it
 */
export function checkInput(input: TransportData): void {
  if (!isMembers(input)) refuse("input", "an object with data and metadata", input);
  const { data, sequence, metadata } = input;
  if (sequence !== undefined && !isCount(sequence)) refuse("sequence", "a whole number from 0", sequence);
  if (!isMembers(metadata)) refuse("metadata", "an object", metadata);
  for (const [name, text] of Object.entries(metadata)) {
    if (typeof text !== "string") refuse(`metadata.${name}`, "a string", text);
  }
  if (!isMembers(data)) refuse("data", "an object", data);
  checkData(data);
}

function checkData(data: RuntimeData): void {
  const { streamId, timestampUs } = data;
  if (streamId !== undefined && typeof streamId !== "string") refuse("data.streamId", "a string", streamId);
  if (timestampUs !== undefined && !(timestampUs >= 0 && timestampUs <= Number.MAX_SAFE_INTEGER)) {
    refuse("data.timestampUs", "microseconds since 1970, from 0 to 2^53 - 1", timestampUs);
  }
  switch (data.type) {
    case "audio":
      return checkAudio(data);
    case "video":
      return checkVideo(data);
    case "tensor": {
      const { shape, dtype } = data;
      const width = ELEMENT_BYTES[dtype];
      if (width === undefined) refuse("data.dtype", "f32, f16, i32, i8 or u8", dtype);
      if (!(Array.isArray(shape) && shape.every(isCount)))
        refuse("data.shape", "an array of whole numbers", shape);
      const bytes = shape.reduce((product, length) => product * length, width);
      return checkBytes(data.data, bytes, `shape [${shape.join(", ")}] of ${dtype}`);
    }
    case "json":
      if (data.value === undefined) refuse("data.value", "a JSON value", undefined);
      return;
    case "text":
      if (typeof data.text !== "string") refuse("data.text", "a string", data.text);
      if (data.channel !== undefined && typeof data.channel !== "string") {
        refuse("data.channel", "a string", data.channel);
      }
      return;
    case "binary":
      if (data.mimeType !== undefined && typeof data.mimeType !== "string") {
        refuse("data.mimeType", "a string", data.mimeType);
      }
      return checkBytes(data.data);
    case "control":
      if (!CONTROL_MESSAGES.includes(data.message)) {
        refuse("data.message", "cancel, batchHint or deadline", data.message);
      }
      if (!isMembers(data.value)) refuse("data.value", "an object", data.value);
      return;
    default:
      refuse("data.type", "audio, video, tensor, json, text, binary or control", (data as RuntimeData).type);
  }
}

function checkAudio({ samples, sampleRate, channels }: AudioData): void {
  if (!(samples instanceof Float32Array)) refuse("data.samples", "a Float32Array", samples);
  if (!(Number.isInteger(sampleRate) && sampleRate >= MIN_SAMPLE_RATE && sampleRate <= MAX_SAMPLE_RATE)) {
    const expected = `a whole number of Hz from ${MIN_SAMPLE_RATE} to ${MAX_SAMPLE_RATE}`;
    refuse("data.sampleRate", expected, sampleRate);
  }
  if (!(Number.isInteger(channels) && channels >= 1 && channels <= MAX_CHANNELS)) {
    refuse("data.channels", `a whole number from 1 to ${MAX_CHANNELS}`, channels);
  }
  if (samples.length % channels !== 0) {
    refuse("data.samples.length", `a multiple of channels (${channels})`, samples.length);
  }
  for (let i = 0; i < samples.length; i++) {
    const sample = samples[i] as number;
    // What is not finite less itself is NaN.
    if (sample - sample !== 0) refuse(`data.samples[${i}]`, "a finite number", sample);
  }
}

function checkVideo(video: VideoData): void {
  const { data, width, height, format, codec, isKeyframe, frameNumber, rotation } = video;
  if (!isSide(width)) refuse("data.width", `a whole number of pixels from 1 to ${MAX_SIDE}`, width);
  if (!isSide(height)) refuse("data.height", `a whole number of pixels from 1 to ${MAX_SIDE}`, height);
  if (frameNumber !== undefined && !isCount(frameNumber)) {
    refuse("data.frameNumber", "a whole number from 0", frameNumber);
  }
  if (rotation !== undefined && !ROTATIONS.includes(rotation)) {
    refuse("data.rotation", "0, 90, 180 or 270", rotation);
  }
  if (format === "encoded") {
    if (!CODECS.includes(codec)) refuse("data.codec", "VP9, H264 or VP8 where format is encoded", codec);
    if (typeof isKeyframe !== "boolean") {
      refuse("data.isKeyframe", "true or false where format is encoded", isKeyframe);
    }
    return checkBytes(data);
  }
  if (!Object.hasOwn(PIXEL_BYTES, format)) {
    refuse("data.format", `encoded, ${Object.keys(PIXEL_BYTES).join(", ")}`, format);
  }
  const chroma = format === "I420" || format === "NV12" ? 2 * ((width + 1) >> 1) * ((height + 1) >> 1) : 0;
  checkBytes(data, width * height * PIXEL_BYTES[format] + chroma, `${width}x${height} in ${format}`);
}

function checkBytes(bytes: Uint8Array, length?: number, what?: string): void {
  if (!(bytes instanceof Uint8Array)) refuse("data.data", "a Uint8Array", bytes);
  if (length !== undefined && bytes.length !== length) {
    refuse("data.data.length", `${length} for ${what}`, bytes.length);
  }
}

function isSide(side: unknown): boolean {
  return typeof side === "number" && Number.isInteger(side) && side >= 1 && side <= MAX_SIDE;
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function refuse(field: string, expected: string, value: unknown): never {
  const found =
    typeof value === "string" ? `'${value.slice(0, 64)}'` : typeof value === "number" ? value : typeof value;
  throw new TransportError("INVALID_DATA", `${field} must be ${expected}, not ${found}`);
}
