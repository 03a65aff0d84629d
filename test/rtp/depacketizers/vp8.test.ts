import { describe, expect, it } from "vitest";
import { depacketizeVp8 } from "../../../src/rtp/depacketizers/vp8.ts";
import type { VideoPayload } from "../../../src/rtp/video-payload.ts";
import { accepted, bytesOf, hexOf } from "../coded-frames.ts";

/** In front of a keyframe of 640x360 that Chromium encoded. */
const KEYFRAME = "1085009d012a80026801";

function read(hex: string, marker = false): Omit<VideoPayload, "pieces"> & { data: string } {
  const { pieces, ...told } = accepted(depacketizeVp8(bytesOf(hex), marker));
  return { ...told, data: pieces.map(hexOf).join("|") };
}

describe("VP8 payloads", () => {
  it("begin with a keyframe that tells its size", () => {
    expect(read(`90 80 9234 ${KEYFRAME}0102`, true)).toEqual({
      isFrameStart: true,
      isFrameEnd: true,
      isKeyframe: true,
      width: 640,
      height: 360,
      pictureId: 0x1234,
      pictureIdBits: 15,
      references: undefined,
      temporalLayer: 0,
      spatialLayer: 0,
      data: `${KEYFRAME}0102`,
    });
  });

  it("tell the size without the scale in its upper bits", () => {
    expect(read("10 1085009d012a 8082 68c1")).toMatchObject({ width: 640, height: 360 });
  });

  // X, the extensions present, then what RFC 7741 figure 2 draws for them.
  it.each([
    ["none", "10 31", { pictureId: undefined, temporalLayer: 0 }],
    ["X without any", "90 00 31", { pictureId: undefined, temporalLayer: 0 }],
    ["I of 7 bits", "90 80 7f 31", { pictureId: 127, pictureIdBits: 7 }],
    ["I of 15 bits", "90 80 ffff 31", { pictureId: 32_767, pictureIdBits: 15 }],
    ["L and T", "90 60 05 c0 31", { pictureId: undefined, temporalLayer: 3 }],
    ["T", "90 20 60 31", { temporalLayer: 1 }],
    ["K alone", "90 10 df 31", { temporalLayer: 0 }],
    ["all", "90 f0 8001 05 9f 31", { pictureId: 1, pictureIdBits: 15, temporalLayer: 2 }],
    ["all, of 7 bits", "90 f0 01 05 9f 31", { pictureId: 1, pictureIdBits: 7, temporalLayer: 2 }],
  ])("have these extensions: %s", (_, hex, told) => {
    expect(read(hex)).toMatchObject({ ...told, data: "31" });
  });

  it.each([
    ["the first partition", "10", true],
    ["a later partition", "11", false],
    ["the middle of the first partition", "00", false],
    ["the middle of a later partition", "03", false],
    ["the first partition of a frame nothing refers to, with reserved bits", "78", true],
  ])("know whether a frame begins: with %s", (_, head, isFrameStart) => {
    expect(read(`${head} ${KEYFRAME}`)).toMatchObject({ isFrameStart, isKeyframe: isFrameStart });
    expect(read(`${head} 31`)).toMatchObject({ isFrameStart, isFrameEnd: false, isKeyframe: false });
    expect(read(`${head} 31`, true)).toMatchObject({ isFrameEnd: true });
  });

  it.each([
    ["is cut off", KEYFRAME.slice(0, -2)],
    ["lacks the start code", "1085009d012b80026801"],
    ["has no width", "1085009d012a00006801"],
    ["has no height but a scale", "1085009d012a80020040"],
  ])("tell no size when the header %s", (_, hex) => {
    expect(read(`10 ${hex}`)).toMatchObject({ isKeyframe: true, width: undefined, height: undefined });
  });

  it.each([
    ["empty", ""],
    ["empty", "10"],
    ["empty", "90 80 7f"],
    ["truncated", "90"],
    ["truncated", "90 80"],
    ["truncated", "90 80 80"],
    ["truncated", "90 40"],
    ["truncated", "90 20"],
    ["truncated", "90 f0 8001 05"],
  ])("are refused as %s: %s", (reason, hex) => {
    expect(depacketizeVp8(bytesOf(hex), true)).toBe(reason);
  });
});
