import { expect, it } from "vitest";
import { codedSize } from "../../../src/platform/browser/coded-size.ts";
import type { VideoCodecName } from "../../../src/platform/video-codecs.ts";
import { SeededRandom } from "../../../src/testing/random.ts";

/** A string of bits as bytes. */
function bytes(...parts: string[]): number[] {
  const bits = parts.join("").replaceAll(" ", "");
  const padded = bits.padEnd(Math.ceil(bits.length / 8) * 8, "0");
  return Array.from({ length: padded.length / 8 }, (_, at) => parseInt(padded.slice(at * 8, at * 8 + 8), 2));
}
const fixed = (value: number, count: number): string => value.toString(2).padStart(count, "0");
/** ue(v) of H.264. */
const golomb = (value: number): string => {
  const binary = (value + 1).toString(2);
  return binary.padStart(binary.length * 2 - 1, "0");
};

const vp8 = (width: number, height: number): number[] => [
  ...[0x10, 0, 0, 0x9d, 0x01, 0x2a],
  ...[width & 0xff, 0x40 | (width >> 8), height & 0xff, height >> 8],
];
const vp9 = (width: number, height: number, { profile = "00", kind = "0", color = "010" } = {}): number[] =>
  bytes(
    "10",
    profile,
    "0",
    kind,
    "10",
    fixed(0x498342, 24),
    color,
    "0",
    fixed(width - 1, 16),
    fixed(height - 1, 16),
  );
/** Constrained baseline, one frame of macroblocks, cropped below by `crop` pairs of rows. */
const sps = (columns: number, rows: number, crop: number, order = golomb(2)): number[] =>
  bytes(
    ...["01100111", fixed(66, 8), fixed(0xe0, 8), fixed(31, 8), golomb(0), golomb(0), order, golomb(1), "0"],
    ...[golomb(columns - 1), golomb(rows - 1), "1", "1"],
    ...(crop === 0 ? ["0"] : ["1", golomb(0), golomb(0), golomb(0), golomb(crop)]),
    ...["0", "1"],
  );
const annexB = (...units: number[][]): number[] => units.flatMap((unit) => [0, 0, 0, 1, ...unit]);

it.each<[string, VideoCodecName, number[], [number, number]]>([
  ["VP8", "VP8", vp8(640, 360), [640, 360]],
  ["VP8 of odd size", "VP8", vp8(641, 3), [641, 3]],
  ["VP9", "VP9", vp9(1280, 720), [1280, 720]],
  ["VP9 of one pixel", "VP9", vp9(1, 1), [1, 1]],
  ["H.264 of whole macroblocks", "H264", annexB(sps(40, 22, 0)), [640, 352]],
  ["H.264 that is cropped", "H264", annexB(sps(40, 23, 4)), [640, 360]],
  ["H.264 behind a delimiter", "H264", annexB([9, 0xf0], sps(80, 45, 0), [0x68, 1]), [1280, 720]],
  ["H.264 with order type 0", "H264", annexB(sps(4, 4, 0, golomb(0) + golomb(2))), [64, 64]],
  [
    "H.264 with order type 1",
    "H264",
    annexB(sps(4, 4, 0, `${golomb(1)}0${golomb(1)}${golomb(1)}${golomb(2)}${golomb(3)}${golomb(4)}`)),
    [64, 64],
  ],
])("reads the size of %s", (_, codec, data, [width, height]) => {
  expect(codedSize(codec, Uint8Array.from(data))).toEqual({ width, height });
});

it("skips the bytes that H.264 inserts", () => {
  // 4096 columns of macroblocks: the number has zeros enough for one to be inserted.
  const plain = sps(4096, 1, 0);
  const inserted = plain.flatMap((byte, at) =>
    byte <= 3 && plain[at - 1] === 0 && plain[at - 2] === 0 ? [3, byte] : [byte],
  );
  expect(codedSize("H264", Uint8Array.from(annexB(inserted)))).toEqual({ width: 65_536, height: 16 });
});

it.each<[string, VideoCodecName, number[]]>([
  ["a delta of VP8", "VP8", [0x11, ...vp8(64, 64).slice(1)]],
  ["VP8 without its start code", "VP8", [0x10, 0, 0, 1, 2, 3, 64, 0, 64, 0]],
  ["a delta of VP9", "VP9", vp9(64, 64, { kind: "1" })],
  ["another profile of VP9", "VP9", vp9(64, 64, { profile: "10" })],
  ["VP9 in RGB", "VP9", vp9(64, 64, { color: "111" })],
  ["H.264 without parameters", "H264", annexB([0x65, 1, 2, 3])],
  ["H.264 of another profile", "H264", annexB([0x67, 100, 0, 31, 0xac])],
  ["H.264 cut short", "H264", annexB(sps(40, 22, 0).slice(0, 6))],
  ["nothing", "H264", []],
])("makes nothing of %s", (_, codec, data) => {
  expect(codedSize(codec, Uint8Array.from(data))).toBeUndefined();
});

it("survives any bytes", () => {
  const seed = "coded sizes";
  const random = new SeededRandom(seed);
  for (let round = 0; round < 3_000; round++) {
    const data = random.bytes(Math.floor(random.next() * 40));
    if (round % 3 === 0) data.set(annexB([0x67, 66]).slice(0, data.length));
    for (const codec of ["VP9", "H264", "VP8"] as const) {
      const size = codedSize(codec, data);
      const sane = size === undefined || (size.width > 0 && size.height > 0);
      expect(sane, `seed ${seed}, round ${round}, ${codec}`).toBe(true);
    }
  }
});
