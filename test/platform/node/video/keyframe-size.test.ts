import { describe, expect, it } from "vitest";
import { keyframeSize } from "../../../../src/platform/node/video/keyframe-size.ts";

// Headers as libvpx 1.16 writes them.
const VP9_320x180 = [0x82, 0x49, 0x83, 0x42, 0x00, 0x13, 0xf0, 0x0b, 0x30, 0x00];
const VP8_320x180 = [0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00];

describe("the size that a keyframe says of itself", () => {
  it.each([
    { codec: "VP9", bytes: VP9_320x180, size: { width: 320, height: 180 } },
    { codec: "VP8", bytes: VP8_320x180, size: { width: 320, height: 180 } },
    // Two bits of scaling above each side of VP8 say nothing of its size.
    {
      codec: "VP8",
      bytes: VP8_320x180.map((byte, i) => (i === 7 ? 0x41 : byte)),
      size: { width: 320, height: 180 },
    },
  ] as const)("is read: $codec", ({ codec, bytes, size }) => {
    expect(keyframeSize(codec, Uint8Array.from(bytes))).toEqual(size);
  });

  it.each([
    { codec: "VP9", bytes: VP9_320x180.map((byte, i) => (i === 0 ? 0x86 : byte)), why: "no keyframe" },
    { codec: "VP9", bytes: VP9_320x180.map((byte, i) => (i === 0 ? 0xa2 : byte)), why: "another profile" },
    { codec: "VP9", bytes: VP9_320x180.map((byte, i) => (i === 2 ? 0 : byte)), why: "no sync code" },
    { codec: "VP8", bytes: VP8_320x180.map((byte, i) => (i === 0 ? 0x11 : byte)), why: "no keyframe" },
    { codec: "VP8", bytes: VP8_320x180.map((byte, i) => (i === 5 ? 0 : byte)), why: "no start code" },
    { codec: "H264", bytes: VP8_320x180, why: "another codec" },
    { codec: "VP9", bytes: [], why: "empty" },
    { codec: "VP8", bytes: VP8_320x180.slice(0, 9), why: "cut" },
  ] as const)("is not there: $codec, $why", ({ codec, bytes }) => {
    expect(keyframeSize(codec, Uint8Array.from(bytes))).toBeUndefined();
  });
});
