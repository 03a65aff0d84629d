import { expect, it } from "vitest";
import { codecString, decoderString } from "../../../src/platform/browser/codec-strings.ts";

it.each([
  ["VP9", 176, 144, 15, "vp09.00.10.08"],
  ["VP9", 320, 180, 30, "vp09.00.11.08"],
  ["VP9", 640, 360, 30, "vp09.00.21.08"],
  ["VP9", 1280, 720, 30, "vp09.00.31.08"],
  ["VP9", 720, 1280, 60, "vp09.00.40.08"],
  ["VP9", 3840, 2160, 60, "vp09.00.51.08"],
  ["VP9", 16_384, 16_384, 60, "vp09.00.62.08"],
  ["H264", 177, 99, 30, "avc1.42e01f"],
  ["H264", 1280, 720, 30, "avc1.42e01f"],
  ["H264", 1280, 720, 31, "avc1.42e020"],
  ["H264", 1920, 1080, 30, "avc1.42e028"],
  ["H264", 1920, 1080, 60, "avc1.42e02a"],
  ["H264", 3840, 2160, 30, "avc1.42e033"],
  ["H264", 16_384, 16_384, 60, "avc1.42e03e"],
  ["VP8", 3840, 2160, 60, "vp8"],
] as const)("%s of %d x %d at %d fps is %s", (codec, width, height, fps, name) => {
  expect(codecString(codec, width, height, fps)).toBe(name);
});

it("rises with the size, so that names of one codec can be compared", () => {
  for (const codec of ["VP9", "H264"] as const) {
    const names = [16, 100, 300, 640, 1280, 1920, 3840, 8192].map((side) => decoderString(codec, side, side));
    expect(names).toEqual([...names].sort());
    expect(new Set(names).size).toBeGreaterThan(4);
  }
});
