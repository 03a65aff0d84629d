// The video of all peers: who is sent pictures, who is decoded, and what is left of those who went.
import { describe, expect, it } from "vitest";
import { resolveConfig } from "../../src/config/config.ts";
import type { VideoMedia } from "../../src/media/video/video-media.ts";
import type { PictureFrame } from "../../src/runtime/data.ts";
import { Emitter } from "../../src/runtime/emitter.ts";
import { SimulatedVideoCodecs } from "../../src/testing/simulated-video-codecs.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import type { TransportEvents } from "../../src/transport/events.ts";
import { OutgoingVideo } from "../../src/transport/outgoing-video.ts";
import { PictureReaders } from "../../src/transport/picture-readers.ts";
import { VideoRoom } from "../../src/transport/video-room.ts";
import { FakeSink, dataOf, gray, inTurn } from "../media/video/pictures.ts";

/** A link that only takes frames, and remembers what it was asked. */
class FakeLink extends FakeSink {
  readonly asked: string[] = [];
  /** RTP timestamps of pictures that come behind a missing one. */
  readonly broken = new Set<number>();
  readonly bounds: [number, number][] = [];
  wantKeyframe = (): void => void this.asked.push("keyframe");
  undecodable = (rtpTimestamp: number): void => void this.asked.push(`undecodable ${rtpTimestamp}`);
  follows = (rtpTimestamp: number): boolean => !this.broken.has(rtpTimestamp);
  bandwidthKbps: number | undefined;
  lossRate: number | undefined;
  bound = (minKbps: number, maxKbps: number): void => void this.bounds.push([minKbps, maxKbps]);
  get asMedia(): VideoMedia {
    return this as unknown as VideoMedia;
  }
}

function setUp() {
  const clock = new VirtualClock();
  const codecs = new SimulatedVideoCodecs({ clock });
  const emitter = new Emitter<TransportEvents>((error) => {
    throw error;
  });
  const told: string[] = [];
  emitter.on("videoConnected", ({ peerId, codec }) => void told.push(`up ${peerId} ${codec}`));
  emitter.on("videoDisconnected", ({ peerId }) => void told.push(`down ${peerId}`));
  const { video } = resolveConfig({});
  const loadCodecs = (): Promise<SimulatedVideoCodecs> => Promise.resolve(codecs);
  const outgoing = new OutgoingVideo({ clock, video, adaptive: true, loadCodecs, random: () => 4, emitter });
  const readers: PictureReaders = new PictureReaders(() => room.readersChanged());
  const room: VideoRoom = new VideoRoom({ clock, codecs, outgoing, minBitrateKbps: 150, readers, emitter });
  const read = (peerId?: string): { frames: PictureFrame[]; stop: () => void } => {
    const abort = new AbortController();
    const frames: PictureFrame[] = [];
    void (async () => {
      for await (const frame of readers.open({ kind: "video", peerId, signal: abort.signal }))
        frames.push(frame);
    })();
    return { frames, stop: () => abort.abort() };
  };
  return { clock, codecs, room, told, read };
}

type Setting = ReturnType<typeof setUp>;

/** Coded pictures, the first one a keyframe. */
async function coded({ room, clock }: Setting, count: number): Promise<ReturnType<typeof inTurn>[]> {
  const sink = new FakeLink("maker");
  room.up(sink.asMedia);
  for (let i = 0; i < count; i++) {
    await clock.until(room.send(gray(50 + i, (1_767_225_600_000 + i * 40) * 1_000), ["maker"]));
    await clock.run(40);
  }
  room.down(sink.asMedia);
  return sink.frames.map((frame) => inTurn(dataOf("VP9", frame), frame, frame.position));
}

