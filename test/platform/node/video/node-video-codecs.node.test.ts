// What goes in comes out again: pictures through an encoder and a decoder in workers.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createNodeVideoCodecs } from "../../../../src/platform/node/video/node-video-codecs.ts";
import type { EncodedPicture, VideoCodecs } from "../../../../src/platform/video-codecs.ts";
import { movingPicture, PICTURE_TICKS, psnr } from "./pictures.ts";
import { recordedDecoder, recordedEncoder } from "./recorder.ts";
import type { RecordedEncoder } from "./recorder.ts";

/** Workers compile their codec first; on a busy machine that takes seconds. */
const PATIENCE_MS = 60_000;

const CODECS = ["VP9", "VP8"] as const;
const SMALL = { width: 320, height: 180, bitrateKbps: 500 } as const;

let codecs: VideoCodecs;

beforeEach(() => {
  codecs = createNodeVideoCodecs();
});
afterEach(() => codecs.close());

/** Encode `count` pictures of a size, keyframes asked for at some. */
async function encodeMany(
  { encode }: RecordedEncoder,
  { width, height }: { width: number; height: number },
  count: number,
  keyframes: readonly number[] = [],
): Promise<EncodedPicture[]> {
  const coded: EncodedPicture[] = [];
  for (let time = 0; time < count; time++) {
    const picture = movingPicture(width, height, time);
    coded.push(await encode(picture, time * PICTURE_TICKS, keyframes.includes(time)));
  }
  return coded;
}

const keyframesOf = (coded: readonly EncodedPicture[]): number[] =>
  coded.flatMap(({ isKeyframe }, i) => (isKeyframe ? [i] : []));

