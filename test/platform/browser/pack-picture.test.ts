import { describe, expect, it } from "vitest";
import { TransportError } from "../../../src/errors/errors.ts";
import { packPicture } from "../../../src/platform/browser/pack-picture.ts";
import type { Rotation } from "../../../src/platform/browser/pack-picture.ts";
import type { I420Picture } from "../../../src/platform/video-codecs.ts";

const EMPTY = new Uint8Array(0);

/** Three columns and two rows of pixels, one and a half of color. */
const PICTURE: I420Picture = {
  width: 3,
  height: 2,
  planes: [Uint8Array.of(1, 2, 3, 4, 5, 6), Uint8Array.of(7, 8), Uint8Array.of(9, 10)],
};

describe("packPicture", () => {
  it.each<[Rotation, number[], [number, number]]>([
    [0, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [3, 2]],
    [90, [4, 1, 5, 2, 6, 3, 7, 8, 9, 10], [2, 3]],
    [180, [6, 5, 4, 3, 2, 1, 8, 7, 10, 9], [3, 2]],
    [270, [3, 6, 2, 5, 1, 4, 8, 7, 10, 9], [2, 3]],
  ])("turns by %s degrees clockwise", (rotation, bytes, [width, height]) => {
    const packed = packPicture(PICTURE, rotation, EMPTY);
    expect([[...packed.data], packed.width, packed.height]).toEqual([bytes, width, height]);
  });

  it("uses the memory it is given when that is enough", () => {
    const memory = new Uint8Array(64);
    const { data } = packPicture(PICTURE, 0, memory);
    expect([data.buffer === memory.buffer, data.length]).toEqual([true, 10]);
    expect(packPicture(PICTURE, 0, new Uint8Array(9)).data.length).toBe(10);
  });

  it.each<[string, Partial<I420Picture>]>([
    ["another width", { width: 4 }],
    ["no height", { height: 0 }],
    ["half a pixel", { width: 1.5, height: 4 }],
    ["a plane too short", { planes: [PICTURE.planes[0], Uint8Array.of(7), PICTURE.planes[2]] }],
    ["planes missing", { planes: [] as never }],
  ])("refuses %s with INVALID_DATA", (_, change) => {
    let thrown: unknown;
    try {
      packPicture({ ...PICTURE, ...change }, 0, EMPTY);
    } catch (error) {
      thrown = error;
    }
    expect(thrown instanceof TransportError && thrown.code).toBe("INVALID_DATA");
  });
});
