import { describe, expect, it } from "vitest";
import { i420ToRgba } from "../../../../src/cli/demo/video/i420-to-rgba.ts";
import {
  CODE_HEIGHT,
  drawPictureCode,
  readPictureCode,
  readPictureCodeRgba,
} from "../../../../src/cli/demo/video/picture-code.ts";
import type { PictureCode } from "../../../../src/cli/demo/video/picture-code.ts";
import { blankPicture } from "../../../../src/cli/demo/video/picture.ts";
import { seededRandom } from "../../../../src/cli/demo/voice.ts";

interface Luma {
  data: Uint8Array;
  width: number;
  height: number;
}

const CODE = { frameNumber: 0x5a_17c3, sender: 201 };

function coded(width = 320, height = 180, code: PictureCode = CODE): Luma {
  const picture = blankPicture(width, height);
  drawPictureCode(picture, code);
  return { data: picture.planes[0], width, height };
}

function readLuma({ data, width, height }: Luma): PictureCode | undefined {
  return readPictureCode(data, width, height);
}

/** Each pixel from its place by a function; places beyond the edge are at the edge. */
function mapped(
  luma: Luma,
  value: (at: (x: number, y: number) => number, x: number, y: number) => number,
): Luma {
  const { data, width, height } = luma;
  const clamp = (place: number, size: number): number => Math.max(0, Math.min(size - 1, place));
  const at = (x: number, y: number): number => data[clamp(y, height) * width + clamp(x, width)] as number;
  const out = data.map((_, i) => Math.max(0, Math.min(255, value(at, i % width, Math.floor(i / width)))));
  return { data: out, width, height };
}

/** As a browser scales a picture. */
function scaled({ data, width, height }: Luma, toWidth: number, toHeight: number): Luma {
  const out = new Uint8Array(toWidth * toHeight);
  for (let i = 0; i < out.length; i++) {
    const x = Math.max(0, (((i % toWidth) + 0.5) * width) / toWidth - 0.5);
    const y = Math.max(0, ((Math.floor(i / toWidth) + 0.5) * height) / toHeight - 0.5);
    const [left, top] = [Math.floor(x), Math.floor(y)];
    const pixel = (dx: number, dy: number): number =>
      data[Math.min(height - 1, top + dy) * width + Math.min(width - 1, left + dx)] as number;
    const upper = pixel(0, 0) + (pixel(1, 0) - pixel(0, 0)) * (x - left);
    const lower = pixel(0, 1) + (pixel(1, 1) - pixel(0, 1)) * (x - left);
    out[i] = upper + (lower - upper) * (y - top);
  }
  return { data: out, width: toWidth, height: toHeight };
}

describe("a code", () => {
  it.each([
    [320, 180],
    [160, 90],
    [1280, 720],
    [641, 361],
    [319, 179],
    [640, 480],
    [180, 320],
    [64, 36],
    [37, 41],
  ])("is read from a picture of %i by %i", (width, height) => {
    expect(readLuma(coded(width, height))).toEqual(CODE);
  });

  it.each([
    [0, 0],
    [1, 255],
    [0xff_ffff, 255],
    [0x80_0000, 128],
    [0xff_ffff, 0],
  ])("says number %i of sender %i", (frameNumber, sender) => {
    expect(readLuma(coded(320, 180, { frameNumber, sender }))).toEqual({ frameNumber, sender });
  });

  it("begins at 0 again after the largest number", () => {
    expect(readLuma(coded(320, 180, { frameNumber: 2 ** 24 + 5, sender: 256 + 3 }))).toEqual({
      frameNumber: 5,
      sender: 3,
    });
  });

  it("needs only the top of a picture, in luma and in the pixels of a canvas", () => {
    const picture = blankPicture(320, 180);
    drawPictureCode(picture, CODE, { u: 140, v: 118 });
    const rgba = new Uint8ClampedArray(4 * 320 * 180);
    i420ToRgba(picture, rgba);
    const rows = 320 * Math.round(180 * CODE_HEIGHT);
    expect(readPictureCode(picture.planes[0].slice(0, rows), 320, 180)).toEqual(CODE);
    expect(readPictureCodeRgba(rgba, 320, 180)).toEqual(CODE);
    expect(readPictureCodeRgba(rgba.slice(0, 4 * rows), 320, 180)).toEqual(CODE);
    expect(readPictureCodeRgba(rgba.slice(0, 2 * rows), 320, 180)).toBeUndefined();
  });

  it("leaves the picture below it alone", () => {
    const picture = blankPicture(64, 36);
    for (const plane of picture.planes) plane.fill(77);
    drawPictureCode(picture, CODE);
    expect(picture.planes[0].subarray(64 * 4).every((sample) => sample === 77)).toBe(true);
    expect(picture.planes[1].subarray(32 * 2).every((sample) => sample === 77)).toBe(true);
  });
});

