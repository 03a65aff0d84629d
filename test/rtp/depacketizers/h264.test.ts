import { describe, expect, it } from "vitest";
import { depacketizeH264 } from "../../../src/rtp/depacketizers/h264.ts";
import type { VideoPayload } from "../../../src/rtp/video-payload.ts";
import { PPS, SPS_640X360, accepted, bytesOf, hexOf } from "../coded-frames.ts";

const SPS = hexOf(SPS_640X360);
const SETS = `78 0013 ${SPS} 0004 ${hexOf(PPS)}`;

function read(hex: string, marker = false): Omit<VideoPayload, "pieces"> & { data: string } {
  const { pieces, ...told } = accepted(depacketizeH264(bytesOf(hex), marker));
  return { ...told, data: pieces.map(hexOf).join("") };
}

describe("H.264 payloads", () => {
  it("are one NAL unit, which gets a start code", () => {
    expect(read("61 e0004000", true)).toEqual({
      isFrameStart: undefined,
      isFrameEnd: true,
      isKeyframe: false,
      width: undefined,
      height: undefined,
      pictureId: undefined,
      pictureIdBits: undefined,
      references: undefined,
      temporalLayer: 0,
      spatialLayer: 0,
      data: "0000000161e0004000",
    });
  });

  it("are several NAL units (STAP-A, RFC 6184 figure 7), each with a start code", () => {
    expect(read(SETS)).toMatchObject({
      isKeyframe: true,
      isFrameEnd: false,
      width: 640,
      height: 360,
      data: `00000001${SPS}0000000168ce3c80`,
    });
  });

  it("are as many NAL units as fit 64 kB", () => {
    const { pieces } = accepted(depacketizeH264(bytesOf(`78 ${"000141".repeat(21_845)}`), true));
    expect(pieces.length).toBe(2 * 21_845);
    expect(pieces.every(({ length }, i) => length === (i % 2 === 0 ? 4 : 1))).toBe(true);
  });

  it("are fragments (FU-A, RFC 6184 figure 14), the first of which gets start code and header", () => {
    expect(read("7c 85 b800")).toMatchObject({
      isKeyframe: true,
      isFrameStart: undefined,
      data: "0000000165b800",
    });
    expect(read("7c 05 0400")).toMatchObject({ isKeyframe: false, isFrameStart: false, data: "0400" });
    expect(read("7c 45 17ff", true)).toMatchObject({ isFrameStart: false, isFrameEnd: true, data: "17ff" });
    expect(read("5c 81 e0")).toMatchObject({ isKeyframe: false, data: "0000000141e0" });
  });

  it("may hold all of a NAL unit in one fragment, against the RFC, and are read", () => {
    expect(read("5c c1 e0")).toMatchObject({ data: "0000000141e0" });
  });

  it.each([
    ["an IDR slice", "65b8", true],
    ["parameter sets", SPS, true],
    ["an IDR slice among others", "78 0002 0605 0002 65b8", true],
    ["another slice", "61e0", false],
    ["a picture parameter set", "68ce3c80", false],
  ])("are of a keyframe or not: %s", (_, hex, isKeyframe) => {
    expect(read(hex)).toMatchObject({ isKeyframe });
  });

  it("begin a frame for certain when they begin with a delimiter", () => {
    expect(read("09f0")).toMatchObject({ isFrameStart: true });
    expect(read("78 0002 09f0 0002 61e0")).toMatchObject({ isFrameStart: true });
    expect(read("78 0002 61e0 0002 09f0")).toMatchObject({ isFrameStart: undefined });
  });

  it("tell no size by parameter sets that make no sense", () => {
    expect(read("67 ff")).toMatchObject({ isKeyframe: true, width: undefined, height: undefined });
  });

  it.each([
    ["empty", ""],
    ["empty: no unit", "78"],
    ["empty: a fragment of nothing", "7c 85"],
    ["truncated: half a length", "78 00"],
    ["truncated: a unit without its header", "78 0000 0001 41"],
    ["truncated: a unit longer than the payload", "78 0003 41e0"],
    ["truncated: the second unit", "78 0001 41 0002 41"],
    ["truncated: a fragment without its header", "7c"],
    ["reserved: type 0", "60 01"],
    ["reserved: STAP-B", "79 0001 0001 41"],
    ["reserved: MTAP16", "7a 0001 41"],
    ["reserved: MTAP24", "7b 0001 41"],
    ["reserved: FU-B", "7d 85 0001 41"],
    ["reserved: type 30", "7e 01"],
    ["reserved: type 31", "7f 01"],
    ["reserved: STAP-A in STAP-A", "78 0004 78 0001 41"],
    ["reserved: FU-A in STAP-A", "78 0003 7c 85 b8"],
    ["reserved: a fragment of STAP-A", "7c 98 0001 41"],
    ["reserved: a fragment of type 0", "7c 80 01"],
  ])("are refused as %s", (reason, hex) => {
    expect(depacketizeH264(bytesOf(hex), true)).toBe(reason.replace(/:.*/, ""));
  });

  it("are views but for what stands in front", () => {
    const payload = bytesOf("61e0004000");
    expect(accepted(depacketizeH264(payload, true)).pieces[1]?.buffer).toBe(payload.buffer);
  });
});
