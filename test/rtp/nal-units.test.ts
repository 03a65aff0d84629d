import { describe, expect, it } from "vitest";
import { findNalUnits } from "../../src/rtp/nal-units.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { bytesOf, hexOf, joined, nalUnit } from "./coded-frames.ts";

const found = (hex: string): string[] => findNalUnits(bytesOf(hex)).map(hexOf);

describe("NAL units of a byte stream", () => {
  it.each([
    ["long and short start codes", "00000001 6701 000001 6802 00000001 6503", ["6701", "6802", "6503"]],
    [
      "zeros before, between and behind",
      "0000000000 000001 6701 0000000000 000001 6802 0000",
      ["6701", "6802"],
    ],
    ["a start code with nothing behind it", "000001 6701 000001", ["6701"]],
    ["start codes with nothing between them", "000001 000001 000000 000001 6701", ["6701"]],
    ["what almost is a start code", "000001 67000101 00000201 0001", ["67000101000002010001"]],
    ["one byte", "000001 0b", ["0b"]],
    ["bytes before the first start code", "0102 000001 6701", ["6701"]],
    ["no start code", "6701020304", []],
    ["nothing", "", []],
  ])("are found among %s", (_, stream, units) => {
    expect(found(stream)).toEqual(units);
  });

  it("are found wherever they lie and however long they are", () => {
    const seed = "nal units";
    const random = new SeededRandom(seed);
    for (let round = 0; round < 1000; round++) {
      const units = Array.from({ length: random.integer(0, 6) }, () =>
        nalUnit(random.integer(1, 255), random.integer(1, 12), random),
      );
      const parts = units.flatMap((unit) => [bytesOf(random.chance(0.5) ? "000001" : "00000001"), unit]);
      const stream = joined([...parts, new Uint8Array(random.integer(0, 3))]);
      expect(findNalUnits(stream).map(hexOf), `seed "${seed}", round ${round}`).toEqual(units.map(hexOf));
    }
  });
});
