import { describe, expect, it } from "vitest";
import { paletteOf } from "../../../../src/cli/demo/video/palette.ts";
import { drawPictureCode, readPictureCode } from "../../../../src/cli/demo/video/picture-code.ts";
import { blankPicture } from "../../../../src/cli/demo/video/picture.ts";
import { EQUAL_DB, psnr } from "../../../../src/cli/demo/video/psnr.ts";
import { TestPattern } from "../../../../src/cli/demo/video/test-pattern.ts";
import type { I420Picture } from "../../../../src/platform/video-codecs.ts";

/** Sooner than a matcher, which looks at every sample with care. */
function areEqual(picture: I420Picture, other: I420Picture): boolean {
  return psnr(picture, other)?.yuv === EQUAL_DB;
}

function meanOf(plane: Uint8Array): number {
  return plane.reduce((sum, sample) => sum + sample, 0) / plane.length;
}

describe("a test pattern", () => {
  it.each([
    [undefined, undefined],
    [160, 90],
    [1280, 720],
    [321, 181],
    [97, 55],
    [90, 160],
    [16, 16],
  ])("fills a picture of %s by %s, the code in it", (width, height) => {
    const size = { ...(width !== undefined && { width }), ...(height !== undefined && { height }) };
    const pattern = new TestPattern({ sender: 7, name: "heidi", ...size });
    const picture = blankPicture(pattern.width, pattern.height);
    for (const plane of picture.planes) plane.fill(0);
    pattern.draw(4_711, picture);
    expect([picture.width, picture.height]).toEqual([width ?? 320, height ?? 180]);
    // Nothing has been left as it was, nor is any of it outside of what video may say.
    for (const plane of picture.planes) {
      expect(plane.findIndex((sample) => sample < 16 || sample > 240)).toBe(-1);
    }
    // Blocks of half a pixel cannot be told apart.
    if (pattern.width < 32) return;
    expect(readPictureCode(picture.planes[0], picture.width, picture.height)).toEqual({
      frameNumber: 4_711,
      sender: 7,
    });
  });

  it("is the same whoever draws it, over whatever was there, in any order", () => {
    const first = new TestPattern({ sender: 2, name: "carol", width: 160, height: 90 });
    const second = new TestPattern({ sender: 2, name: "carol", width: 160, height: 90 });
    const reused = second.draw(9);
    second.draw(500, reused);
    expect(areEqual(second.draw(123, reused), first.draw(123))).toBe(true);
  });

  it("is never still: each picture differs from the one before, and from the one a second later by more", () => {
    const pattern = new TestPattern({ sender: 1, name: "bob" });
    for (const number of [0, 30, 900, 54_000]) {
      const picture = pattern.draw(number);
      const next = psnr(pattern.draw(number + 1), picture)?.y ?? 0;
      const later = psnr(pattern.draw(number + 30), picture)?.y ?? 0;
      expect(next).toBeGreaterThan(18);
      expect(next).toBeLessThan(40);
      expect(later).toBeLessThan(next);
    }
  });

  it("moves as fast in pictures that come half as often", () => {
    const often = new TestPattern({ sender: 1, name: "bob", framerateFps: 30 });
    const seldom = new TestPattern({ sender: 1, name: "bob", framerateFps: 15 });
    const picture = seldom.draw(50);
    // All but the code: that says which picture it is.
    drawPictureCode(picture, { frameNumber: 100, sender: 1 }, paletteOf(1).strip);
    expect(areEqual(picture, often.draw(100))).toBe(true);
  });

  it("shows the name, as much of it as fits, and a clock", () => {
    const named = (name: string) => new TestPattern({ sender: 4, name, width: 160, height: 90 }).draw(0);
    expect(areEqual(named("erin"), named("eric"))).toBe(false);
    expect(areEqual(named("erin"), named("ERIN"))).toBe(true);
    expect(areEqual(named("a".repeat(200)), named("a".repeat(300)))).toBe(true);
    expect(areEqual(named("日本"), named("中国"))).toBe(true);
    expect(areEqual(named(""), named(" "))).toBe(false);
  });

  it("has a color for each of ten senders that none of the others has", () => {
    const colors = Array.from({ length: 10 }, (_, sender) => {
      const [, u, v] = new TestPattern({ sender, name: "peer", width: 160, height: 90 }).draw(0).planes;
      return [meanOf(u) - 128, meanOf(v) - 128] as const;
    });
    for (const [i, [u, v]] of colors.entries()) {
      for (const [otherU, otherV] of colors.slice(0, i)) {
        expect(Math.hypot(u - otherU, v - otherV), `sender ${i}`).toBeGreaterThan(6);
      }
    }
  });
});
