import { describe, expect, it } from "vitest";
import { Vp8Packetizer } from "../../../src/rtp/packetizers/vp8.ts";
import { bytesOf } from "../coded-frames.ts";

const frame = (length: number) => ({
  data: new Uint8Array(length).fill(0xaa),
  isKeyframe: false,
  width: 640,
  height: 360,
});

describe("VP8 payloads", () => {
  it("begin with the descriptor of RFC 7741 section 4.2", () => {
    expect(new Vp8Packetizer(0x1234).packetize(frame(2), 1200)).toEqual([bytesOf("90 80 9234 aaaa")]);
  });

  it("are marked at the beginning of a frame alone", () => {
    const payloads = new Vp8Packetizer(5).packetize(frame(250), 104);
    const heads = payloads.map((payload) => payload.slice(0, 4));
    expect(heads).toEqual([bytesOf("90808005"), bytesOf("80808005"), bytesOf("80808005")]);
  });

  it("count frames in 15 bits", () => {
    const packetizer = new Vp8Packetizer(0x7fff);
    const ids = [1, 2].map(() => packetizer.packetize(frame(1), 1200)[0]?.slice(2, 4));
    expect(ids).toEqual([bytesOf("ffff"), bytesOf("8000")]);
  });
});
