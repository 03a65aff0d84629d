import { describe, expect, it } from "vitest";
import { Vp9Packetizer } from "../../../src/rtp/packetizers/vp9.ts";
import { bytesOf } from "../coded-frames.ts";

const frame = (length: number, isKeyframe: boolean) => ({
  data: new Uint8Array(length).fill(0xaa),
  isKeyframe,
  width: 494,
  height: 371,
});

describe("VP9 payloads", () => {
  it("begin a keyframe with its size and the way frames are predicted, as Chromium writes it", () => {
    // The first packet of a recorded call.
    const [payload, ...others] = new Vp9Packetizer(26_363).packetize(frame(2, true), 1200);
    expect(payload).toEqual(bytesOf("8f e6fb 18 01ee 0173 01 14 01 aaaa"));
    expect(others).toEqual([]);
  });

  it("are marked as predicted, and at both ends", () => {
    const packetizer = new Vp9Packetizer(26_364);
    const heads = (length: number) =>
      packetizer.packetize(frame(length, false), 103).map((payload) => payload.slice(0, 3));
    expect(heads(10)).toEqual([bytesOf("cde6fc")]);
    expect(heads(250)).toEqual([bytesOf("c9e6fd"), bytesOf("c1e6fd"), bytesOf("c5e6fd")]);
  });

  it("say the size of a keyframe once", () => {
    const heads = new Vp9Packetizer(0).packetize(frame(200, true), 103).map((payload) => payload.slice(0, 4));
    expect(heads).toEqual([bytesOf("8b800018"), bytesOf("818000aa"), bytesOf("858000aa")]);
  });

  it("count frames in 15 bits", () => {
    const packetizer = new Vp9Packetizer(0x8000 + 0x7fff);
    const ids = [1, 2, 3].map(() => packetizer.packetize(frame(1, false), 1200)[0]?.slice(1, 3));
    expect(ids).toEqual([bytesOf("ffff"), bytesOf("8000"), bytesOf("8001")]);
  });
});
