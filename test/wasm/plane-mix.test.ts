// Mixing against its definition, for every mask and across bands.
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/testing/random.ts";
import { mixPlanes } from "../../src/wasm/plane-mix.ts";
import { difference } from "./plain-pixels.ts";

const SEED = 9_902;

function plainMix(first: Uint8Array, second: Uint8Array, mask: Uint8Array): Uint8Array {
  return mask.map((share, i) =>
    Math.round(((first[i] as number) * share + (second[i] as number) * (255 - share)) / 255),
  );
}

describe("two planes under a mask", () => {
  it.each([1, 15, 16, 17, 1000, 32_768, 100_001])("are mixed to the nearest step, %d samples", (length) => {
    const random = new SeededRandom(`${SEED} ${length}`);
    const [a, b, mask] = [random.bytes(length), random.bytes(length), random.bytes(length)];
    expect(difference([mixPlanes(a, b, mask)], [plainMix(a, b, mask)]), `seed ${SEED}`).toBeUndefined();
  });

  it("are mixed to the nearest step for every share of black and white", () => {
    const shares = Uint8Array.from({ length: 256 }, (_, i) => i);
    const [white, black] = [new Uint8Array(256).fill(255), new Uint8Array(256)];
    expect(mixPlanes(white, black, shares)).toEqual(shares);
    expect(mixPlanes(black, white, shares)).toEqual(shares.map((share) => 255 - share));
  });

  it("are the first where the mask is white and the second where it is black", () => {
    const random = new SeededRandom(SEED);
    const [a, b] = [random.bytes(50), random.bytes(50)];
    expect(mixPlanes(a, b, new Uint8Array(50).fill(255))).toEqual(a);
    expect(mixPlanes(a, b, new Uint8Array(50))).toEqual(b);
  });

  it("have one length, as the mask has", () => {
    const plane = (length: number) => new Uint8Array(length);
    const refused = expect.objectContaining({ code: "INVALID_DATA" }) as Error;
    expect(() => mixPlanes(plane(5), plane(4), plane(5))).toThrow(refused);
    expect(() => mixPlanes(plane(5), plane(5), plane(6))).toThrow(refused);
    expect(mixPlanes(plane(0), plane(0), plane(0))).toEqual(plane(0));
  });
});
