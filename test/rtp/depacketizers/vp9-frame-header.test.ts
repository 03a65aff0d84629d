import { describe, expect, it } from "vitest";
import { readVp9FrameHeader } from "../../../src/rtp/depacketizers/vp9-frame-header.ts";
import { BitWriter } from "../bit-writer.ts";
import { bytesOf } from "../coded-frames.ts";

const NO_SIZE = { width: 0, height: 0 };

/** A keyframe of 1920x1080 in a profile; the colors are bits between the sync code and the size. */
function keyframe(profile: number, colors: readonly number[]): Uint8Array {
  const writer = new BitWriter()
    .bits(2, 2)
    .bits(profile & 1)
    .bits(profile >> 1);
  if (profile === 3) writer.bits(0);
  writer.bits(0b0010, 4).bits(0x498342, 24);
  for (const bit of colors) writer.bits(bit);
  return writer.bits(1919, 16).bits(1079, 16).bytes;
}

describe("the header of a VP9 frame", () => {
  it.each([
    ["640x360", "824983425027f016761438241c18d21004c05fcd", 640, 360],
    ["182x98", "82498342500b5006160638241c183a0006005fc9", 182, 98],
    ["64x64", "824983425003f003f60638241c183a0002805f7e", 64, 64],
  ])("tells the size of a keyframe that Chromium encoded: %s", (_, hex, width, height) => {
    expect(readVp9FrameHeader(bytesOf(hex))).toEqual({ isKeyframe: true, width, height });
  });

  it.each([
    ["profile 0", 0, [0, 0, 1, 0]],
    ["profile 1", 1, [0, 1, 0, 1, 0, 1, 0]],
    ["profile 1 in RGB", 1, [1, 1, 1, 0]],
    ["profile 2", 2, [1, 0, 0, 1, 0]],
    ["profile 3", 3, [1, 0, 0, 1, 0, 0, 1, 0]],
    ["profile 3 in RGB", 3, [0, 1, 1, 1, 0]],
  ])("tells the size in %s", (_, profile, colors) => {
    const bytes = keyframe(profile, colors);
    expect(bytes.length).toBeLessThanOrEqual(10);
    expect(readVp9FrameHeader(bytes)).toEqual({ isKeyframe: true, width: 1920, height: 1080 });
    expect(readVp9FrameHeader(bytes.subarray(0, bytes.length - 1))).toBeUndefined();
  });

  it.each([
    ["a predicted frame that Chromium encoded", "860040921cfc5a410028"],
    ["an intra-only frame", "86 498342"],
    ["a frame that shows an old one", "88"],
  ])("tells that %s is no keyframe", (_, hex) => {
    expect(readVp9FrameHeader(bytesOf(hex))).toEqual({ isKeyframe: false, ...NO_SIZE });
  });

  it.each([
    ["nothing", ""],
    ["another frame marker", "42498342501"],
    ["the reserved profile", "b8498342501ef016761438"],
    ["another sync code", "82498343501ef016761438"],
  ])("is none in %s", (_, hex) => {
    expect(readVp9FrameHeader(bytesOf(hex))).toBeUndefined();
  });
});