describe("the video of a room", () => {
  it("goes to the links that are up, and says of the others that they are not", async () => {
    const { room, clock, told } = setUp();
    const bob = new FakeLink("bob");
    room.up(bob.asMedia);
    const failures = await clock.until(room.send(gray(1), ["bob", "carol"]));
    await clock.run(20);
    expect([...failures].map(([peerId, { code }]) => [peerId, code])).toEqual([
      ["carol", "MEDIA_TRACK_ERROR"],
    ]);
    expect(bob.kinds).toBe("K");
    await expect(room.send(gray(1), ["carol"])).rejects.toMatchObject({ code: "MEDIA_TRACK_ERROR" });
    const newer = new FakeLink("bob");
    room.up(newer.asMedia);
    // Keyframes are that far apart at least.
    await clock.run(300);
    // The old link goes after the new one has come.
    room.down(bob.asMedia);
    await clock.until(room.send(gray(2), ["bob"]));
    await clock.run(20);
    expect(newer.kinds).toBe("K");
    room.down(newer.asMedia);
    expect(told).toEqual(["up bob VP9", "up bob VP9", "down bob"]);
    expect(() => room.requestKeyframe("bob")).toThrow(expect.objectContaining({ code: "MEDIA_TRACK_ERROR" }));
    room.close();
  });

  it("is decoded for those who read it, and for nobody else", async () => {
    const setting = setUp();
    const { room, clock, codecs, read } = setting;
    const pictures = await coded(setting, 6);
    const [bob, carol] = [new FakeLink("bob"), new FakeLink("carol")];
    for (const link of [bob, carol]) room.up(link.asMedia);
    const reader = read("bob");
    const show = (index: number): void => {
      for (const link of [bob, carol]) {
        const picture = pictures[index];
        if (picture)
          room.picture(
            link.peerId,
            { ...picture, planes: [picture.planes[0]?.slice() as Uint8Array] },
            link.asMedia,
          );
      }
    };
    for (let i = 0; i < 3; i++) show(i);
    await clock.run(50);
    expect(reader.frames.map(({ peerId, planes }) => [peerId, planes[0][0]])).toEqual(
      [50, 51, 52].map((luma) => ["bob", luma]),
    );
    expect(room.decodingStats("carol")).toMatchObject({ received: 3, unwanted: 3, decoded: 0 });
    // Who begins in the middle asks for a keyframe, and gets nothing before.
    read("carol");
    expect(carol.asked).toEqual(["keyframe"]);
    show(3);
    await clock.run(50);
    expect(room.decodingStats("carol")).toMatchObject({ skipped: 1 });
    // A picture behind one that is missing is not shown to a decoder.
    bob.broken.add(pictures[4]?.rtpTimestamp ?? NaN);
    show(4);
    await clock.run(50);
    expect(bob.asked).toEqual(["keyframe"]);
    expect(codecs.counters).toEqual({ decoded: 4, undecodable: 0 });
    reader.stop();
    show(0);
    await clock.run(50);
    expect(reader.frames).toHaveLength(4);
    room.close();
    room.picture("bob", pictures[0] as never, bob.asMedia);
    expect(clock.pending).toBe(0);
  });

  it("forgets a peer that is no longer held", async () => {
    const setting = setUp();
    const { room, clock, read } = setting;
    const [keyframe] = await coded(setting, 1);
    const bob = new FakeLink("bob");
    room.up(bob.asMedia);
    read();
    room.picture("bob", keyframe as never, bob.asMedia);
    room.release("bob");
    await clock.run(50);
    expect(room.decodingStats("bob")).toBeUndefined();
    room.close();
  });

  it("is encoded once for each form, at no more than that may have", async () => {
    const { room, clock } = setUp();
    const links = ["a", "b", "c"].map((peerId) => new FakeLink(peerId));
    for (const link of links) room.up(link.asMedia);
    for (let i = 0; i < 3; i++) {
      await clock.until(room.send(gray(i), ["a", "b"], { key: "high", maxKbps: 900 }));
      await clock.until(room.send(gray(i), ["c"], { key: "low", maxKbps: 200 }));
      await clock.run(40);
    }
    expect(room.outgoingStats.codecs).toMatchObject([{ encoded: 6, keyframes: 2 }]);
    expect(links.map(({ kinds }) => kinds)).toEqual(["Kdd", "Kdd", "Kdd"]);
    room.close();
  });

  it("tells what the path to a peer carries and loses, where that is known", () => {
    const { room } = setUp();
    const bob = new FakeLink("bob");
    room.up(bob.asMedia);
    expect([room.bandwidthKbps("bob"), room.lossRate("bob")]).toEqual([undefined, undefined]);
    bob.bandwidthKbps = 1234;
    bob.lossRate = 0.25;
    expect([room.bandwidthKbps("bob"), room.lossRate("bob")]).toEqual([1234, 0.25]);
    room.down(bob.asMedia);
    expect([room.bandwidthKbps("bob"), room.lossRate("bob")]).toEqual([undefined, undefined]);
    room.close();
  });

  it("bounds links anew when the most they may send changes", () => {
    const { room } = setUp();
    const bob = new FakeLink("bob");
    room.up(bob.asMedia);
    room.configure({ videoFramerateFps: 20 });
    room.configure({ targetBitrateKbps: 900 });
    expect(bob.bounds).toEqual([[150, 900]]);
    room.close();
  });
});
