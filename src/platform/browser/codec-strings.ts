// Names of codecs as WebCodecs wants them (W3C WebCodecs Codec Registry), with a level that fits the stream. Pure.
import type { VideoCodecName } from "../video-codecs.ts";

/** Limits of a level: what stands for it in the name, pixels a second, pixels a picture. */
type Level = readonly [code: string, rate: number, size: number];

/** VP9 levels 1 to 6.2 (VP9 Bitstream & Decoding Process Specification, Annex A). */
const VP9_LEVELS: readonly Level[] = [
  ["10", 829_440, 36_864],
  ["11", 2_764_800, 73_728],
  ["20", 4_608_000, 122_880],
  ["21", 9_216_000, 245_760],
  ["30", 20_736_000, 552_960],
  ["31", 36_864_000, 983_040],
  ["40", 83_558_400, 2_228_224],
  ["41", 160_432_128, 2_228_224],
  ["50", 311_951_360, 8_912_896],
  ["51", 588_251_136, 8_912_896],
  ["52", 1_176_502_272, 8_912_896],
  ["61", 2_353_004_544, 35_651_584],
  ["62", 4_706_009_088, 35_651_584],
];

/** A macroblock of H.264, pixels; its tables count in these. */
const BLOCK = 256;
/** H.264 levels 3.1 to 6.2 (ITU-T H.264 table A-1). Below 3.1, which WebRTC offers, nothing is to be won. */
const H264_LEVELS: readonly Level[] = [
  ["1f", 108_000 * BLOCK, 3_600 * BLOCK],
  ["20", 216_000 * BLOCK, 5_120 * BLOCK],
  ["28", 245_760 * BLOCK, 8_192 * BLOCK],
  ["2a", 522_240 * BLOCK, 8_704 * BLOCK],
  ["32", 589_824 * BLOCK, 22_080 * BLOCK],
  ["33", 983_040 * BLOCK, 36_864 * BLOCK],
  ["34", 2_073_600 * BLOCK, 36_864 * BLOCK],
  ["3c", 4_177_920 * BLOCK, 139_264 * BLOCK],
  ["3e", 16_711_680 * BLOCK, 139_264 * BLOCK],
];

/**
 * VP9 profile 0 with 8 bits, H.264 Constrained Baseline, or VP8, which has no levels. What is beyond every level gets
 * the highest. The bitrate has no say: it changes from second to second, and another name costs a keyframe.
 */
export function codecString(
  codec: VideoCodecName,
  width: number,
  height: number,
  framerateFps: number,
): string {
  if (codec === "VP8") return "vp8";
  const isVp9 = codec === "VP9";
  const levels = isVp9 ? VP9_LEVELS : H264_LEVELS;
  const pixels = isVp9 ? width * height : Math.ceil(width / 16) * Math.ceil(height / 16) * BLOCK;
  const fitting = levels.find(([, rate, size]) => pixels * framerateFps <= rate && pixels <= size);
  const code = (fitting ?? levels.at(-1))?.[0];
  return isVp9 ? `vp09.00.${code}.08` : `avc1.42e0${code}`;
}

/** As fast as pictures come, for want of knowledge. */
const FASTEST_FPS = 60;

/** The name for a stream of which only the size of its pictures is known. */
export function decoderString(codec: VideoCodecName, width: number, height: number): string {
  return codecString(codec, width, height, FASTEST_FPS);
}
