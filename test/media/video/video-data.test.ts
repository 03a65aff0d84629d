import { describe, expect, it } from "vitest";
import { TransportError } from "../../../src/errors/errors.ts";
import { checkVideoData, pictureOf } from "../../../src/media/video/video-data.ts";
import type { PixelFormat, VideoData } from "../../../src/runtime/data.ts";
import { gray } from "./pictures.ts";

const CODED = {
  ...gray(1),
  format: "encoded",
  codec: "VP8",
  isKeyframe: true,
  data: Uint8Array.of(1),
} as const;

function faultOf(data: VideoData): string {
  try {
    checkVideoData(data);
  } catch (error) {
    if (error instanceof TransportError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "none";
}

describe("pictures that cannot be sent", () => {
  const faults: [string, object][] = [
    ["data", { data: [1, 2, 3] }],
    ["data.length", { data: new Uint8Array(5) }],
    ["width", { width: 0 }],
    ["width", { width: 320.5 }],
    ["width", { width: "320" }],
    ["height", { height: 16_384 }],
    ["format", { format: "YUY2" }],
    ["format", { format: undefined }],
    ["isKeyframe", { isKeyframe: 1 }],
    ["rotation", { rotation: 45 }],
    ["timestampUs", { timestampUs: -1 }],
    ["timestampUs", { timestampUs: NaN }],
  ];
  it.each(faults)("are refused with the name of what is wrong: %s, %o", (field, change) => {
    expect(faultOf({ ...gray(1), ...change })).toContain(`INVALID_DATA: video.${field} must`);
  });

  const codedFaults: [string, object][] = [
    ["data.length", { data: new Uint8Array() }],
    ["codec", { codec: undefined }],
    ["codec", { codec: "AV1" }],
    ["isKeyframe", { isKeyframe: undefined }],
    ["frameNumber", { frameNumber: -1 }],
    ["rotation", { rotation: 90 }],
    ["width", { width: 0 }],
  ];
  it.each(codedFaults)("are refused when they are coded and do not say it all: %s, %o", (field, change) => {
    expect(faultOf({ ...CODED, ...change })).toContain(`INVALID_DATA: video.${field} must`);
  });

  it("are none of these", () => {
    checkVideoData(gray(1));
    checkVideoData({ ...gray(1, 5), rotation: 270, isKeyframe: true, streamId: "default" });
    checkVideoData({ ...CODED, frameNumber: 0, rotation: 0 });
  });
});

describe("pictures as I420", () => {
  /** A picture of 3 x 3 pixels in one color. */
  const uniform = (format: PixelFormat, ...pixel: number[]): VideoData => {
    const data = Uint8Array.from({ length: 9 * pixel.length }, (_, i) => pixel[i % pixel.length] ?? 0);
    return { type: "video", data, width: 3, height: 3, format };
  };
  const planar = (format: PixelFormat, chroma: number[]): VideoData => {
    const data = Uint8Array.from([...new Uint8Array(9).fill(81), ...chroma]);
    return { type: "video", data, width: 3, height: 3, format };
  };
  // Pure red in BT.601 is 81, 90, 240, pure blue 41, 240, 110.
  it.each([
    ["I420", planar("I420", [90, 90, 90, 90, 240, 240, 240, 240]), 81, 90, 240],
    ["NV12", planar("NV12", [90, 240, 90, 240, 90, 240, 90, 240]), 81, 90, 240],
    ["RGBA", uniform("RGBA", 255, 0, 0, 7), 81, 90, 240],
    ["BGRX", uniform("BGRX", 255, 0, 0, 7), 41, 240, 110],
    ["RGB24", uniform("RGB24", 0, 0, 255), 41, 240, 110],
    ["black GRAY8", uniform("GRAY8", 0), 16, 128, 128],
    ["middle GRAY8", uniform("GRAY8", 128), 126, 128, 128],
    ["white GRAY8", uniform("GRAY8", 255), 235, 128, 128],
  ] as const)("are right in %s, odd sides and all", (_, data, y, u, v) => {
    checkVideoData(data);
    const { width, height, planes } = pictureOf(data);
    expect([width, height]).toEqual([3, 3]);
    expect(planes.map(({ length }) => length)).toEqual([9, 4, 4]);
    for (const [plane, value] of [
      [planes[0], y],
      [planes[1], u],
      [planes[2], v],
    ] as const) {
      for (const sample of plane) expect(Math.abs(sample - value)).toBeLessThanOrEqual(1);
    }
  });

  it("cost nothing when they are I420: planes are views", () => {
    const data = gray(9);
    for (const plane of pictureOf(data).planes) expect(plane.buffer).toBe(data.data.buffer);
  });
});
