// Pixel formats against plain loops, bit by bit, and against BT.601 itself.
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/testing/random.ts";
import { i420ToRgba, rgbaToGray, toI420 } from "../../src/wasm/pixels.ts";
import { blank, difference, plainI420ToRgba, plainNv12ToI420, plainPackedToI420 } from "./plain-pixels.ts";

const SEED = 6_010;
/** Odd ones, ones around a group of 16, one row or column, and one whose rows go through in several bands. */
const SIZES = [
  [1, 1],
  [2, 2],
  [1, 7],
  [7, 1],
  [3, 3],
  [15, 4],
  [16, 5],
  [17, 6],
  [31, 33],
  [177, 99],
  [320, 180],
  [1001, 75],
  [40_003, 5],
] as const;
/** R, G, B and what BT.601 makes of them for 8 bits, limited range. */
const COLORS = {
  black: [0, 0, 0, 16, 128, 128],
  white: [255, 255, 255, 235, 128, 128],
  red: [255, 0, 0, 81, 90, 240],
  green: [0, 255, 0, 145, 54, 34],
  blue: [0, 0, 255, 41, 240, 110],
  yellow: [255, 255, 0, 210, 16, 146],
  cyan: [0, 255, 255, 170, 166, 16],
  magenta: [255, 0, 255, 106, 202, 222],
} as const;

function bgrx(red: number, green: number, blue: number, pixels: number): Uint8Array {
  return Uint8Array.from({ length: 4 * pixels }, (_, i) => [blue, green, red, 0][i & 3] as number);
}

function chroma(side: number): number {
  return (side + 1) >> 1;
}

describe("a picture becomes I420", () => {
  it.each(SIZES)("as a plain loop would have it, at %d x %d", (width, height) => {
    const random = new SeededRandom(`${SEED} ${width}x${height}`);
    const pixels = random.bytes(4 * width * height);
    const pairs = random.bytes(width * height + 2 * chroma(width) * chroma(height));
    const made = [
      [toI420(pixels, "BGRX", width, height), plainPackedToI420(pixels, width, height, 2, 0)],
      [toI420(pixels, "RGBA", width, height), plainPackedToI420(pixels, width, height, 0, 2)],
      [toI420(pairs, "NV12", width, height), plainNv12ToI420(pairs, width, height)],
    ] as const;
    const wrong = made.map(([actual, expected]) => difference(actual.planes, expected.planes));
    expect(wrong, `seed ${SEED}`).toEqual([undefined, undefined, undefined]);
    expect(made.map(([picture]) => [picture.width, picture.height])).toEqual(Array(3).fill([width, height]));
  });

  it.each(Object.entries(COLORS))("%s is what BT.601 says", (_, [red, green, blue, y, u, v]) => {
    const { planes } = toI420(bgrx(red, green, blue, 21), "BGRX", 7, 3);
    expect(planes.map((plane) => [...new Set(plane)])).toEqual([[y], [u], [v]]);
  });

  it("is the nearest step to BT.601, but for a hundredth of one", () => {
    const random = new SeededRandom(SEED);
    const pixels = random.bytes(4 * 64 * 64);
    const { planes } = toI420(pixels, "RGBA", 64, 64);
    const errors = Array.from(planes[0], (y, i) => {
      const [r = 0, g = 0, b = 0] = pixels.subarray(4 * i);
      return y - (16 + (65.481 * r + 128.553 * g + 24.966 * b) / 255);
    });
    expect(Math.max(...errors.map(Math.abs)), `seed ${SEED}`).toBeLessThan(0.51);
  });

  it("gives gray no color, whatever its brightness", () => {
    const grays = Uint8Array.from({ length: 4 * 1024 }, (_, i) => i >> 4);
    const { planes } = toI420(grays, "RGBA", 32, 32);
    expect([...new Set([...planes[1], ...planes[2]])]).toEqual([128]);
  });

  it("does not look at the fourth byte", () => {
    const clear = bgrx(1, 2, 3, 25);
    const full = clear.map((byte, i) => ((i & 3) === 3 ? 255 : byte));
    expect(toI420(full, "BGRX", 5, 5)).toEqual(toI420(clear, "BGRX", 5, 5));
  });

  it.each([
    ["BGRX", 99, 5, 5],
    ["RGBA", 104, 5, 5],
    ["NV12", 42, 5, 5],
    ["NV12", 0, 0, 0],
    ["RGBA", 0, 0, 5],
    ["RGBA", 4, 0.5, 2],
    ["BGRX", 4, -1, -1],
  ] as const)("%s of %d bytes is no picture of %d x %d", (format, bytes, width, height) => {
    const make = () => toI420(new Uint8Array(bytes), format, width, height);
    expect(make).toThrow(expect.objectContaining({ code: "INVALID_DATA" }) as Error);
  });
});

