import { describe, expect, it } from "vitest";
import { readSpsSize } from "../../../src/rtp/depacketizers/h264-sps.ts";
import { SeededRandom } from "../../../src/testing/random.ts";
import { BitWriter } from "../bit-writer.ts";
import { SPS_640X360, bytesOf, joined } from "../coded-frames.ts";

interface Fields {
  readonly profile: number;
  /** From chroma_format_idc to the scaling lists, in the profiles that have them. */
  color(writer: BitWriter): unknown;
  order(writer: BitWriter): unknown;
  readonly macroblocks: readonly [columns: number, rows: number];
  readonly fields: boolean;
  /** Left, right, top, bottom, in the units of the standard. */
  readonly crop: readonly number[];
}

const BASELINE: Fields = {
  profile: 66,
  color: () => undefined,
  order: (writer) => writer.unsigned(0, 4),
  macroblocks: [40, 23],
  fields: false,
  crop: [],
};

/** A parameter set as ITU-T H.264 section 7.3.2.1.1 lists it, up to the cropping. */
function parameterSet(changes: Partial<Fields>): Uint8Array {
  const { profile, color, order, macroblocks, fields, crop } = { ...BASELINE, ...changes };
  const writer = new BitWriter().bits(profile, 8).bits(0xc01e, 16).unsigned(0);
  color(writer);
  writer.unsigned(4);
  order(writer);
  writer
    .unsigned(1)
    .bits(0)
    .unsigned(macroblocks[0] - 1, (fields ? macroblocks[1] / 2 : macroblocks[1]) - 1);
  writer.bits(fields ? 0 : 1);
  if (fields) writer.bits(0);
  writer.bits(1).bits(crop.length > 0 ? 1 : 0);
  writer
    .unsigned(...crop)
    .bits(0)
    .bits(1);
  return joined([Uint8Array.of(0x67), protectedBytes(writer.bytes)]);
}

/** A three behind each two zeros that a byte below four would follow. */
function protectedBytes(bytes: Uint8Array): Uint8Array {
  const out: number[] = [];
  for (const byte of bytes) {
    if (byte < 4 && out.at(-1) === 0 && out.at(-2) === 0) out.push(3);
    out.push(byte);
  }
  return Uint8Array.from(out);
}

/** Format, depth of 8 bits, and these scaling lists. */
const color =
  (format: number, lists: readonly (readonly number[] | undefined)[] = []) =>
  (writer: BitWriter): void => {
    writer.unsigned(format);
    if (format === 3) writer.bits(0);
    writer
      .unsigned(0, 0)
      .bits(0)
      .bits(lists.length > 0 ? 1 : 0);
    for (const list of lists) {
      writer.bits(list === undefined ? 0 : 1);
      if (list !== undefined) writer.signed(...list);
    }
  };

describe("the size in a sequence parameter set", () => {
  it.each([
    ["640x360, baseline", SPS_640X360, 640, 360],
    ["320x180, baseline", bytesOf("6742c00d8c8d40a0cbcf37010d01078442350"), 320, 180],
    ["182x98, baseline", bytesOf("6742c00d8c8d4187b3444dc0434041e1108d40"), 182, 98],
    ["640x360, high", bytesOf("67640c1eac191a80a02ff966e021a020f08846a0"), 640, 360],
    ["182x98, high", bytesOf("67640c0dac191a830f66889b80868083c2211a80"), 182, 98],
  ])("is that of what Chromium encoded: %s", (_, unit, width, height) => {
    expect(readSpsSize(unit)).toEqual({ width, height });
  });

  it.each<[string, Partial<Fields>, number, number]>([
    ["whole macroblocks", {}, 640, 368],
    ["cropped on all sides", { crop: [1, 2, 3, 4] }, 634, 354],
    ["1920x1080", { macroblocks: [120, 68], crop: [0, 0, 0, 4] }, 1920, 1080],
    ["fields", { macroblocks: [120, 68], fields: true, crop: [0, 0, 0, 2] }, 1920, 1080],
    ["high profile", { profile: 100, color: color(1), crop: [0, 0, 0, 4] }, 640, 360],
    ["monochrome", { profile: 100, color: color(0), crop: [0, 1, 0, 8] }, 639, 360],
    ["4:2:2", { profile: 122, color: color(2), crop: [0, 1, 0, 8] }, 638, 360],
    ["4:4:4", { profile: 244, color: color(3), crop: [0, 1, 0, 8] }, 639, 360],
    ["picture order of type 2", { order: (writer) => writer.unsigned(2) }, 640, 368],
    ["no offsets", { order: (writer) => writer.unsigned(1).bits(0).signed(-1, 2).unsigned(0) }, 640, 368],
    [
      "255 offsets",
      {
        order: (writer) =>
          writer
            .unsigned(1)
            .bits(0)
            .signed(-1, 2)
            .unsigned(255)
            .signed(...new Array<number>(255).fill(-3)),
      },
      640,
      368,
    ],
  ])("is found with %s", (_, changes, width, height) => {
    expect(readSpsSize(parameterSet(changes))).toEqual({ width, height });
  });

  it("is found behind scaling lists, whole, ended early, or left out", () => {
    const whole = new Array<number>(16).fill(1);
    const ended = [-8];
    const lists = [whole, ended, undefined, whole, undefined, [-7, -1], new Array<number>(64).fill(0), ended];
    expect(readSpsSize(parameterSet({ profile: 100, color: color(1, lists) }))).toEqual({
      width: 640,
      height: 368,
    });
    const twelve = [...lists, undefined, ended, undefined, new Array<number>(64).fill(1)];
    expect(readSpsSize(parameterSet({ profile: 244, color: color(3, twelve) }))?.height).toBe(368);
  });

  it("is found across bytes that only keep start codes away", () => {
    const order = (writer: BitWriter) => writer.unsigned(0, 2 ** 30);
    const unit = parameterSet({ order });
    expect([...unit].join()).toContain("0,0,3");
    expect(readSpsSize(unit)).toEqual({ width: 640, height: 368 });
  });

  it.each([
    ["there is nothing", bytesOf("67")],
    ["it is cut off", parameterSet({}).subarray(0, 7)],
    ["more is cropped than there is", parameterSet({ crop: [160, 160, 0, 0] })],
    ["a side is longer than any level allows", parameterSet({ macroblocks: [4096, 23] })],
  ])("is unknown where %s", (_, unit) => {
    expect(readSpsSize(unit)).toBeUndefined();
  });

  it("is sound or unknown, whatever the bytes", () => {
    const seed = "parameter sets";
    const random = new SeededRandom(seed);
    for (let round = 0; round < 20_000; round++) {
      const unit = random.bytes(random.integer(0, 60));
      if (random.chance(0.5))
        unit.set(SPS_640X360.subarray(0, random.integer(1, 12)).subarray(0, unit.length));
      const { width, height } = readSpsSize(unit) ?? { width: 1, height: 1 };
      if (width >= 1 && height >= 1 && width <= 0xffff && height <= 0xffff) continue;
      expect.fail(`seed "${seed}", round ${round}: ${width}x${height}`);
    }
  });
});
