import { describe, expect, it } from "vitest";
import { TransportError } from "../../../src/errors/errors.ts";
import { PictureDecoding } from "../../../src/media/video/picture-decoding.ts";
import type { PeerPicture } from "../../../src/media/video/picture-decoding.ts";
import type {
  VideoCodecName,
  VideoCodecs,
  VideoDecoder,
  VideoDecoderEvents,
} from "../../../src/platform/video-codecs.ts";
import type { SyncedVideoFrame } from "../../../src/sync/sync-types.ts";
import { SimulatedVideoCodecs } from "../../../src/testing/simulated-video-codecs.ts";
import { VirtualClock } from "../../../src/testing/virtual-clock.ts";
import { gray, inTurn } from "./pictures.ts";
import { pictureOf } from "../../../src/media/video/video-data.ts";

/** Timestamps wrap in the middle of every stream. */
const BASE = 2 ** 32 - 9000;

/** Coded pictures, a keyframe every so many. */
async function stream(
  count: number,
  keyframeEvery: number,
  codec: VideoCodecName = "VP9",
): Promise<SyncedVideoFrame[]> {
  const clock = new VirtualClock();
  const frames: SyncedVideoFrame[] = [];
  const encoder = await new SimulatedVideoCodecs({ clock }).createEncoder(
    { codec, width: 320, height: 180, bitrateKbps: 200, framerateFps: 30 },
    {
      encoded: (picture) => void frames.push(inTurn(picture.data, picture, BASE + picture.position)),
      failed: (error) => expect.unreachable(error.message),
    },
  );
  for (let i = 0; i < count; i++) {
    encoder.encode(pictureOf(gray(50 + i)), i * 3000, i % keyframeEvery === 0);
    clock.advance(33);
  }
  return frames;
}

/** Codecs whose decoders are changed as they are made, or refused by throwing. */
function changed(change: (decoder: VideoDecoder, events: VideoDecoderEvents, nowMs: number) => void) {
  return (clock: VirtualClock): VideoCodecs => {
    const inner = new SimulatedVideoCodecs({ clock });
    const createDecoder = async (codec: VideoCodecName, events: VideoDecoderEvents) => {
      const decoder = await inner.createDecoder(codec, events);
      change(decoder, events, clock.now());
      return decoder;
    };
    return Object.assign(Object.create(inner) as VideoCodecs, { createDecoder });
  };
}

const crash = (events: VideoDecoderEvents): void =>
  events.failed(new TransportError("DECODING_ERROR", "crashed"));

function world({
  decodeMs = 2,
  codecs,
}: { decodeMs?: number; codecs?: (clock: VirtualClock) => VideoCodecs } = {}) {
  const clock = new VirtualClock();
  const pictures: PeerPicture[] = [];
  const undecodable: number[] = [];
  const asked: number[] = [];
  const faults: TransportError[] = [];
  const made = codecs?.(clock) ?? new SimulatedVideoCodecs({ clock, decodeMs });
  const decoding = new PictureDecoding({
    peerId: "bob",
    streamId: "default",
    clock,
    loadCodecs: async () => made,
    onPicture: (picture) => void pictures.push(picture),
    onUndecodable: (rtpTimestamp) => void undecodable.push(rtpTimestamp),
    onKeyframeWanted: () => void asked.push(clock.now()),
    onFault: (error) => void faults.push(error),
  });
  /** Hand over pictures, 33 ms apart. */
  const feed = async (frames: readonly SyncedVideoFrame[], codec: VideoCodecName = "VP9"): Promise<void> => {
    for (const frame of frames) {
      decoding.receive(frame, codec);
      await clock.run(33);
    }
  };
  /** Which pictures of a stream came out. */
  const shown = (): number[] => pictures.map(({ rtpTimestamp }) => ((rtpTimestamp - BASE) >>> 0) / 3000);
  return { clock, decoding, pictures, undecodable, asked, faults, feed, shown };
}

/** Every picture received ends in one counter. */
function expectBalance({ counters }: PictureDecoding): void {
  const { received, unwanted, skipped, overruns, decoded, undecodable, lost } = counters;
  expect(unwanted + skipped + overruns + decoded + undecodable + lost).toBe(received);
}

