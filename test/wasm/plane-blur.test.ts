// Blur against plain running sums, bit by bit, and against what a mean and a normal distribution are.
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/testing/random.ts";
import { blurPicture, blurPlane } from "../../src/wasm/plane-blur.ts";
import { plainBlur, plainGaussianRadii } from "./plain-blur.ts";
import { blank, difference } from "./plain-pixels.ts";

const SEED = 7_310;
/** Single samples, rows and columns, sizes around a block of 16, and some that are smaller than the radius. */
const SIZES = [
  [1, 1],
  [1, 40],
  [40, 1],
  [7, 5],
  [15, 17],
  [16, 16],
  [17, 15],
  [33, 64],
  [177, 99],
  [300, 31],
] as const;
const RADII = [1, 2, 3, 7, 8, 31, 64];

function square(side: number, value = 0): Uint8Array {
  return new Uint8Array(side * side).fill(value);
}

describe("a blurred plane", () => {
  it.each(SIZES)("is what plain running sums give, at %d x %d", (width, height) => {
    const plane = new SeededRandom(`${SEED} ${width}x${height}`).bytes(width * height);
    for (const radius of RADII) {
      const boxed = blurPlane(plane, { width, height }, radius);
      const soft = blurPlane(plane, { width, height }, radius, "gaussian");
      const expected = [
        plainBlur(plane, { width, height }, [radius]),
        plainBlur(plane, { width, height }, plainGaussianRadii(radius)),
      ];
      expect(difference([boxed, soft], expected), `radius ${radius}, seed ${SEED}`).toBeUndefined();
    }
  });

  it("is that of plain running sums at any size and radius", () => {
    const random = new SeededRandom(SEED);
    for (let i = 0; i < 150; i++) {
      const size = { width: random.integer(1, 90), height: random.integer(1, 90) };
      const radius = random.integer(1, 64);
      const plane = random.bytes(size.width * size.height);
      const wrong = difference([blurPlane(plane, size, radius)], [plainBlur(plane, size, [radius])]);
      expect(wrong, `${size.width}x${size.height}, radius ${radius}, seed ${SEED}`).toBeUndefined();
    }
  });

  it("stays as it is where it was flat, black and white included", () => {
    for (const value of [0, 1, 127, 254, 255]) {
      for (let radius = 1; radius <= 64; radius++) {
        for (const method of ["box", "gaussian"] as const) {
          const blurred = blurPlane(square(19, value), { width: 19, height: 19 }, radius, method);
          expect([...new Set(blurred)]).toEqual([value]);
        }
      }
    }
  });

  it("spreads a single sample over a square of twice the radius and one", () => {
    const plane = square(11);
    plane[5 * 11 + 5] = 250;
    const blurred = blurPlane(plane, { width: 11, height: 11 }, 2);
    const expected = square(11);
    for (let y = 3; y <= 7; y++) expected.fill(10, y * 11 + 3, y * 11 + 8);
    expect(blurred).toEqual(expected);
  });

  it("takes the sample at an edge for those beyond it", () => {
    const [width, height] = [9, 1];
    const plane = Uint8Array.of(90, 0, 0, 0, 0, 0, 0, 0, 60);
    expect([...blurPlane(plane, { width, height }, 1)]).toEqual([60, 30, 0, 0, 0, 0, 0, 20, 40]);
    expect(blurPlane(plane, { width: height, height: width }, 1)).toEqual(
      blurPlane(plane, { width, height }, 1),
    );
  });

  it("makes of a step a straight ramp as wide as the box", () => {
    const plane = Uint8Array.from({ length: 40 }, (_, i) => (i < 20 ? 0 : 210));
    const ramp = blurPlane(plane, { width: 40, height: 1 }, 3);
    expect([...ramp.subarray(15, 25)]).toEqual([0, 0, 30, 60, 90, 120, 150, 180, 210, 210]);
  });

  it("is as bright as before, but for the rounding", () => {
    const side = 160;
    const plane = square(side);
    // Far from the edges, which count more than once.
    const middle = new SeededRandom(SEED).bytes(1600);
    for (let y = 0; y < 40; y++) plane.set(middle.subarray(40 * y, 40 * y + 40), (y + 60) * side + 60);
    const total = (bytes: Uint8Array): number => bytes.reduce((sum, value) => sum + value, 0);
    for (const method of ["box", "gaussian"] as const) {
      const blurred = blurPlane(plane, { width: side, height: side }, 8, method);
      expect(Math.abs(total(blurred) / total(plane) - 1), `seed ${SEED}`).toBeLessThan(0.01);
    }
  });

  it.each([4, 8, 16, 33, 64])("spreads as a normal distribution does: gaussian, radius %d", (radius) => {
    const length = 8 * radius + 1;
    const step = Uint8Array.from({ length }, (_, i) => (i < length / 2 ? 0 : 250));
    const edge = blurPlane(step, { width: length, height: 1 }, radius, "gaussian");
    // The slope of a blurred step is what blurs it.
    let [mass, mean, square] = [0, 0, 0];
    for (let i = 1; i < length; i++) {
      const slope = (edge[i] as number) - (edge[i - 1] as number);
      mass += slope;
      mean += slope * i;
      square += slope * i * i;
    }
    const deviation = Math.sqrt(square / mass - (mean / mass) ** 2);
    expect(Math.abs(deviation / (radius / 2) - 1)).toBeLessThan(0.1);
  });

  it("is another one for every radius", () => {
    const plane = new SeededRandom(SEED).bytes(150 * 140);
    for (const method of ["box", "gaussian"] as const) {
      const seen = new Set(
        Array.from({ length: 64 }, (_, i) =>
          blurPlane(plane, { width: 150, height: 140 }, i + 1, method).join(),
        ),
      );
      expect(seen.size).toBe(64);
    }
  });

  it.each([0, -1, 65, 1.5, NaN])("cannot have a radius of %d", (radius) => {
    const blur = () => blurPlane(square(4), { width: 4, height: 4 }, radius);
    expect(blur).toThrow(expect.objectContaining({ code: "INVALID_DATA" }) as Error);
  });

  it("is refused when its size is another one", () => {
    const blur = () => blurPlane(square(4), { width: 4, height: 5 }, 1);
    expect(blur).toThrow(expect.objectContaining({ code: "INVALID_DATA" }) as Error);
  });
});

