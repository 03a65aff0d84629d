import { describe, expect, it } from "vitest";
import { fitInto, turned } from "../../../src/media/video/picture-shape.ts";

const HD = { width: 1280, height: 720 };

describe("the size of a picture", () => {
  it.each([
    ["its own, odd or not", [641, 359], HD, [641, 359]],
    ["its own at the very size", [1280, 720], HD, [1280, 720]],
    ["smaller, of the same aspect", [1920, 1080], HD, [1280, 720]],
    ["bound by its height", [1600, 1200], HD, [960, 720]],
    ["bound by its width, both sides even", [2000, 333], HD, [1280, 214]],
    ["upright where it stands", [1080, 1920], HD, [720, 1280]],
    ["no larger than a square has room", [2000, 2000], HD, [720, 720]],
    ["never nothing", [16_000, 3], HD, [1280, 2]],
  ] as const)("is %s", (_, [width, height], largest, [newWidth, newHeight]) => {
    expect(fitInto({ width, height }, largest)).toEqual({ width: newWidth, height: newHeight });
  });
});

describe("a picture that is turned", () => {
  // 3 x 2 pixels, so 2 x 1 of chroma.
  const picture = {
    width: 3,
    height: 2,
    planes: [Uint8Array.of(1, 2, 3, 4, 5, 6), Uint8Array.of(7, 8), Uint8Array.of(9, 10)],
  } as const;

  it.each([
    [90, 2, 3, [4, 1, 5, 2, 6, 3], [7, 8]],
    [180, 3, 2, [6, 5, 4, 3, 2, 1], [8, 7]],
    [270, 2, 3, [3, 6, 2, 5, 1, 4], [8, 7]],
  ] as const)("by %d degrees clockwise has its rows elsewhere", (rotation, width, height, luma, blue) => {
    const { planes, ...size } = turned(picture, rotation);
    expect(size).toEqual({ width, height });
    expect(planes.map((plane) => [...plane])).toEqual([luma, blue, blue.map((value) => value + 2)]);
  });

  it("by nothing is itself", () => {
    expect(turned(picture, 0)).toBe(picture);
  });
});
