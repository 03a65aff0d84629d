// The order of bytes against plain loops.
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/testing/random.ts";
import { i420ToNv12, reorderPixels } from "../../src/wasm/pixel-order.ts";
import type { PackedPixelFormat } from "../../src/wasm/pixel-order.ts";
import { toI420 } from "../../src/wasm/pixels.ts";
import { blank, difference } from "./plain-pixels.ts";

const SEED = 3_377;
const PACKED = ["RGB24", "RGBA", "BGRX"] as const;
const SOURCES = [...PACKED, "GRAY8"] as const;
const PAIRS = SOURCES.flatMap((from) => PACKED.map((to) => [from, to] as const));
/** Around a group of four pixels, and over several bands. */
const COUNTS = [1, 2, 3, 4, 5, 6, 7, 63, 32_771];

/** Red, green and blue of a pixel. */
function colorsAt(pixels: Uint8Array, format: PackedPixelFormat | "GRAY8", pixel: number): readonly number[] {
  const bytes = { RGB24: 3, RGBA: 4, BGRX: 4, GRAY8: 1 }[format];
  const [a = 0, b = a, c = a] = pixels.subarray(bytes * pixel, bytes * (pixel + 1));
  return format === "BGRX" ? [c, b, a] : [a, b, c];
}

function plainOf(
  pixels: Uint8Array,
  from: PackedPixelFormat | "GRAY8",
  to: PackedPixelFormat,
  count: number,
) {
  const bytes = to === "RGB24" ? 3 : 4;
  const target = new Uint8Array(bytes * count);
  for (let i = 0; i < count; i++) {
    const colors = colorsAt(pixels, from, i);
    target.set(to === "BGRX" ? [...colors].reverse() : colors, bytes * i);
    if (bytes === 4) target[bytes * i + 3] = 255;
  }
  return target;
}

describe("pixels in another order", () => {
  it.each(PAIRS)("are what a plain loop makes of them, %s to %s", (from, to) => {
    for (const count of COUNTS) {
      const bytes = { RGB24: 3, RGBA: 4, BGRX: 4, GRAY8: 1 }[from];
      const pixels = new SeededRandom(`${SEED} ${count}`).bytes(bytes * count);
      const made = reorderPixels(pixels, from, to);
      expect(difference([made], [plainOf(pixels, from, to, count)]), `seed ${SEED}`).toBeUndefined();
    }
  });

  it("come back as they were", () => {
    const rgb = new SeededRandom(SEED).bytes(3 * 1001);
    for (const other of ["RGBA", "BGRX"] as const) {
      expect(reorderPixels(reorderPixels(rgb, "RGB24", other), other, "RGB24")).toEqual(rgb);
    }
  });

  it("have to be whole", () => {
    const refused = expect.objectContaining({ code: "INVALID_DATA" }) as Error;
    expect(() => reorderPixels(new Uint8Array(7), "RGB24", "RGBA")).toThrow(refused);
    expect(() => reorderPixels(new Uint8Array(7), "BGRX", "RGB24")).toThrow(refused);
    expect(reorderPixels(new Uint8Array(0), "GRAY8", "RGBA")).toEqual(new Uint8Array(0));
  });
});

describe("a picture becomes NV12", () => {
  it.each([
    [1, 1],
    [3, 3],
    [15, 4],
    [33, 2],
    [177, 99],
    [400, 401],
  ])("from which its planes come back, at %d x %d", (width, height) => {
    const random = new SeededRandom(`${SEED} ${width}x${height}`);
    const planes = blank(width, height).planes.map(({ length }) => random.bytes(length));
    const [y, u, v] = planes as [Uint8Array, Uint8Array, Uint8Array];
    const nv12 = i420ToNv12({ width, height, planes: [y, u, v] });
    const back = toI420(nv12, "NV12", width, height);
    expect(difference(back.planes, planes), `seed ${SEED}`).toBeUndefined();
  });

  it("with U before V", () => {
    const planes = [Uint8Array.of(1, 2, 3, 4), Uint8Array.of(5), Uint8Array.of(6)] as const;
    expect([...i420ToNv12({ width: 2, height: 2, planes })]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("unless its planes do not fit", () => {
    const wrong = () => i420ToNv12({ ...blank(6, 4), width: 7 });
    expect(wrong).toThrow(expect.objectContaining({ code: "INVALID_DATA" }) as Error);
  });
});
