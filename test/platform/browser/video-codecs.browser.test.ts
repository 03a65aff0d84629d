// What WebCodecs makes of codecs beyond the contract: real ones where they do as they should, stand-ins for browsers
// that break, refuse, or give other pixels.
import { afterEach, describe, expect, it, vi } from "vitest";
import type { TransportError } from "../../../src/errors/errors.ts";
import { openBrowserVideoCodecs } from "../../../src/platform/browser/video-codecs.ts";
import { makeFrame, readFrame, ticksToUs, usToTicks } from "../../../src/platform/browser/video-picture.ts";
import type { VideoCodecName, VideoCodecs } from "../../../src/platform/video-codecs.ts";
import { toI420 } from "../../../src/wasm/pixels.ts";
import { movingPicture, psnrOf } from "../../contract/video-pictures.ts";
import { FakeDecoder, FakeEncoder } from "./fake-codecs.ts";

const STEP = 3000;
const PATIENCE = { timeout: 15_000 };
const SETTINGS = { codec: "VP8", width: 64, height: 48, bitrateKbps: 300, framerateFps: 30 } as const;
const PICTURE = movingPicture(64, 48, 0);

afterEach(() => vi.unstubAllGlobals());

const open = (): Promise<VideoCodecs> =>
  openBrowserVideoCodecs({ loadConversion: () => Promise.resolve({ toI420 }) });

/** An encoder and a decoder, and what they report, as lines. */
async function pair(codec: VideoCodecName = "VP8", fps = 30) {
  const codecs = await open();
  const log: string[] = [];
  const fault = (error: TransportError): void => void log.push(`failed ${error.code}`);
  const encoder = await codecs.createEncoder(
    { ...SETTINGS, codec, framerateFps: fps },
    {
      encoded: ({ position, isKeyframe }) =>
        void log.push(`encoded ${position / STEP}${isKeyframe ? " key" : ""}`),
      failed: fault,
    },
  );
  const decoder = await codecs.createDecoder(codec, {
    picture: ({ position }) => void log.push(`picture ${position / STEP}`),
    undecodable: (position) => void log.push(`undecodable ${position / STEP}`),
    failed: fault,
  });
  const decode = (index: number, isKeyframe = false): void =>
    decoder.decode({ data: new Uint8Array(8), isKeyframe, width: 64, height: 48, position: index * STEP });
  const encode = (index: number, keyframe = false): void => encoder.encode(PICTURE, index * STEP, keyframe);
  return { codecs, encoder, decoder, decode, encode, log };
}

describe("support", () => {
  it("is what the browser says: VP9 and VP8 at least", async () => {
    const { encodes, decodes } = await open();
    expect([...encodes]).toEqual(expect.arrayContaining(["VP9", "VP8"]));
    expect([...decodes]).toEqual(expect.arrayContaining(["VP9", "VP8"]));
  });

  it("is none at all without WebCodecs", async () => {
    vi.stubGlobal("VideoEncoder", undefined);
    vi.stubGlobal("VideoDecoder", undefined);
    const { encodes, decodes } = await open();
    expect([encodes.size, decodes.size]).toEqual([0, 0]);
  });

  it("ends where a size is no size", async () => {
    const codecs = await open();
    const events = { encoded: () => undefined, failed: () => undefined };
    for (const width of [0, -5, 100_000]) {
      const made = codecs.createEncoder({ ...SETTINGS, width }, events);
      await expect(made, `width ${width}`).rejects.toMatchObject({ code: "NOT_SUPPORTED" });
    }
  });
});

it("changes bitrate and framerate without a keyframe", async () => {
  const { encode, encoder, log } = await pair("VP9");
  for (let i = 0; i < 6; i++) {
    if (i > 0) encoder.configure({ bitrateKbps: 100 + 300 * i, framerateFps: 31 - 5 * i });
    encode(i);
    await expect.poll(() => log.length, PATIENCE).toBe(i + 1);
  }
  expect(log).toEqual(["encoded 0 key", ...[1, 2, 3, 4, 5].map((i) => `encoded ${i}`)]);
});

it("keeps positions exact, whatever they are", () => {
  const wrong = [0, 1, 7, 3000, 123_456_789, 2 ** 33 + 1, 9e12 + 5].filter(
    (ticks) => usToTicks(ticksToUs(ticks)) !== ticks,
  );
  expect(wrong).toEqual([]);
});

