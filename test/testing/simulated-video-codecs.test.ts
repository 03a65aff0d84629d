import { describe, expect, it } from "vitest";
import type { DecodedPicture, EncodedPicture, VideoCodecName } from "../../src/platform/video-codecs.ts";
import { DEPACKETIZERS, createPacketizer } from "../../src/rtp/video-formats.ts";
import { SimulatedNetwork } from "../../src/testing/simulated-platform.ts";
import { SimulatedVideoCodecs } from "../../src/testing/simulated-video-codecs.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { accepted, joined } from "../rtp/coded-frames.ts";

const CODECS: readonly VideoCodecName[] = ["VP9", "H264", "VP8"];
const SETTINGS = { codec: "VP9", width: 64, height: 36, bitrateKbps: 480, framerateFps: 30 } as const;
const FRAME_MS = 1000 / 30;
const unexpected = (): never => {
  throw new Error("nothing fails here");
};

function plain(level: number, width = 64, height = 36) {
  const chroma = ((width + 1) >> 1) * ((height + 1) >> 1);
  const fresh = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);
  const planes = [fresh(width * height, level), fresh(chroma, 128), fresh(chroma, 128)] as const;
  return { width, height, planes };
}

async function encoderOf(codec: VideoCodecName = "VP9", bitrateKbps = 480) {
  const clock = new VirtualClock();
  const codecs = new SimulatedVideoCodecs({ clock });
  const coded: EncodedPicture[] = [];
  const events = { encoded: (picture: EncodedPicture) => void coded.push(picture), failed: unexpected };
  const encoder = await codecs.createEncoder({ ...SETTINGS, codec, bitrateKbps }, events);
  return { clock, codecs, encoder, coded };
}

async function decoderOf(codec: VideoCodecName) {
  const clock = new VirtualClock();
  const decoded: DecodedPicture[] = [];
  const refused: number[] = [];
  const decoder = await new SimulatedVideoCodecs({ clock }).createDecoder(codec, {
    picture: (picture) => void decoded.push(picture),
    undecodable: (position) => void refused.push(position),
    failed: unexpected,
  });
  return { clock, decoder, decoded, refused };
}

async function stream(
  codec: VideoCodecName,
  count: number,
  keyframeEvery = Infinity,
): Promise<EncodedPicture[]> {
  const { clock, encoder, coded } = await encoderOf(codec);
  for (let i = 0; i < count; i++) {
    encoder.encode(plain(50 + i), i * 3000, i % keyframeEvery === 0);
    clock.advance(FRAME_MS);
  }
  return coded;
}