describe.each(CODECS)("%s in workers", { timeout: PATIENCE_MS }, (codec) => {
  it.each([
    { width: 320, height: 180, kbps: 500 },
    { width: 177, height: 99, kbps: 250 },
    { width: 64, height: 36, kbps: 100 },
    { width: 5, height: 3, kbps: 100 },
  ])("gives back pictures of $width x $height", async ({ width, height, kbps }) => {
    const source = await recordedEncoder(codecs, { codec, width, height, bitrateKbps: kbps });
    const sink = await recordedDecoder(codecs, codec);
    const coded = await encodeMany(source, { width, height }, 20);
    for (const picture of coded) await sink.decode(picture);
    expect(sink.heard.refused).toEqual([]);
    const qualities = sink.heard.pictures.map((picture, i) => psnr(picture, movingPicture(width, height, i)));
    expect(qualities.length).toBe(20);
    expect(Math.min(...qualities)).toBeGreaterThan(30);
    expect(sink.heard.pictures.map(({ position }) => position / PICTURE_TICKS)).toEqual(
      Array.from({ length: 20 }, (_, i) => i),
    );
  });

  it("makes keyframes where they are asked for and nowhere else", async () => {
    const source = await recordedEncoder(codecs, { codec, ...SMALL });
    const coded = await encodeMany(source, SMALL, 40, [7, 8, 30]);
    expect(keyframesOf(coded)).toEqual([0, 7, 8, 30]);
    expect(source.encoder.counters).toMatchObject({ encoded: 40, keyframes: 4, dropped: 0 });
    expect(source.encoder.counters.encodeMs).toBeGreaterThan(0);
  });

  it("changes size in the middle, with a keyframe", async () => {
    const { encoder, encode } = await recordedEncoder(codecs, { codec, ...SMALL });
    const sink = await recordedDecoder(codecs, codec);
    const sizes = [
      ...Array<[number, number]>(3).fill([320, 180]),
      ...Array<[number, number]>(3).fill([177, 99]),
    ];
    const coded: EncodedPicture[] = [];
    for (const [time, [width, height]] of [...sizes, ...sizes].entries()) {
      encoder.configure({ width, height });
      const picture = movingPicture(width, height, time);
      coded.push(await encode(picture, time * PICTURE_TICKS));
      await sink.decode(coded.at(-1) as EncodedPicture);
      expect(psnr(sink.heard.pictures.at(-1) as never, picture)).toBeGreaterThan(30);
    }
    expect(keyframesOf(coded)).toEqual([0, 3, 6, 9]);
    expect(coded.map(({ width }) => width)).toEqual([...sizes, ...sizes].map(([width]) => width));
  });

  it("follows the rate: a fall at once, with a keyframe, a small move not at all", async () => {
    const { encoder, encode } = await recordedEncoder(codecs, { codec, ...SMALL, bitrateKbps: 1000 });
    const coded: EncodedPicture[] = [];
    for (let time = 0; time < 60; time++) {
      if (time === 10) encoder.configure({ bitrateKbps: 950 });
      if (time === 20) encoder.configure({ bitrateKbps: 150 });
      coded.push(await encode(movingPicture(320, 180, time), time * PICTURE_TICKS));
    }
    expect(keyframesOf(coded)).toEqual([0, 20]);
    const bytes = (part: EncodedPicture[]): number => part.reduce((sum, { data }) => sum + data.length, 0);
    expect(bytes(coded.slice(25, 60)) / 35).toBeLessThan(bytes(coded.slice(5, 20)) / 15 / 2);
  });

  it("keeps to the rate it was given", async () => {
    const source = await recordedEncoder(codecs, { codec, ...SMALL, bitrateKbps: 300 });
    const coded = await encodeMany(source, SMALL, 90);
    const kbps = (coded.reduce((sum, { data }) => sum + data.length, 0) * 8) / 3 / 1000;
    expect(kbps).toBeGreaterThan(150);
    expect(kbps).toBeLessThan(400);
  });

  it("keeps one picture at work and one waiting, the newest; a demand for a keyframe survives", async () => {
    const { encoder, heard } = await recordedEncoder(codecs, { codec, ...SMALL });
    for (let time = 0; time < 10; time++) {
      encoder.encode(movingPicture(320, 180, time), time * PICTURE_TICKS, time === 4);
    }
    await heard.until(() => heard.coded.length === 2);
    expect(heard.coded.map(({ position }) => position / PICTURE_TICKS)).toEqual([0, 9]);
    expect(heard.coded.map(({ isKeyframe }) => isKeyframe)).toEqual([true, true]);
    expect(encoder.counters).toMatchObject({ encoded: 2, dropped: 8 });
  });

  it("refuses what is not decodable and goes on from the next keyframe", async () => {
    const source = await recordedEncoder(codecs, { codec, ...SMALL });
    const coded = await encodeMany(source, SMALL, 12, [6]);
    const { decoder, heard, decode } = await recordedDecoder(codecs, codec);
    const spoil = (i: number, data: Uint8Array): void => {
      coded[i] = { ...(coded[i] as EncodedPicture), data };
    };
    spoil(
      3,
      Uint8Array.from({ length: 300 }, (_, i) => (i * 37) ^ 0xff),
    );
    spoil(9, new Uint8Array());
    for (const picture of coded) await decode(picture);
    expect(heard.refused.map((position) => position / PICTURE_TICKS)).toEqual([3, 4, 5, 9, 10, 11]);
    expect(heard.pictures.map(({ position }) => position / PICTURE_TICKS)).toEqual([0, 1, 2, 6, 7, 8]);
    expect(psnr(heard.pictures[5] as never, movingPicture(320, 180, 8))).toBeGreaterThan(30);
    expect(decoder.counters.decoded).toBe(6);
    expect(heard.failures).toEqual([]);
  });

  it("takes nothing but a keyframe first", async () => {
    const source = await recordedEncoder(codecs, { codec, ...SMALL });
    const coded = await encodeMany(source, SMALL, 3);
    const { heard, decode } = await recordedDecoder(codecs, codec);
    await decode(coded[1] as EncodedPicture);
    await decode(coded[0] as EncodedPicture);
    expect([heard.refused.length, heard.pictures.length]).toEqual([1, 1]);
  });

  it("shows no picture that is not to be shown, and what comes next all the same", async () => {
    const source = await recordedEncoder(codecs, { codec, ...SMALL });
    const [first, second] = (await encodeMany(source, SMALL, 2)) as [EncodedPicture, EncodedPicture];
    const { decoder, heard, decode } = await recordedDecoder(codecs, codec);
    decoder.decode({ ...first, data: hidden(codec, first) });
    await decode(second);
    expect(heard.refused).toEqual([]);
    expect(heard.pictures.map(({ position }) => position)).toEqual([PICTURE_TICKS]);
    expect(psnr(heard.pictures[0] as never, movingPicture(320, 180, 1))).toBeGreaterThan(30);
  });

  it("survives bytes of any kind", async () => {
    const source = await recordedEncoder(codecs, { codec, ...SMALL });
    const coded = await encodeMany(source, SMALL, 4);
    const { heard, decode } = await recordedDecoder(codecs, codec);
    let seed = 20_261;
    const random = (): number => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff) >> 8;
    for (let turn = 0; turn < 120; turn++) {
      const { data, ...facts } = coded[turn % 4] as EncodedPicture;
      const bytes = data.slice(0, turn % 3 === 0 ? 1 + (random() % data.length) : data.length);
      for (let i = 0; i < turn % 7; i++) bytes[random() % bytes.length] = random();
      await decode({ ...facts, data: bytes });
    }
    await decode(coded[0] as EncodedPicture);
    expect(heard.failures).toEqual([]);
    expect(psnr(heard.pictures.at(-1) as never, movingPicture(320, 180, 0))).toBeGreaterThan(30);
  });
});