describe("pixels of a frame", () => {
  const timestamp = 0;
  const packed = Uint8Array.from({ length: 4 * 35 * 21 }, (_, i) => (i * 7) ^ (i >> 5));

  it.each(["BGRX", "BGRA", "RGBX", "RGBA"] as const)("of %s become I420", async (format) => {
    const frame = new VideoFrame(packed, { format, codedWidth: 35, codedHeight: 21, timestamp });
    const read = await readFrame(frame, () => Promise.resolve({ toI420 }));
    expect(read).toEqual(toI420(packed, format.startsWith("BGR") ? "BGRX" : "RGBA", 35, 21));
    frame.close();
  });

  it("of NV12 become I420", async () => {
    const data = packed.slice(0, 36 * 20 * 1.5);
    const frame = new VideoFrame(data, { format: "NV12", codedWidth: 36, codedHeight: 20, timestamp });
    const read = await readFrame(frame, () => Promise.resolve({ toI420 }));
    expect(read).toEqual(toI420(data, "NV12", 36, 20));
    frame.close();
  });

  it("of I420 with alpha are the same without it", async () => {
    const { planes } = movingPicture(36, 20, 0);
    const data = new Uint8Array([...planes.flatMap((plane) => [...plane]), ...planes[0]]);
    const frame = new VideoFrame(data, { format: "I420A", codedWidth: 36, codedHeight: 20, timestamp });
    expect((await readFrame(frame, () => Promise.reject(new Error("no")))).planes).toEqual(planes);
    frame.close();
  });

  it("of a format that is not ours are read as the browser converts them", async () => {
    const picture = movingPicture(36, 20, 0);
    const [luma, u, v] = picture.planes;
    const twice = (plane: Uint8Array) =>
      Array.from({ length: 720 }, (_, i) => plane[((i / 72) | 0) * 18 + ((i % 36) >> 1)] ?? 0);
    const data = new Uint8Array([...luma, ...twice(u), ...twice(v)]);
    const colorSpace = {
      primaries: "smpte170m",
      transfer: "smpte170m",
      matrix: "smpte170m",
      fullRange: false,
    } as const;
    const frame = new VideoFrame(data, {
      format: "I444",
      codedWidth: 36,
      codedHeight: 20,
      timestamp,
      colorSpace,
    });
    const read = await readFrame(frame, () => Promise.resolve({ toI420 }));
    expect(psnrOf(read, picture)).toBeGreaterThan(36);
    frame.close();
  });

  it("are those that are visible, odd sides included", async () => {
    const whole = movingPicture(48, 32, 0);
    const frame = makeFrame(whole, 35, 21, 0);
    const read = await readFrame(frame, () => Promise.reject(new Error("no")));
    expect([read.width, read.height, read.planes.map(({ length }) => length)]).toEqual([
      35,
      21,
      [735, 198, 198],
    ]);
    expect([...read.planes[0].subarray(35, 70)]).toEqual([...whole.planes[0].subarray(48, 83)]);
    frame.close();
  });
});

describe("a browser's encoder", () => {
  it("that breaks is replaced, and the new one begins with a keyframe", async () => {
    vi.stubGlobal("VideoEncoder", FakeEncoder.reset());
    const { encode, log } = await pair();
    encode(0);
    FakeEncoder.last.give(0, true);
    encode(1);
    FakeEncoder.last.break("EncodingError");
    encode(2);
    expect(FakeEncoder.made.length).toBe(2);
    expect(FakeEncoder.last.given).toEqual(["2 key"]);
    FakeEncoder.last.give(2, true);
    expect(log).toEqual(["encoded 0 key", "encoded 2 key"]);
  });

  it("that breaks three times without a picture is given up", async () => {
    vi.stubGlobal("VideoEncoder", FakeEncoder.reset());
    const { encode, log } = await pair();
    for (let i = 0; i < 5; i++) {
      encode(i);
      FakeEncoder.last.break("EncodingError");
    }
    expect([log, FakeEncoder.made.length]).toEqual([["failed ENCODING_ERROR"], 3]);
  });

  it("that does not know its settings is given up at once", async () => {
    vi.stubGlobal("VideoEncoder", FakeEncoder.reset());
    const { encode, log } = await pair();
    encode(0);
    FakeEncoder.last.break("NotSupportedError");
    expect(log).toEqual(["failed NOT_SUPPORTED"]);
  });

  it("that leaves pictures out is given the next ones all the same, and a lost keyframe is asked for again", async () => {
    vi.stubGlobal("VideoEncoder", FakeEncoder.reset());
    const { encode, log, encoder } = await pair();
    encode(0);
    FakeEncoder.last.give(0, true);
    encode(1, true);
    encode(2);
    expect(FakeEncoder.last.given).toEqual(["0 key", "1 key"]);
    await expect.poll(() => FakeEncoder.last.given.length, PATIENCE).toBe(3);
    FakeEncoder.last.give(2, false);
    encode(3);
    expect(FakeEncoder.last.given).toEqual(["0 key", "1 key", "2", "3 key"]);
    expect(log).toEqual(["encoded 0 key", "encoded 2"]);
    expect(encoder.counters).toMatchObject({ encoded: 2, keyframes: 1, dropped: 0 });
  });

  it("that says nothing ever again is replaced", async () => {
    vi.stubGlobal("VideoEncoder", FakeEncoder.reset());
    const { encode } = await pair("VP8", 1000);
    let index = 0;
    const timer = setInterval(() => encode(index++), 5);
    await expect.poll(() => FakeEncoder.made.length, PATIENCE).toBeGreaterThan(1);
    clearInterval(timer);
    expect(FakeEncoder.made[0]?.state).toBe("closed");
    expect(FakeEncoder.made[0]?.given.length).toBeLessThanOrEqual(20);
  });

  it("whose queue is full waits for its turn", async () => {
    vi.stubGlobal("VideoEncoder", FakeEncoder.reset());
    const { encode } = await pair();
    encode(0);
    FakeEncoder.last.give(0, true);
    FakeEncoder.last.encodeQueueSize = 1;
    encode(1);
    encode(2);
    expect(FakeEncoder.last.given).toEqual(["0 key"]);
    FakeEncoder.last.encodeQueueSize = 0;
    FakeEncoder.last.dispatchEvent(new Event("dequeue"));
    expect(FakeEncoder.last.given).toEqual(["0 key", "2"]);
  });
});

