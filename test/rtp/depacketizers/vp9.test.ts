import { describe, expect, it } from "vitest";
import { depacketizeVp9 } from "../../../src/rtp/depacketizers/vp9.ts";
import type { VideoPayload } from "../../../src/rtp/video-payload.ts";
import { accepted, bytesOf, hexOf } from "../coded-frames.ts";

/** What a payload says, its bytes as digits. */
function read(hex: string, marker = false): Omit<VideoPayload, "pieces"> & { data: string } {
  const { pieces, ...told } = accepted(depacketizeVp9(bytesOf(hex), marker));
  return { ...told, data: pieces.map(hexOf).join("|") };
}

describe("VP9 payloads", () => {
  it("of a recorded call begin with a keyframe that tells its size", () => {
    expect(read("8fe6fb 18 01ee0173 011401 82498342001ed01724", true)).toEqual({
      isFrameStart: true,
      isFrameEnd: true,
      isKeyframe: true,
      width: 494,
      height: 371,
      pictureId: 26_363,
      pictureIdBits: 15,
      references: [],
      temporalLayer: 0,
      spatialLayer: 0,
      data: "82498342001ed01724",
    });
  });

  it("in Chromium's flexible mode tell how far back a frame is predicted from", () => {
    expect(read("dd 8001 02 8600", true)).toMatchObject({ pictureId: 1, references: [1], isKeyframe: false });
    expect(read("dd 8001 030506 fe86", true)).toMatchObject({ references: [1, 2, 3], data: "fe86" });
    expect(read("9f 8000 1001e00110 82498342001df00f0", true)).toMatchObject({
      isKeyframe: true,
      width: 480,
      height: 272,
      references: [],
    });
  });

  it("in non-flexible mode are predicted from the one before, for all they tell", () => {
    expect(read("cd8005 86", true)).toMatchObject({ pictureId: 5, references: undefined });
  });

  it.each([
    ["of neither 7 nor 15 bits", "0c 86", undefined, undefined],
    ["of 7 bits", "8c 7f 86", 127, 7],
    ["of 15 bits", "8c ffff 86", 32_767, 15],
  ])("count frames with an id %s", (_, hex, pictureId, pictureIdBits) => {
    expect(read(hex)).toMatchObject({ pictureId, pictureIdBits, data: "86" });
  });

  it.each([
    ["first", "c8 8001", true, false],
    ["in the middle", "c0 8001", false, false],
    ["last", "c4 8001", false, true],
    ["first and last", "cc 8001", true, true],
  ])("know their place in a frame without layers: %s", (_, head, isFrameStart, isFrameEnd) => {
    expect(read(`${head} 86`)).toMatchObject({ isFrameStart, isFrameEnd });
    expect(read(`${head} 86`, true)).toMatchObject({ isFrameStart, isFrameEnd: true });
  });

  it("of spatial layers are parts of one picture, which ends with the marker", () => {
    // T = 2, U, S, D; then TL0PICIDX.
    const layer = (spatial: number): string => `ec 8001 ${hexOf(Uint8Array.of(0x50 | (spatial << 1)))} 07 86`;
    expect(read(layer(0))).toMatchObject({ isFrameStart: true, isFrameEnd: false, temporalLayer: 2 });
    expect(read(layer(1))).toMatchObject({ isFrameStart: undefined, isFrameEnd: false, spatialLayer: 1 });
    expect(read(layer(7), true)).toMatchObject({ isFrameEnd: true, spatialLayer: 7, data: "86" });
  });

  it("have no TL0PICIDX in flexible mode", () => {
    expect(read("fc 8001 20 02 86")).toMatchObject({ temporalLayer: 1, references: [1], data: "86" });
  });

  it("of upper layers are no keyframes, though not predicted from earlier pictures", () => {
    expect(read("ac 8001 00 07 82498342001ed01724")).toMatchObject({ isKeyframe: true });
    expect(read("ac 8001 03 07 82498342001ed01724")).toMatchObject({ isKeyframe: false, references: [] });
  });

  it("tell the size of the largest layer", () => {
    const sizes = "00a0005a 014000b4 02800168";
    expect(read(`8a 8001 50 ${sizes} 82498342`)).toMatchObject({ width: 640, height: 360, data: "82498342" });
  });

  it("pass over groups of pictures with any number of references", () => {
    const group = "04 00 0401 080102 0c010203";
    expect(read(`8a 8001 08 ${group} 82498342001ed01724`)).toMatchObject({ width: 494, height: 371 });
    const longest = `f8 ${"01000100".repeat(8)} ff ${"fc010203".repeat(255)}`;
    expect(read(`8a 8001 ${longest} 8249`)).toMatchObject({ width: 256, height: 256, data: "8249" });
  });

  it("tell the size by the frame's own header where there is none in front of it", () => {
    const key = "82498342001ed01724";
    expect(read(`8c 8001 ${key}`)).toMatchObject({ isKeyframe: true, width: 494, height: 371 });
    expect(read(`8e 8001 10 00000000 ${key}`)).toMatchObject({ width: 494, height: 371 });
    expect(read("8c 8001 8249")).toMatchObject({ isKeyframe: true, width: undefined, height: undefined });
    expect(read(`84 8001 ${key}`)).toMatchObject({ isKeyframe: false, width: undefined });
  });

  it("of an intra-only frame are no keyframe", () => {
    expect(read("8c 8001 864983")).toMatchObject({ isKeyframe: false, references: [] });
  });

  it.each([
    ["empty", ""],
    ["empty", "0c"],
    ["empty", "8c 8001"],
    ["truncated", "8c"],
    ["truncated", "8c 80"],
    ["truncated", "2c 00"],
    ["truncated", "dc 8001"],
    ["truncated", "dc 8001 03"],
    ["truncated", "8a 8001"],
    ["truncated", "8a 8001 10 01ee01"],
    ["truncated", "8a 8001 30 01ee0173 01ee01"],
    ["truncated", "8a 8001 08"],
    ["truncated", "8a 8001 08 ff 00"],
    ["truncated", "8a 8001 08 01 0c 0102"],
    ["reserved: references without a picture id", "5c 02 86"],
    ["reserved: a reference to the frame itself", "dc 8001 00 86"],
    ["reserved: a fourth reference", "dc 8001 03030302 86"],
  ])("are refused as %s", (reason, hex) => {
    expect(depacketizeVp9(bytesOf(hex), true)).toBe(reason.replace(/:.*/, ""));
  });

  it("are views", () => {
    const payload = bytesOf("cd8005 8601");
    expect(accepted(depacketizeVp9(payload, true)).pieces[0]?.buffer).toBe(payload.buffer);
  });
});
