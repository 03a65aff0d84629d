import { describe, expect, it } from "vitest";
import { BitReader } from "../../src/rtp/bit-reader.ts";
import { BitWriter } from "./bit-writer.ts";
import { bytesOf } from "./coded-frames.ts";

describe("bits", () => {
  it("are read from the most significant on, across bytes", () => {
    const reader = new BitReader(bytesOf("a5 f0 00 00 0f ff"));
    expect([reader.bits(3), reader.flag(), reader.bits(0), reader.bits(8)]).toEqual([5, false, 0, 0x5f]);
    expect([reader.bits(32), reader.broken]).toEqual([0x000000ff, false]);
    expect([reader.bits(4), reader.broken]).toEqual([0xf, false]);
    expect([reader.flag(), reader.broken]).toEqual([false, true]);
  });

  it("of 32 make a number without a sign", () => {
    expect(new BitReader(bytesOf("ffffffff")).bits(32)).toBe(0xffffffff);
  });

  it("are Exp-Golomb codes as ITU-T H.264 table 9-2 lists them", () => {
    const reader = new BitReader(new BitWriter().bits(0b1_010_011_00100_00101, 17).bytes);
    expect([1, 2, 3, 4, 5].map(() => reader.unsigned())).toEqual([0, 1, 2, 3, 4]);
    const signed = new BitReader(new BitWriter().unsigned(0, 1, 2, 3, 4).bytes);
    expect([1, 2, 3, 4, 5].map(() => signed.signed() + 0)).toEqual([0, 1, -1, 2, -2]);
  });

  it("are codes of up to 63 bits", () => {
    const values = [2 ** 32 - 2, 2 ** 31, 65_535];
    const reader = new BitReader(new BitWriter().unsigned(...values).bytes);
    expect(values.map(() => reader.unsigned())).toEqual(values);
    expect(reader.broken).toBe(false);
  });

  it("are none beyond 32 zeros, and the reader stays broken", () => {
    const reader = new BitReader(bytesOf("00000000 ffffffff"));
    expect(reader.unsigned()).toBe(0);
    expect(reader.broken).toBe(true);
    expect(reader.flag()).toBe(true);
    expect(reader.broken).toBe(true);
  });
});