describe("decoding the pictures of a peer", () => {
  it("hands them on with what is known of them, past the wrap of timestamps", async () => {
    const { decoding, feed, pictures, shown } = world();
    decoding.wanted = true;
    await feed(await stream(6, 100));
    expect(shown()).toEqual([0, 1, 2, 3, 4, 5]);
    const { planes, ...facts } = pictures[4] as PeerPicture;
    expect(facts).toEqual({
      kind: "video",
      peerId: "bob",
      streamId: "default",
      width: 320,
      height: 180,
      format: "I420",
      rotation: 0,
      rtpTimestamp: 3000,
      wallClockTimestampUs: (BASE + 12_000) * 10,
      wallClockErrorUs: 700,
      timelineEpoch: 3,
      isKeyframe: false,
      framerateEstimate: 30,
      bufferDelayMs: 40,
      audioSyncOffsetMs: -5,
      syncConfidence: 0.8,
    });
    expect(planes.map((plane) => plane[7])).toEqual([54, 128, 128]);
    expect(decoding.counters).toMatchObject({ decoded: 6, decodeMs: 12 });
  });

  it("happens only while somebody looks, and begins at a keyframe that is asked for, again each second", async () => {
    const { decoding, feed, shown, asked } = world();
    const frames = await stream(80, 60);
    await feed(frames.slice(0, 10));
    decoding.wanted = true;
    expect(asked).toEqual([330]);
    await feed(frames.slice(10, 70));
    decoding.wanted = false;
    await feed(frames.slice(70));
    expect(shown()).toEqual([60, 61, 62, 63, 64, 65, 66, 67, 68, 69]);
    expect(asked).toEqual([330, 330 + 31 * 33]);
    expect(decoding.counters).toMatchObject({ unwanted: 20, skipped: 50, decoded: 10 });
    expectBalance(decoding);
  });

  it("keeps what comes while the decoder is being made", async () => {
    const { clock, decoding, shown } = world();
    decoding.wanted = true;
    for (const frame of await stream(5, 100)) decoding.receive(frame, "VP9");
    await clock.run(100);
    expect(shown()).toEqual([0, 1, 2, 3, 4]);
  });

  it("tells of a picture that cannot be decoded, and goes on at the next keyframe", async () => {
    const { decoding, feed, shown, undecodable } = world();
    decoding.wanted = true;
    const frames = await stream(9, 6);
    await feed([...frames.slice(0, 2), ...frames.slice(3)]);
    expect(undecodable).toEqual([frames[3]?.rtpTimestamp]);
    expect(shown()).toEqual([0, 1, 6, 7, 8]);
    expect(decoding.counters).toMatchObject({ undecodable: 1, skipped: 2 });
    expectBalance(decoding);
  });

  it("waits for a keyframe where it is told that a picture is missing", async () => {
    const { clock, decoding, shown, undecodable } = world();
    decoding.wanted = true;
    const frames = await stream(9, 6);
    for (const [i, frame] of frames.entries()) {
      if (i !== 2) decoding.receive(frame, "VP9", i !== 3);
      await clock.run(33);
    }
    expect(shown()).toEqual([0, 1, 6, 7, 8]);
    expect(undecodable).toEqual([]);
    expectBalance(decoding);
  });

  it("goes on with a decoder that makes nothing of some pictures", async () => {
    // Of the first forty nothing comes: neither a picture nor a fault.
    const codecs = changed((decoder) => {
      const decode = decoder.decode.bind(decoder);
      let count = 0;
      decoder.decode = (picture) => void (++count > 40 && decode(picture));
    });
    const { decoding, feed, shown } = world({ codecs });
    decoding.wanted = true;
    const frames = await stream(60, 20);
    await feed(frames.slice(0, 30));
    // No more than 15 are remembered.
    expect(decoding.counters.lost).toBe(15);
    await feed(frames.slice(30));
    expect(shown()).toEqual(Array.from({ length: 20 }, (_, i) => 40 + i));
    expect(decoding.counters).toMatchObject({ lost: 40, overruns: 0 });
    expectBalance(decoding);
  });

  it("leaves pictures out up to a keyframe when the decoder is 15 behind, and asks for one", async () => {
    const { clock, decoding, feed, shown, asked } = world({ decodeMs: 60 });
    decoding.wanted = true;
    await feed(await stream(120, 50));
    await clock.run(2000);
    const { decoded, overruns, skipped, lost, undecodable } = decoding.counters;
    expect([lost, undecodable]).toEqual([0, 0]);
    expect(overruns).toBeGreaterThan(0);
    expect(skipped).toBeGreaterThan(0);
    expect(asked.length).toBeGreaterThan(0);
    expect(shown()).toHaveLength(decoded);
    expect(shown()).toContain(100);
    expectBalance(decoding);
  });

  it("starts anew with another codec", async () => {
    const { decoding, feed, pictures } = world();
    decoding.wanted = true;
    await feed(await stream(3, 100), "VP9");
    const other = await stream(5, 2, "H264");
    await feed(other.slice(1), "H264");
    expect(pictures.map(({ isKeyframe }) => isKeyframe)).toEqual([true, false, false, true, false, true]);
    expectBalance(decoding);
  });

  it("tries again after a failure, ever later, from a keyframe on, and tells of the first only", async () => {
    const attempts: number[] = [];
    const failing = changed((_decoder, _events, nowMs) => {
      attempts.push(nowMs);
      if (attempts.length <= 3) throw new TransportError("NOT_SUPPORTED", "not today");
    });
    const { decoding, feed, shown, faults } = world({ codecs: failing });
    decoding.wanted = true;
    await feed(await stream(300, 10));
    // Keyframes come every 330 ms: the first ones after 1, 2 and 4 s.
    expect(attempts).toEqual([0, 1320, 3630, 7920]);
    expect(shown()).toEqual(Array.from({ length: 60 }, (_, i) => 240 + i));
    expect(faults.map(({ code }) => code)).toEqual(["NOT_SUPPORTED"]);
    expectBalance(decoding);
  });

  it("replaces a decoder that fails on its way", async () => {
    let fail = (): void => undefined;
    const codecs = changed((_, events) => (fail = () => crash(events)));
    const { decoding, feed, shown, faults } = world({ codecs });
    decoding.wanted = true;
    const frames = await stream(80, 20);
    await feed(frames.slice(0, 5));
    fail();
    await feed(frames.slice(5));
    expect(shown()).toEqual([0, 1, 2, 3, 4, ...Array.from({ length: 40 }, (_, i) => 40 + i)]);
    expect(faults).toHaveLength(1);
    expectBalance(decoding);
  });

  it("takes a failure after success for a first one", async () => {
    const fails: (() => void)[] = [];
    const codecs = changed((_, events) => void fails.push(() => crash(events)));
    const { decoding, feed } = world({ codecs });
    decoding.wanted = true;
    const frames = await stream(200, 1);
    for (let i = 0; i < 4; i++) {
      await feed(frames.slice(i * 50, i * 50 + 5));
      expect(fails).toHaveLength(i + 1);
      fails[i]?.();
      // A second later it is tried again: every picture is a keyframe here.
      await feed(frames.slice(i * 50 + 5, i * 50 + 50));
    }
    expectBalance(decoding);
  });

  it("gives decoders rising positions past the wrap, and closes every one of them", async () => {
    const positions: number[] = [];
    let [opened, closed] = [0, 0];
    const codecs = changed((decoder) => {
      opened++;
      const decode = decoder.decode.bind(decoder);
      decoder.decode = (picture) => {
        positions.push(picture.position);
        decode(picture);
      };
      decoder.close = () => void closed++;
    });
    const { clock, decoding, feed } = world({ codecs });
    decoding.wanted = true;
    const frames = await stream(8, 6);
    await feed(frames.slice(0, 6));
    expect(positions.slice(1).map((position, i) => position - (positions[i] ?? 0))).toEqual([
      3000, 3000, 3000, 3000, 3000,
    ]);
    decoding.wanted = false;
    expect([opened, closed]).toEqual([1, 1]);
    decoding.wanted = true;
    decoding.receive(frames[6] as SyncedVideoFrame, "VP9");
    await Promise.resolve(); // it is being made
    decoding.wanted = false;
    await clock.run(10);
    expect([opened, closed]).toEqual([2, 2]);
  });

  it("stops for good, whatever is under way", async () => {
    const { clock, decoding, shown } = world();
    decoding.wanted = true;
    const frames = await stream(4, 100);
    decoding.receive(frames[0] as SyncedVideoFrame, "VP9");
    decoding.close();
    decoding.wanted = true;
    decoding.receive(frames[1] as SyncedVideoFrame, "VP9");
    await clock.run(100);
    expect([shown(), decoding.wanted, clock.pending]).toEqual([[], false, 0]);
  });
});
