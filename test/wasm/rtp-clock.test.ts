import { describe, expect, it } from "vitest";
import {
  RtpTimestamp,
  extendSequence,
  msToTicks,
  sequenceDistance,
  tickDistance,
  ticksToMs,
} from "../../src/wasm/rtp-clock.ts";
import { rtpPacket, seededRandom } from "./rtp-traffic.ts";

describe("sequence numbers", () => {
  it.each([
    [1, 0, 1],
    [0, 65_535, 1],
    [65_535, 0, -1],
    [32_767, 0, 32_767],
    [32_768, 0, -32_768],
    [7, 7, 0],
  ])("the distance to %i from %i is %i", (to, from, distance) => {
    expect(sequenceDistance(to, from)).toBe(distance);
  });

  it("extends to the nearest number on either side of a wrap", () => {
    expect(extendSequence(0x1fffe, 0x0001)).toBe(0x20001);
    expect(extendSequence(0x20001, 0xfffe)).toBe(0x1fffe);
    expect(extendSequence(0x2abcd, 0xabcd)).toBe(0x2abcd);
  });

  it("goes on past 2^31 and 2^32 packets", () => {
    expect(extendSequence(0x7fff_fffe, 0x0001)).toBe(0x8000_0001);
    expect(extendSequence(0xffff_fffe, 0x0001)).toBe(1);
  });

  it("counts a million packets with losses and reordering as a plain counter does", () => {
    const random = seededRandom(5);
    let highest = 100;
    for (let packet = 100; packet < 1_000_000; packet += 1 + Math.floor(random() * 40)) {
      const sent = packet - Math.floor(random() * 30);
      const extended = extendSequence(highest, sent & 0xffff);
      if (extended !== sent >>> 0) throw new Error(`${sent} became ${extended}`);
      highest = Math.max(highest, extended);
    }
  });
});

describe("timestamps", () => {
  it.each([
    [960, 0, 960],
    [100, 2 ** 32 - 860, 960],
    [2 ** 32 - 860, 100, -960],
    [2 ** 31 - 1, 0, 2 ** 31 - 1],
    [2 ** 31, 0, -(2 ** 31)],
  ])("the distance to %i from %i is %i ticks", (to, from, ticks) => {
    expect(tickDistance(to, from)).toBe(ticks);
  });

  it("turns ticks into milliseconds and back to the nearest tick", () => {
    expect(ticksToMs(960, 48_000)).toBe(20);
    expect(ticksToMs(-90, 90_000)).toBe(-1);
    expect(msToTicks(20, 48_000)).toBe(960);
    expect(msToTicks(-0.006, 90_000)).toBe(-1);
    expect(msToTicks(0.005, 90_000)).toBe(0);
  });

  it("reads the timestamp of a packet wherever its bytes lie", () => {
    const packet = rtpPacket({ sequenceNumber: 1, rtpTimestamp: 0xfedcba98 });
    const inside = new Uint8Array(packet.length + 3);
    inside.set(packet, 3);
    expect(RtpTimestamp.fromRtpHeader(inside.subarray(3)).value).toBe(0xfedcba98);
  });

  it("refuses a header cut short", () => {
    expect(() => RtpTimestamp.fromRtpHeader(new Uint8Array(11))).toThrow(
      expect.objectContaining({ code: "INVALID_DATA" }),
    );
  });

  it("increments over the wrap and measures back", () => {
    const before = new RtpTimestamp(2 ** 32 - 1);
    const after = before.increment(960);
    expect(after.value).toBe(959);
    expect(after.ticksSince(before)).toBe(960);
    expect(after.increment(-960).value).toBe(before.value);
  });

  it("maps to the wall clock on both sides of a reference and of the wrap", () => {
    const reference = { rtpTimestamp: 100, wallClockUs: 1_700_000_000_000_000, clockRate: 48_000 };
    expect(new RtpTimestamp(100 + 48_000).toWallClock(reference)).toBe(1_700_000_001_000_000);
    expect(new RtpTimestamp(100 - 4800).toWallClock(reference)).toBe(1_699_999_999_900_000);
  });
});