describe("RGBA becomes gray", () => {
  it.each([1, 15, 16, 17, 1000, 70_001])(
    "as BT.601 weighs colors, but for a hundredth, %d pixels",
    (count) => {
      const pixels = new SeededRandom(`${SEED} ${count}`).bytes(4 * count);
      const wrong = rgbaToGray(pixels).findIndex((gray, i) => {
        const [r = 0, g = 0, b = 0] = pixels.subarray(4 * i);
        return Math.abs(gray - (0.299 * r + 0.587 * g + 0.114 * b)) > 0.51;
      });
      expect(wrong, `seed ${SEED}`).toBe(-1);
    },
  );

  it("keeps what is gray already, black and white included", () => {
    const grays = Uint8Array.from({ length: 4 * 256 }, (_, i) => i >> 2);
    expect(rgbaToGray(grays)).toEqual(Uint8Array.from({ length: 256 }, (_, i) => i));
  });

  it("takes whole pixels", () => {
    const refused = expect.objectContaining({ code: "INVALID_DATA" }) as Error;
    expect(() => rgbaToGray(new Uint8Array(6))).toThrow(refused);
    expect(rgbaToGray(new Uint8Array(0))).toEqual(new Uint8Array(0));
  });
});

describe("I420 becomes RGBA", () => {
  it.each(SIZES)("as a plain loop would have it, at %d x %d", (width, height) => {
    const random = new SeededRandom(`${SEED} ${width}x${height}`);
    const picture = {
      width,
      height,
      planes: [
        random.bytes(width * height),
        random.bytes(chroma(width) * chroma(height)),
        random.bytes(chroma(width) * chroma(height)),
      ] as const,
    };
    expect(difference([i420ToRgba(picture)], [plainI420ToRgba(picture)]), `seed ${SEED}`).toBeUndefined();
  });

  it.each(Object.entries(COLORS))("%s comes back, to two steps", (_, [red, green, blue]) => {
    const back = i420ToRgba(toI420(bgrx(red, green, blue, 15), "BGRX", 5, 3));
    for (let at = 0; at < back.length; at += 4) {
      const errors = [red, green, blue].map((channel, i) => Math.abs(channel - (back[at + i] as number)));
      expect(Math.max(...errors)).toBeLessThanOrEqual(2);
      expect(back[at + 3]).toBe(255);
    }
  });

  it("fills the array it is given, of the right length only", () => {
    const target = new Uint8ClampedArray(4 * 6);
    expect(i420ToRgba(blank(3, 2), target)).toBe(target);
    expect(target[3]).toBe(255);
    const short = () => i420ToRgba(blank(3, 2), new Uint8ClampedArray(4 * 5));
    expect(short).toThrow(expect.objectContaining({ code: "INVALID_DATA" }) as Error);
  });

  it("refuses planes that do not fit", () => {
    const { planes } = blank(4, 4);
    const wrong = () => i420ToRgba({ width: 5, height: 4, planes });
    expect(wrong).toThrow(expect.objectContaining({ code: "INVALID_DATA" }) as Error);
  });
});