describe("simulated codecs", () => {
  it("tell what their encoders are told, take their time for a first picture, and count what was decoded", async () => {
    const clock = new VirtualClock();
    const network = new SimulatedNetwork({ clock });
    network.setVideoCodecs("alice", { firstEncodeMs: 50 });
    expect(network.videoCodecs("alice")).toBeUndefined();
    const codecs = await network.platform("alice").loadVideoCodecs?.();
    const loaded = network.videoCodecs("alice");
    expect(loaded).toBe(codecs);
    const times: number[] = [];
    const coded: EncodedPicture[] = [];
    const encoded = (picture: EncodedPicture): void => void (coded.push(picture), times.push(clock.now()));
    const encoder = await codecs?.createEncoder(SETTINGS, { encoded, failed: unexpected });
    for (let i = 0; i < 3; i++) {
      encoder?.encode(plain(i), i * 3000, false);
      clock.advance(100);
    }
    expect(times).toEqual([50, 104, 204]);
    encoder?.configure({ bitrateKbps: 99 });
    expect(loaded?.encoders).toEqual([{ ...SETTINGS, bitrateKbps: 99 }]);
    const nothing = (): void => undefined;
    const events = { picture: nothing, undecodable: nothing, failed: unexpected };
    const decoder = await codecs?.createDecoder("VP9", events);
    for (const picture of [coded[0], coded[2]]) if (picture) decoder?.decode(picture);
    clock.advance(100);
    expect(loaded?.counters).toEqual({ decoded: 1, undecodable: 1 });
    encoder?.close();
    expect(loaded?.encoders).toEqual([]);
    codecs?.close();
  });

  it.each(CODECS)(
    "give back what was encoded as %s, through RTP payloads that tell size and keyframes",
    async (codec) => {
      const { clock, decoder, decoded, refused } = await decoderOf(codec);
      const packetizer = createPacketizer(codec, 1);
      for (const picture of await stream(codec, 5)) {
        const payloads = packetizer.packetize(picture, 300);
        const read = payloads.map((payload, i) =>
          accepted(DEPACKETIZERS[codec](payload, i === payloads.length - 1)),
        );
        expect(read.some(({ isKeyframe }) => isKeyframe)).toBe(picture.isKeyframe);
        if (picture.isKeyframe)
          expect(read.find(({ width }) => width)).toMatchObject({ width: 64, height: 36 });
        decoder.decode({ ...picture, data: joined(read.flatMap(({ pieces }) => pieces)) });
      }
      clock.advance(100);
      expect(refused).toEqual([]);
      expect(decoded.map(({ position, planes }) => [position, planes[0][0], planes[0].at(-1)])).toEqual(
        [0, 1, 2, 3, 4].map((i) => [i * 3000, 50 + i, 50 + i]),
      );
      expect(decoded[0]?.planes.map(({ length }) => length)).toEqual([64 * 36, 32 * 18, 32 * 18]);
    },
  );

  it.each(CODECS)(
    "notice in %s that a reference is missing, or was damaged, up to the next keyframe",
    async (codec) => {
      const { clock, decoder, decoded, refused } = await decoderOf(codec);
      const pictures = await stream(codec, 9, 4);
      for (const [i, picture] of pictures.entries()) {
        if (i === 1) continue;
        const { data } = picture;
        if (i === 6) data[data.length >> 3] = (data[data.length >> 3] ?? 0) ^ 1; // in its line or in its luma
        decoder.decode(picture);
      }
      clock.advance(100);
      expect(decoded.map(({ position }) => position / 3000)).toEqual([0, 4, 5, 8]);
      expect(refused.map((position) => position / 3000)).toEqual([2, 3, 6, 7]);
    },
  );

  it("work on one picture, keep one waiting, and let a newer one take its place with its demand", async () => {
    const { clock, encoder, coded } = await encoderOf();
    encoder.encode(plain(1), 0, false);
    encoder.encode(plain(2), 1, true);
    encoder.encode(plain(3), 2, false);
    clock.advance(4);
    expect(coded.map(({ position }) => position)).toEqual([0]);
    clock.advance(4);
    expect(coded.map(({ position, isKeyframe }) => [position, isKeyframe])).toEqual([
      [0, true],
      [2, true],
    ]);
    expect(encoder.counters).toEqual({ encoded: 2, keyframes: 2, dropped: 1, encodeMs: 8 });
  });

  it.each([480, 2000])("write %d kbit/s, keyframes included", async (bitrateKbps) => {
    const { clock, encoder, coded } = await encoderOf("VP9", bitrateKbps);
    for (let i = 0; i < 300; i++) {
      encoder.encode(plain(9), i * 3000, i % 100 === 0);
      clock.advance(FRAME_MS);
    }
    const bytes = coded.reduce((sum, { data }) => sum + data.length, 0);
    expect((bytes * 8) / 10 / 1000).toBeCloseTo(bitrateKbps, -2);
    expect(coded[100]?.data.length).toBeGreaterThan(3 * (coded[50]?.data.length ?? Infinity));
  });

  it("begin with a keyframe after a change of size, and refuse a size they were not told of", async () => {
    const { clock, encoder, coded } = await encoderOf();
    encoder.encode(plain(1), 0, false);
    clock.advance(FRAME_MS);
    expect(() => encoder.encode(plain(1, 32, 18), 1, false)).toThrow(/64x36/);
    encoder.configure({ width: 32, height: 18 });
    encoder.encode(plain(1, 32, 18), 2, false);
    clock.advance(FRAME_MS);
    expect(coded.map(({ isKeyframe, width }) => [isKeyframe, width])).toEqual([
      [true, 64],
      [true, 32],
    ]);
  });

  it("end with those who made them, and leave no timer", async () => {
    const { clock, codecs, encoder, coded } = await encoderOf();
    encoder.encode(plain(1), 0, false);
    codecs.close();
    encoder.encode(plain(1), 1, false);
    expect(clock.pending).toBe(0);
    clock.advance(100);
    expect(coded).toEqual([]);
    await expect(
      codecs.createEncoder(SETTINGS, { encoded: unexpected, failed: unexpected }),
    ).rejects.toMatchObject({
      code: "NOT_SUPPORTED",
    });
  });

  it("come with the simulated platform", async () => {
    const platform = new SimulatedNetwork({ clock: new VirtualClock() }).platform("a");
    expect((await platform.loadVideoCodecs?.())?.encodes).toEqual(new Set(CODECS));
  });
});
