import { describe, expect, it } from "vitest";
import { TransportError } from "../../../src/errors/errors.ts";
import { buildVideoPacket } from "../../../src/media/video/outgoing-packet.ts";
import { MAX_PAYLOAD_BYTES } from "../../../src/media/video/frame-fan-out.ts";
import { PictureEncoding } from "../../../src/media/video/picture-encoding.ts";
import { pictureOf } from "../../../src/media/video/video-data.ts";
import type { VideoEncoder, VideoEncoderEvents } from "../../../src/platform/video-codecs.ts";
import { MAX_DEPENDENCY_BYTES } from "../../../src/rtp/dependency-descriptor.ts";
import { buildCaptureTime } from "../../../src/rtp/capture-time.ts";
import { SimulatedVideoCodecs } from "../../../src/testing/simulated-video-codecs.ts";
import { VirtualClock } from "../../../src/testing/virtual-clock.ts";
import { FakeSink, gray } from "./pictures.ts";

const LIMITS = {
  bitrateKbps: 3000,
  minBitrateKbps: 100,
  adaptive: true,
  framerateFps: 30,
  keyframeInterval: 60,
};

function world(wrap: (encoder: VideoEncoder, events: VideoEncoderEvents) => void = () => undefined) {
  const clock = new VirtualClock();
  const inner = new SimulatedVideoCodecs({ clock });
  const faults: string[] = [];
  const encoding = new PictureEncoding({
    codec: "VP9",
    clock,
    loadCodecs: async () =>
      Object.assign(Object.create(inner) as SimulatedVideoCodecs, {
        createEncoder: async (...args: Parameters<typeof inner.createEncoder>) => {
          const encoder = await inner.createEncoder(...args);
          wrap(encoder, args[1]);
          return encoder;
        },
      }),
    limits: LIMITS,
    firstPictureId: 3,
    onFault: ({ code, message }) => void faults.push(`${code}: ${message}`),
    onEncoded: () => undefined,
  });
  let position = 0;
  const encode = (sinks: readonly FakeSink[], change = {}): Promise<void> =>
    encoding.encode({
      picture: pictureOf(gray(90, undefined, 1280, 720)),
      position: (position += 3000),
      captureUs: position,
      keyframe: false,
      sinks,
      ...change,
    });
  const play = async (count: number, sinks: readonly FakeSink[]): Promise<void> => {
    for (let i = 0; i < count; i++) {
      await encode(sinks).catch(() => undefined);
      await clock.run(33);
    }
  };
  return { clock, encoding, faults, encode, play };
}

describe("the encoder of a stream", () => {
  it("cuts frames so that a packet has 1200 bytes at most, also when it is sent again", async () => {
    const { play, encoding } = world();
    const sink = new FakeSink("a");
    await play(3, [sink]);
    const lengths = sink.frames.flatMap(({ payloads }) => payloads.map(({ length }) => length));
    expect(Math.max(...lengths)).toBeGreaterThan(MAX_PAYLOAD_BYTES - 200);
    const packet = buildVideoPacket(
      1,
      {
        sequenceNumber: 1,
        timestamp: 1,
        marker: false,
        payload: new Uint8Array(MAX_PAYLOAD_BYTES),
        captureTime: buildCaptureTime({ captureUs: 1_767_225_600_000_000 }),
        dependency: new Uint8Array(MAX_DEPENDENCY_BYTES),
      },
      { payloadType: 98, captureTimeId: 3, transportSequenceId: 5, dependencyId: 6 },
      1,
    );
    expect(packet.length).toBe(1198);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(MAX_PAYLOAD_BYTES);
    encoding.close();
  });

  it("is replaced when it fails, and everybody waits for the keyframe of the next one", async () => {
    let fail = (): void => undefined;
    const { play, encode, encoding, faults } = world((_, events) => {
      fail = () => events.failed(new TransportError("ENCODING_ERROR", "crashed"));
    });
    const sink = new FakeSink("a");
    await play(5, [sink]);
    fail();
    expect(faults).toHaveLength(1);
    expect(faults[0]).toBe("ENCODING_ERROR: VP9 cannot be encoded: crashed");
    await expect(encode([sink])).rejects.toMatchObject({ code: "ENCODING_ERROR" });
    await play(40, [sink]);
    expect(sink.kinds).toMatch(/^KddddKd+$/);
    const { encoded, keyframes, encodeMs } = encoding.counters;
    expect([encoded, keyframes, encodeMs]).toEqual([sink.frames.length, 2, 4 * encoded]);
    encoding.close();
  });

  it("asks again when an encoder leaves a keyframe out", async () => {
    let left = 0;
    const { play, encoding } = world((encoder) => {
      const encode = encoder.encode.bind(encoder);
      encoder.encode = (picture, position, keyframe) => {
        // Left out without a word, the demand with it.
        if (keyframe && position > 30_000 && left++ === 0) return;
        encode(picture, position, keyframe);
      };
    });
    const sink = new FakeSink("a");
    await play(20, [sink]);
    encoding.demand("a", { type: "pli" });
    await play(40, [sink]);
    expect([...sink.kinds.matchAll(/K/g)].map(({ index }) => index)).toEqual([0, 50]);
    encoding.close();
  });

  it("reports nothing of what it was not given", async () => {
    let events: VideoEncoderEvents | undefined;
    const { play, encode, encoding, faults } = world((_, given) => (events = given));
    const sink = new FakeSink("a");
    await play(5, [sink]);
    events?.encoded({ data: Uint8Array.of(1), isKeyframe: false, width: 2, height: 2, position: 1 });
    await play(20, [sink]);
    // The frame that nobody has was part of the chain.
    expect(sink.kinds).toMatch(/^KddddKd*$/);
    encoding.close();
    events?.failed(new TransportError("ENCODING_ERROR", "late"));
    expect(faults).toEqual([]);
    await expect(encode([sink])).rejects.toMatchObject({ code: "ENCODING_ERROR" });
  });
});