describe("a superframe of VP9", { timeout: PATIENCE_MS }, () => {
  it("is one picture", async () => {
    const source = await recordedEncoder(codecs, { codec: "VP9", ...SMALL });
    const [first, second] = (await encodeMany(source, SMALL, 2)) as [EncodedPicture, EncodedPicture];
    const { heard, decode } = await recordedDecoder(codecs, "VP9");
    await decode({ ...first, data: superframe(hidden("VP9", first), second.data) });
    expect(heard.pictures.length).toBe(1);
    expect(psnr(heard.pictures[0] as never, movingPicture(320, 180, 1))).toBeGreaterThan(30);
  });
});

describe("VP9 that lies about its size", { timeout: PATIENCE_MS }, () => {
  it.each([65_536, 16_384, 4_096, 2_048])("is refused at %d x itself, and decoding goes on", async (side) => {
    const source = await recordedEncoder(codecs, { codec: "VP9", ...SMALL });
    const [keyframe] = await encodeMany(source, SMALL, 1);
    const { heard, decode } = await recordedDecoder(codecs, "VP9");
    await decode({ ...(keyframe as EncodedPicture), data: withSize(keyframe as EncodedPicture, side) });
    await decode(keyframe as EncodedPicture);
    expect([heard.refused.length, heard.pictures.length, heard.failures.length]).toEqual([1, 1, 0]);
  });
});

/** A VP9 keyframe with another size in its header: 16 bits each, behind 36 bits (VP9 bitstream 6.2). */
function withSize({ data }: EncodedPicture, side: number): Uint8Array {
  const copy = data.slice();
  const bits = BigInt((side - 1) * 65_536 + (side - 1));
  for (let i = 0; i < 32; i++) {
    const at = 36 + i;
    const mask = 0x80 >> (at & 7);
    const one = (bits >> BigInt(31 - i)) & 1n;
    copy[at >> 3] = one === 1n ? (copy[at >> 3] as number) | mask : (copy[at >> 3] as number) & ~mask;
  }
  return copy;
}

/** A keyframe whose header says that it is not to be shown (VP9 bitstream 6.2, RFC 6386 section 9.1). */
function hidden(codec: "VP9" | "VP8", { data }: EncodedPicture): Uint8Array {
  const copy = data.slice();
  copy[0] = (copy[0] as number) & (codec === "VP9" ? ~0x02 : ~0x10);
  return copy;
}

/** Two frames in one, with the index of their sizes at the end (VP9 bitstream annex B). */
function superframe(first: Uint8Array, second: Uint8Array): Uint8Array {
  const marker = 0b110_01_001; // sizes of two bytes, two frames
  const sizes = [first, second].flatMap(({ length }) => [length & 0xff, length >> 8]);
  return Uint8Array.from([...first, ...second, marker, ...sizes, marker]);
}
