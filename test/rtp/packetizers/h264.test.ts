import { describe, expect, it } from "vitest";
import { H264Packetizer } from "../../../src/rtp/packetizers/h264.ts";
import { SeededRandom } from "../../../src/testing/random.ts";
import { PPS, SPS_640X360, annexB, bytesOf, joined, nalUnit } from "../coded-frames.ts";

const random = new SeededRandom("h264 payloads");

function packetize(data: Uint8Array, maxBytes = 1200): Uint8Array[] {
  return new H264Packetizer().packetize({ data, isKeyframe: true, width: 640, height: 360 }, maxBytes);
}

describe("H.264 payloads", () => {
  it("are a NAL unit as it is where there is one that fits", () => {
    const unit = nalUnit(0x61, 100, random);
    expect(packetize(annexB(unit), 100)).toEqual([unit]);
  });

  it("hold parameter sets together, in front of the slice they are for", () => {
    const idr = nalUnit(0x65, 1300, random);
    const [sets, start, end, ...others] = packetize(annexB(SPS_640X360, PPS, idr));
    // The header is as important as the most important of them: 3, type 24.
    expect(sets).toEqual(joined([bytesOf("78 0013"), SPS_640X360, bytesOf("0004"), PPS]));
    expect(start).toEqual(joined([bytesOf("7c 85"), idr.subarray(1, 650)]));
    expect(end).toEqual(joined([bytesOf("7c 45"), idr.subarray(650)]));
    expect(others).toEqual([]);
  });

  it("hold a small slice together with its parameter sets", () => {
    const idr = nalUnit(0x65, 50, random);
    const expected = joined([bytesOf("78 0013"), SPS_640X360, bytesOf("0004"), PPS, bytesOf("0032"), idr]);
    expect(packetize(annexB(SPS_640X360, PPS, idr))).toEqual([expected]);
  });

  it("aggregate up to the last byte, and not beyond", () => {
    const [first, second] = [nalUnit(0x61, 60, random), nalUnit(0x41, 60, random)];
    expect(packetize(annexB(first, second), 125)).toHaveLength(1);
    expect(packetize(annexB(first, second), 124)).toEqual([first, second]);
  });

  it("mark the middle of a NAL unit as neither its start nor its end", () => {
    const payloads = packetize(annexB(nalUnit(0x41, 250, random)), 102);
    expect(payloads.map((payload) => payload.slice(0, 2))).toEqual([
      bytesOf("5c81"),
      bytesOf("5c01"),
      bytesOf("5c41"),
    ]);
  });

  it("keep the order of NAL units around a long one", () => {
    const units = [nalUnit(0x06, 30, random), nalUnit(0x61, 300, random), nalUnit(0x61, 20, random)];
    const payloads = packetize(annexB(...units), 200);
    expect(payloads.map((payload) => (payload[0] ?? 0) & 0x1f)).toEqual([6, 28, 28, 1]);
  });

  it("tell of damage in one of the aggregated units", () => {
    expect(packetize(annexB(bytesOf("e1ff"), bytesOf("41ff")))[0]?.[0]).toBe(0x80 | 0x60 | 24);
  });

  it("leave out units of types that mean something else in RTP", () => {
    const slice = nalUnit(0x61, 10, random);
    expect(packetize(annexB(bytesOf("78 0001 41"), bytesOf("60ff"), slice, bytesOf("7c 8141")))).toEqual([
      slice,
    ]);
  });

  it("are none where there is no start code", () => {
    expect(packetize(bytesOf("0000 0265 0102 0304"))).toEqual([]);
  });
});