describe("a browser's decoder", () => {
  it("that breaks goes on from a keyframe that it has already been given", async () => {
    vi.stubGlobal("VideoDecoder", FakeDecoder.reset());
    const { decode, decoder, log } = await pair();
    [0, 1, 2, 3, 4].forEach((i) => decode(i, i === 0 || i === 3));
    FakeDecoder.last.give(0);
    FakeDecoder.last.break("EncodingError");
    expect(FakeDecoder.last.given).toEqual(["3 key", "4"]);
    FakeDecoder.last.give(3);
    FakeDecoder.last.give(4);
    await expect.poll(() => decoder.pending, PATIENCE).toBe(0);
    expect(log).toEqual(["picture 0", "undecodable 1", "undecodable 2", "picture 3", "picture 4"]);
  });

  it("that breaks ten times without a picture is given up", async () => {
    vi.stubGlobal("VideoDecoder", FakeDecoder.reset());
    const { decode, log } = await pair();
    for (let i = 0; i < 12; i++) {
      decode(i, true);
      FakeDecoder.last.break("EncodingError");
    }
    await expect.poll(() => log, PATIENCE).toContain("failed DECODING_ERROR");
    expect(FakeDecoder.made.length).toBe(10);
  });

  it("that shows no picture for one makes nobody wait for it", async () => {
    vi.stubGlobal("VideoDecoder", FakeDecoder.reset());
    const { decode, decoder, log } = await pair();
    [0, 1, 2].forEach((i) => decode(i, i === 0));
    FakeDecoder.last.give(2);
    await expect.poll(() => decoder.pending, PATIENCE).toBe(0);
    FakeDecoder.last.give(2);
    expect(log).toEqual(["picture 2"]);
  });

  it("that comes to a stop is replaced, and what was in it is lost", async () => {
    vi.stubGlobal("VideoDecoder", FakeDecoder.reset());
    const { decode, decoder, log } = await pair();
    for (let i = 0; i < 122; i++) decode(i, i === 0 || i === 121);
    await expect.poll(() => decoder.pending, PATIENCE).toBe(1);
    expect(log.length).toBe(121);
    expect(FakeDecoder.made.map(({ state }) => state)).toEqual(["closed", "configured"]);
    FakeDecoder.last.give(121);
    await expect.poll(() => log.at(-1), PATIENCE).toBe("picture 121");
  });

  it("is told of a higher level when pictures grow, and only then", async () => {
    vi.stubGlobal("VideoDecoder", FakeDecoder.reset());
    const { decoder } = await pair("VP9");
    const sizes = [320, 320, 1920, 320, 1920];
    sizes.forEach((width, i) =>
      decoder.decode({
        data: new Uint8Array(8),
        isKeyframe: true,
        width,
        height: width / 2,
        position: i * STEP,
      }),
    );
    expect(FakeDecoder.last.configs).toEqual(["vp09.00.20.08", "vp09.00.41.08"]);
  });
});