describe("a code survives", () => {
  const random = seededRandom(5);
  it.each<[string, (luma: Luma) => Luma]>([
    ["a third of the size", (luma) => scaled(luma, 107, 61)],
    ["a picture half as large", (luma) => scaled(luma, 160, 90)],
    ["one three times as large", (luma) => scaled(luma, 960, 540)],
    ["another shape", (luma) => scaled(luma, 400, 400)],
    ["strong noise", (luma) => mapped(luma, (at, x, y) => at(x, y) + (random() - 0.5) * 160)],
    ["few steps", (luma) => mapped(luma, (at, x, y) => Math.round(at(x, y) / 64) * 64)],
    ["little contrast", (luma) => mapped(luma, (at, x, y) => 90 + at(x, y) * 0.3)],
    ["full range", (luma) => mapped(luma, (at, x, y) => (at(x, y) - 16) * 1.164)],
    [
      "a blur of five pixels",
      (luma) =>
        mapped(luma, (at, x, y) => {
          let sum = 0;
          for (let dy = -2; dy <= 2; dy++) for (let dx = -2; dx <= 2; dx++) sum += at(x + dx, y + dy);
          return sum / 25;
        }),
    ],
  ])("%s", (_, damage) => {
    expect(readLuma(damage(coded()))).toEqual(CODE);
  });
});

describe("no wrong code is read", () => {
  it.each<[string, Luma]>([
    ["black", { data: new Uint8Array(320 * 180), width: 320, height: 180 }],
    ["a picture of no pixels", { data: new Uint8Array(0), width: 0, height: 0 }],
    ["a mirrored picture", mapped(coded(), (at, x, y) => at(319 - x, y))],
    ["a negative", mapped(coded(), (at, x, y) => 255 - at(x, y))],
    ["a picture on its head", mapped(coded(), (at, x, y) => at(x, 179 - y))],
    ["one moved by a block", mapped(coded(), (at, x, y) => at(x - 10, y))],
    ["one without contrast", mapped(coded(), (at, x, y) => 100 + at(x, y) * 0.1)],
  ])("in %s", (_, luma) => {
    expect(readLuma(luma)).toBeUndefined();
  });

  it("where any one, two or three of its blocks are turned over", () => {
    const random = seededRandom(21);
    for (let round = 0; round < 2_000; round++) {
      const turned = new Set(Array.from({ length: 1 + (round % 3) }, () => Math.floor(random() * 64)));
      const luma = coded(64, 36);
      for (const block of turned) {
        const first = Math.floor(block / 32) * 2 * 64 + (block % 32) * 2;
        for (const i of [first, first + 1, first + 64, first + 65])
          luma.data[i] = 248 - (luma.data[i] as number);
      }
      expect(readLuma(luma), `round ${round}, blocks ${[...turned].join(" ")}`).toBeUndefined();
    }
  });

  it("in chance, nor in halves of two pictures", () => {
    const random = seededRandom(22);
    for (let round = 0; round < 2_000; round++) {
      const blocks = Array.from({ length: 32 * 18 }, () => random() * 255);
      const chance = { data: Uint8Array.from(blocks), width: 32, height: 18 };
      expect(readLuma(chance), `round ${round}`).toBeUndefined();

      const frameNumber = Math.floor(random() * 2 ** 24);
      const cut = 1 + Math.floor(random() * 62);
      const torn = coded(32, 18, { frameNumber, sender: 1 });
      torn.data.set(coded(32, 18, { frameNumber: frameNumber + 1, sender: 1 }).data.subarray(0, cut));
      const found = readLuma(torn)?.frameNumber ?? frameNumber;
      expect([frameNumber, frameNumber + 1], `round ${round}, cut ${cut}`).toContain(found);
    }
  });
});
