import { expect, it } from "vitest";
import { i420ToRgba } from "../../../../src/cli/demo/video/i420-to-rgba.ts";
import { blankPicture } from "../../../../src/cli/demo/video/picture.ts";

it.each([
  // ITU-R BT.601: the bars of a color generator, in limited range.
  ["black", [16, 128, 128], [0, 0, 0]],
  ["white", [235, 128, 128], [255, 255, 255]],
  ["red", [81, 90, 240], [254, 0, 0]],
  ["green", [145, 54, 34], [0, 255, 1]],
  ["blue", [41, 240, 110], [0, 0, 255]],
  ["gray", [126, 128, 128], [128, 128, 128]],
  ["less than black", [0, 128, 128], [0, 0, 0]],
  ["more than white", [255, 128, 128], [255, 255, 255]],
])("%s", (_, samples, rgb) => {
  const picture = blankPicture(3, 3);
  for (const [i, sample] of samples.entries()) picture.planes[i]?.fill(sample);
  const rgba = new Uint8ClampedArray(36);
  i420ToRgba(picture, rgba);
  for (let pixel = 0; pixel < 9; pixel++)
    expect([...rgba.subarray(4 * pixel, 4 * pixel + 4)]).toEqual([...rgb, 255]);
});

it("colors the pixels of each sample of chroma, those at odd edges too", () => {
  const picture = blankPicture(3, 3);
  picture.planes[0].fill(128);
  picture.planes[1].fill(128);
  picture.planes[2].set([240, 128, 128, 16]);
  const rgba = new Uint8ClampedArray(36);
  i420ToRgba(picture, rgba);
  const red = Array.from({ length: 9 }, (_, pixel) => rgba[4 * pixel]);
  expect(red).toEqual([255, 255, 130, 255, 255, 130, 130, 130, 0]);
});

it("says how much room a picture takes", () => {
  expect(() => i420ToRgba(blankPicture(4, 2), new Uint8ClampedArray(16))).toThrow(
    /4x2 fills 32 bytes, not 16/,
  );
});