describe("a blurred picture", () => {
  it("has chroma with half the radius, rounded up", () => {
    const random = new SeededRandom(SEED);
    const planes = [random.bytes(33 * 21), random.bytes(17 * 11), random.bytes(17 * 11)] as const;
    for (const [radius, half] of [
      [1, 1],
      [8, 4],
      [9, 5],
      [64, 32],
    ] as const) {
      for (const method of ["box", "gaussian"] as const) {
        const blurred = blurPicture({ width: 33, height: 21, planes }, radius, method);
        const expected = planes.map((plane, i) =>
          i === 0
            ? blurPlane(plane, { width: 33, height: 21 }, radius, method)
            : blurPlane(plane, { width: 17, height: 11 }, half, method),
        );
        expect(difference(blurred.planes, expected)).toBeUndefined();
      }
    }
  });

  it("leaves the one it was made of as it was", () => {
    const plane = new SeededRandom(SEED).bytes(400);
    const chroma = plane.subarray(0, 100);
    const before = plane.slice();
    blurPicture({ width: 20, height: 20, planes: [plane, chroma, chroma] }, 5);
    expect(plane).toEqual(before);
  });

  it("is refused when its planes do not fit its size", () => {
    const wrong = () => blurPicture({ ...blank(6, 4), width: 7 }, 3);
    expect(wrong).toThrow(expect.objectContaining({ code: "INVALID_DATA" }) as Error);
  });
});
