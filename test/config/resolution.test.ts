import { describe, expect, it } from "vitest";
import { RESOLUTION_NAMES, isSize, pixelsOf } from "../../src/config/resolution.ts";

describe("sizes of pictures", () => {
  it("have even sides of 16:9 where they have a name", () => {
    const sizes = RESOLUTION_NAMES.map((name) => pixelsOf(name));
    expect(sizes.every(isSize)).toBe(true);
    expect(sizes.map(({ width }) => width)).toEqual([426, 640, 854, 1280, 1920]);
    expect(pixelsOf({ width: 320, height: 240 })).toEqual({ width: 320, height: 240 });
  });

  it.each([
    [3840, 2160, true],
    [640, 480, true],
    [216, 160, false], // 1.25 % off 4:3
    [284, 160, true],
    [142, 80, false],
    [3842, 2160, false],
    [1281, 720, false],
    [720, 1280, false],
    [1280, 960.5, false],
  ])("of %d x %d pixels may be asked for: %s", (width, height, expected) => {
    expect(isSize({ width, height })).toBe(expected);
  });
});
