// Frames as encoders make them: sound at the beginning, where payload formats look, and random behind it.
import type { VideoCodecName } from "../../src/platform/video-codecs.ts";
import type { CodedFrame, VideoPayload, VideoPayloadRefusal } from "../../src/rtp/video-payload.ts";
import type { SeededRandom } from "../../src/testing/random.ts";

/** What Chromium's encoder writes for 640x360 in front of a keyframe. */
export const SPS_640X360 = bytesOf("6742c01e8c8d405017fcb37010d01078442350");
export const PPS = bytesOf("68ce3c80");

const START_CODE = Uint8Array.of(0, 0, 0, 1);

/** Bytes of hexadecimal digits; blanks are for the reader. */
export function bytesOf(hex: string): Uint8Array {
  const digits = hex.replace(/\s/g, "");
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) =>
    parseInt(digits.slice(i * 2, i * 2 + 2), 16),
  );
}

/** Hexadecimal digits of bytes. */
export function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Whether two arrays are equal; matchers take their time with long ones. */
export function sameBytes(first: Uint8Array, second: Uint8Array): boolean {
  return first.length === second.length && first.every((byte, i) => byte === second[i]);
}

/** Arrays one after the other. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** NAL units as a byte stream with long start codes. */
export function annexB(...units: readonly Uint8Array[]): Uint8Array {
  return joined(units.flatMap((unit) => [START_CODE, unit]));
}

/** A NAL unit of this first byte, without anything in it that looks like a start code. */
export function nalUnit(header: number, length: number, random: SeededRandom): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i === 0 ? header : random.integer(1, 255)));
}

/** A frame of about `length` bytes, of 640x360. */
export function codedFrame(
  codec: VideoCodecName,
  isKeyframe: boolean,
  length: number,
  random: SeededRandom,
): CodedFrame {
  const data = dataOf(codec, isKeyframe, length, random);
  return { data, isKeyframe, width: 640, height: 360 };
}

function dataOf(
  codec: VideoCodecName,
  isKeyframe: boolean,
  length: number,
  random: SeededRandom,
): Uint8Array {
  if (codec === "H264") {
    const [first, second] = [random.integer(1, length), random.integer(1, length)];
    const header = isKeyframe ? 0x65 : 0x61;
    const slices = [nalUnit(header, first, random), nalUnit(header, second, random)];
    return isKeyframe ? annexB(SPS_640X360, PPS, ...slices) : annexB(...slices);
  }
  const keyframe = codec === "VP9" ? "824983425027f0167614" : "1085009d012a80026801";
  const other = codec === "VP9" ? "86" : "31";
  return joined([bytesOf(isKeyframe ? keyframe : other), random.bytes(length)]);
}

/** A payload that was not refused. */
export function accepted(result: VideoPayload | VideoPayloadRefusal): VideoPayload {
  if (typeof result === "string") throw new Error(`refused: ${result}`);
  return result;
}
