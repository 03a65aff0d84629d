// Scaling against its definition in floats: the mean over each new pixel's area, or the straight line between centers.
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/testing/random.ts";
import { scalePicture, scalePlane } from "../../src/wasm/plane-scale.ts";
import { blank, plainScale } from "./plain-pixels.ts";

const SEED = 4_480;
/** Two roundings of half a step each, and what 14 bits of weight leave. */
const TOLERANCE = 1.05;
/** From, to: both axes smaller, both larger, one of each, odd, single rows and columns, and none. */
const SIZES = [
  [64, 64, 32, 32],
  [64, 64, 31, 33],
  [33, 31, 64, 65],
  [177, 99, 320, 180],
  [320, 180, 177, 99],
  [177, 99, 40, 200],
  [40, 200, 177, 99],
  [100, 100, 100, 37],
  [100, 100, 37, 100],
  [100, 37, 100, 100],
  [37, 100, 100, 100],
  [1, 1, 17, 9],
  [2, 3, 1, 1],
  [300, 200, 1, 1],
  [1, 50, 50, 1],
  [5, 5, 16, 16],
  [15, 15, 14, 14],
  [641, 361, 640, 360],
  [17, 40, 17, 40],
] as const;

describe("a plane in another size", () => {
  it.each(SIZES)("is what the definition says, %d x %d to %d x %d", (width, height, newWidth, newHeight) => {
    const random = new SeededRandom(`${SEED} ${width}x${height}`);
    const plane = random.bytes(width * height);
    const from = { width, height };
    const to = { width: newWidth, height: newHeight };
    const exact = plainScale(plane, from, to);
    const scaled = scalePlane(plane, from, to);
    expect(scaled.length).toBe(exact.length);
    const wrong = scaled.findIndex((value, i) => Math.abs(value - (exact[i] as number)) > TOLERANCE);
    if (wrong >= 0) expect.fail(`sample ${wrong}: ${scaled[wrong]}, not ${exact[wrong]} (seed ${SEED})`);
  });

  it("stays flat where it was flat, black and white included", () => {
    for (const value of [0, 1, 127, 254, 255]) {
      for (const [width, height, newWidth, newHeight] of SIZES) {
        const plane = new Uint8Array(width * height).fill(value);
        const scaled = scalePlane(plane, { width, height }, { width: newWidth, height: newHeight });
        expect([...new Set(scaled)]).toEqual([value]);
      }
    }
  });

  it("is the same bytes when the size is the same", () => {
    const plane = new SeededRandom(SEED).bytes(19 * 35);
    expect(scalePlane(plane, { width: 19, height: 35 }, { width: 19, height: 35 })).toEqual(plane);
  });

  it("keeps a slope a slope: no sample of it turns back", () => {
    const plane = Uint8Array.from({ length: 100 }, (_, i) => 2 * i);
    for (const width of [300, 37]) {
      const scaled = scalePlane(plane, { width: 100, height: 1 }, { width, height: 1 });
      expect([...scaled].every((value, i) => i === 0 || value >= (scaled[i - 1] as number))).toBe(true);
    }
  });

  it("says when it does not fit the memory", () => {
    const plane = new Uint8Array(8192 * 8200);
    const shrink = () => scalePlane(plane, { width: 8192, height: 8200 }, { width: 8, height: 8 });
    expect(shrink).toThrow(expect.objectContaining({ code: "LIMIT_EXCEEDED" }) as Error);
  });
});

describe("a picture in another size", () => {
  it("has planes that are scaled each for itself, with chroma rounded up", () => {
    const random = new SeededRandom(SEED);
    const planes = [random.bytes(177 * 99), random.bytes(89 * 50), random.bytes(89 * 50)] as const;
    const scaled = scalePicture({ width: 177, height: 99, planes }, 65, 33);
    const [from, to] = [
      { width: 89, height: 50 },
      { width: 33, height: 17 },
    ];
    expect(scaled.planes).toEqual([
      scalePlane(planes[0], { width: 177, height: 99 }, { width: 65, height: 33 }),
      scalePlane(planes[1], from, to),
      scalePlane(planes[2], from, to),
    ]);
  });

  it("is the picture itself when nothing changes", () => {
    const picture = blank(6, 4);
    expect(scalePicture(picture, 6, 4)).toBe(picture);
  });

  it.each([
    [0, 4],
    [4, 0],
    [-2, 4],
    [1.5, 4],
    [NaN, 4],
  ])("cannot have %d x %d pixels", (width, height) => {
    const scale = () => scalePicture(blank(6, 4), width, height);
    expect(scale).toThrow(expect.objectContaining({ code: "INVALID_DATA" }) as Error);
  });

  it("is refused when its planes do not fit its size", () => {
    const wrong = () => scalePicture({ ...blank(6, 4), width: 7 }, 3, 2);
    expect(wrong).toThrow(expect.objectContaining({ code: "INVALID_DATA" }) as Error);
  });
});
