import { expect, it } from "vitest";
import { blankPicture } from "../../../../src/cli/demo/video/picture.ts";
import { EQUAL_DB, psnr } from "../../../../src/cli/demo/video/psnr.ts";

/** A picture of 33 by 17 whose planes are 100 plus an error. */
function flat(y: number, u = 0, v = 0) {
  const picture = blankPicture(33, 17);
  for (const [i, error] of [y, u, v].entries()) picture.planes[i]?.fill(100 + error);
  return picture;
}

it.each([
  // An error of 1 everywhere is 48.13 dB, of ten times as much 20 dB less.
  ["luma off by one", flat(1), 48.13, (6 * 48.13 + 200) / 8],
  ["luma off by ten", flat(-10), 28.13, (6 * 28.13 + 200) / 8],
  ["all planes off by one", flat(1, 1, -1), 48.13, 48.13],
  ["one plane of chroma off by ten", flat(0, 10), EQUAL_DB, (7 * EQUAL_DB + 28.13) / 8],
  ["nothing wrong", flat(0), EQUAL_DB, EQUAL_DB],
])("%s", (_, picture, y, yuv) => {
  const found = psnr(picture, flat(0));
  expect(found?.y).toBeCloseTo(y, 2);
  expect(found?.yuv).toBeCloseTo(yuv, 2);
});

it("finds about the same in a part of the samples", () => {
  const picture = blankPicture(320, 180);
  const reference = blankPicture(320, 180);
  for (const plane of picture.planes) for (let i = 0; i < plane.length; i++) plane[i] = (i * 7919) % 23;
  const all = psnr(picture, reference);
  const some = psnr(picture, reference, 3);
  expect(Math.abs((some?.y ?? 0) - (all?.y ?? 0))).toBeLessThan(0.2);
  expect(Math.abs((some?.yuv ?? 0) - (all?.yuv ?? 0))).toBeLessThan(0.2);
});

it("looks at every so many samples of every so many rows, and at no others", () => {
  const picture = flat(0);
  picture.planes[0][33 + 1] = 255;
  expect(psnr(picture, flat(0), 2)?.y).toBe(EQUAL_DB);
  picture.planes[0][2 * 33 + 2] = 255;
  expect(psnr(picture, flat(0), 2)?.y).toBeLessThan(EQUAL_DB);
});

it("compares no pictures of different sizes", () => {
  expect(psnr(blankPicture(32, 18), blankPicture(32, 16))).toBeUndefined();
  expect(psnr(blankPicture(32, 18), blankPicture(31, 18))).toBeUndefined();
});
