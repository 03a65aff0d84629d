import { describe, expect, it } from "vitest";
import { PictureDecoding } from "../../src/media/video/picture-decoding.ts";
import type { PeerPicture } from "../../src/media/video/picture-decoding.ts";
import { SimulatedVideoCodecs } from "../../src/testing/simulated-video-codecs.ts";
import { FakeSink, dataOf, gray, inTurn } from "../media/video/pictures.ts";
import { FRAME_MS, only, videoWorld } from "./video-world.ts";

describe("pictures on their way out", () => {
  it("are encoded once for all links of a codec, and cut once", async () => {
    const { play, outgoing, made } = videoWorld();
    const vp9 = ["a", "b", "c"].map((id) => new FakeSink(id, "VP9"));
    const h264 = ["d", "e"].map((id) => new FakeSink(id, "H264"));
    expect(await play(30, [...vp9, ...h264])).toEqual(only("ok", 30));
    expect(made.map(({ codec }) => codec)).toEqual(["VP9", "H264"]);
    expect(outgoing.stats).toEqual({
      paced: 0,
      codecs: ["VP9", "H264"].map((codec) => ({
        codec,
        encoded: 30,
        keyframes: 1,
        dropped: 0,
        encodeMs: 120,
      })),
    });
    for (const group of [vp9, h264]) {
      for (const sink of group) {
        expect(sink.kinds).toBe(`K${"d".repeat(29)}`);
        expect(sink.frames).toEqual(group[0]?.frames);
        expect(sink.frames[9]?.payloads).toBe(group[0]?.frames[9]?.payloads);
      }
    }
    outgoing.close();
  });

  it("reach the other side's readers, in their order and with their times", async () => {
    const { clock, play, outgoing } = videoWorld();
    const sink = new FakeSink("a", "VP8");
    await play(20, [sink]);
    const pictures: PeerPicture[] = [];
    const none = (): never => expect.unreachable();
    const decoding = new PictureDecoding({
      peerId: "me",
      streamId: "default",
      clock,
      loadCodecs: async () => new SimulatedVideoCodecs({ clock }),
      onPicture: (picture) => void pictures.push(picture),
      onUndecodable: none,
      onKeyframeWanted: none,
      onFault: none,
    });
    decoding.wanted = true;
    for (const frame of sink.frames) {
      decoding.receive(inTurn(dataOf("VP8", frame), frame, frame.position), "VP8");
      await clock.run(10);
    }
    expect(pictures.map(({ planes }) => planes[0][0])).toEqual(Array.from({ length: 20 }, (_, i) => 10 + i));
    const captured = sink.frames.map(({ captureUs }) => captureUs - (sink.frames[0]?.captureUs ?? 0));
    expect(captured.map((us) => Math.round(us / 1000))).toEqual(
      Array.from({ length: 20 }, (_, i) => Math.round(i * FRAME_MS)),
    );
    outgoing.close();
  });

  it("go to browsers' encoders as they are, which are told their most", async () => {
    const { play, outgoing, made } = videoWorld();
    const track = new FakeSink("a", "VP8", "track");
    await play(3, [track], { rotation: 90 });
    outgoing.configure({ targetKbps: 700 });
    await play(2, [track]);
    expect(made).toEqual([]);
    expect(track.bitrates).toEqual([2000, 700]);
    expect(track.written.map(({ luma, rotation }) => [luma, rotation])).toEqual([
      [10, 90],
      [11, 90],
      [12, 90],
      [13, 0],
      [14, 0],
    ]);
    expect(track.written[0]).toMatchObject({ width: 320, height: 180, timestampUs: 1_767_225_600_000_000 });
    outgoing.close();
  });

  it("are turned upright for packets, which do not say how they lie", async () => {
    const { play, outgoing } = videoWorld();
    const [packets, track] = [new FakeSink("a"), new FakeSink("b", "VP9", "track")];
    await play(2, [packets, track], { rotation: 270 });
    expect(packets.frames[0]).toMatchObject({ width: 180, height: 320 });
    expect(track.written[0]).toMatchObject({ width: 320, height: 180, rotation: 270 });
    outgoing.close();
  });

  it("settle with nothing kept: the bytes may change at once", async () => {
    const { clock, outgoing } = videoWorld({ loadMs: 50 });
    const sink = new FakeSink("a");
    const data = gray(77);
    const sent = outgoing.send(data, [sink]).then(() => data.data.fill(1));
    await clock.until(sent);
    await clock.run(10);
    const frame = sink.frames[0];
    expect(frame && [...dataOf("VP9", frame)].filter((byte) => byte === 77).length).toBeGreaterThanOrEqual(
      144,
    );
    outgoing.close();
  });

  it("while codecs load, wait one at a time: the newest goes on", async () => {
    const { play, outgoing } = videoWorld({ loadMs: 110 });
    const sink = new FakeSink("a");
    expect(await play(6, [sink])).toEqual(only("ok", 6));
    expect(sink.kinds).toBe("Kdd");
    expect(outgoing.stats.codecs[0]).toMatchObject({ encoded: 3, dropped: 3 });
    outgoing.close();
  });

  it("of which an encoder has no time for some, are dropped, newest first kept", async () => {
    const { play, outgoing } = videoWorld({ encodeMs: 80 });
    const sink = new FakeSink("a");
    await play(60, [sink]);
    const { encoded = 0, dropped = 0 } = outgoing.stats.codecs[0] ?? {};
    expect(encoded).toBeGreaterThan(20);
    expect(encoded + dropped).toBeGreaterThanOrEqual(58);
    expect(sink.kinds).toBe(`K${"d".repeat(encoded - 1)}`);
    outgoing.close();
  });
});

describe("keyframes", () => {
  it("are made for who comes, who gets nothing before", async () => {
    const { play, outgoing } = videoWorld();
    const [a, b] = [new FakeSink("a"), new FakeSink("b")];
    await play(30, [a]);
    await play(30, [a, b]);
    expect(a.kinds).toBe(`K${"d".repeat(29)}K${"d".repeat(29)}`);
    expect(b.kinds).toBe(`K${"d".repeat(29)}`);
    outgoing.close();
  });

  it("are made for a new link of the same peer", async () => {
    const { play, outgoing } = videoWorld();
    const again = new FakeSink("a");
    await play(30, [new FakeSink("a")]);
    await play(5, [again]);
    expect(again.kinds).toBe("Kdddd");
    outgoing.close();
  });

  it("are made for who cannot decode, once for all who say so, and as often as the machine allows", async () => {
    const { play, outgoing } = videoWorld();
    const sinks = [new FakeSink("a"), new FakeSink("b")];
    await play(30, sinks);
    for (const peerId of ["a", "b", "nobody"]) outgoing.demand(peerId, { type: "pli" });
    await play(5, sinks);
    outgoing.demand("a", { type: "fir", peerId: "a", senderSsrc: 1, sequenceNumber: 1 });
    outgoing.demand("a", { type: "target" });
    await play(25, sinks);
    // 300 ms lie between two of them.
    expect(sinks[0]?.kinds).toBe(`K${"d".repeat(29)}K${"d".repeat(9)}K${"d".repeat(19)}`);
    outgoing.close();
  });

  it("are not made for whom the encoder does not serve", async () => {
    const { play, outgoing } = videoWorld();
    const sink = new FakeSink("a");
    await play(30, [sink]);
    outgoing.demand("b", { type: "pli" });
    await play(30, [sink]);
    expect(sink.kinds).toBe(`K${"d".repeat(59)}`);
    outgoing.close();
  });

  it("are made when the interval has passed, and when the program says so", async () => {
    const { play, outgoing } = videoWorld({ video: { keyframeInterval: 1 } });
    const sink = new FakeSink("a");
    await play(70, [sink]);
    expect([...sink.kinds.matchAll(/K/g)].map(({ index }) => index)).toEqual([0, 30, 60]);
    await play(1, [sink], { isKeyframe: true });
    expect(sink.kinds.at(-1)).toBe("K");
    outgoing.close();
  });

  it("are made of the next picture where the one that should be one came too early", async () => {
    const { play, outgoing } = videoWorld({ video: { framerateFps: 10 } });
    const sink = new FakeSink("a");
    await play(10, [sink]);
    const before = sink.frames.length;
    await play(1, [sink], { isKeyframe: true });
    expect(sink.frames.length).toBe(before);
    await play(8, [sink]);
    expect(sink.kinds.slice(before)).toMatch(/^Kd+$/);
    outgoing.close();
  });

  it("are made after a peer missed pictures that went to others only", async () => {
    const { play, outgoing, made } = videoWorld();
    const sinks = ["a", "b", "c"].map((id) => new FakeSink(id)) as [FakeSink, FakeSink, FakeSink];
    await play(30, sinks);
    await play(3, sinks.slice(0, 2));
    await play(5, sinks);
    expect(made).toHaveLength(1);
    expect(sinks[2].kinds).toBe(`K${"d".repeat(29)}Kdddd`);
    outgoing.close();
  });

  it("begin the stream of who is sent something else, and places rise", async () => {
    const { play, outgoing, made } = videoWorld();
    const [a, b] = [new FakeSink("a"), new FakeSink("b")];
    await play(10, [a, b]);
    for (let i = 0; i < 10; i++) {
      await play(1, [a]);
      await play(1, [b]);
    }
    expect(made).toHaveLength(2);
    expect([a.kinds, b.kinds]).toEqual([`K${"d".repeat(19)}`, `K${"d".repeat(9)}K${"d".repeat(9)}`]);
    for (const sink of [a, b]) {
      expect(sink.positions).toEqual([...sink.positions].sort((x, y) => x - y));
    }
    outgoing.release("a");
    outgoing.release("b");
    const { encoded = 0 } = outgoing.stats.codecs[0] ?? {};
    expect(encoded).toBe(30);
  });

  it("come before all else for who moves to another stream, behind what it had, and nothing of the old one follows", async () => {
    const { clock, play, outgoing } = videoWorld({ encodeMs: 20 });
    const sinks = ["a", "b", "c"].map((id) => new FakeSink(id)) as [FakeSink, FakeSink, FakeSink];
    const [a, b] = sinks;
    // Captured far faster than in real time, so that places run ahead of it.
    const capturedUs = clock.wallNow() * 1000;
    for (let i = 0; i < 10; i++) await play(1, sinks, { timestampUs: capturedUs + i * 900_000 });
    void outgoing.send(gray(1, capturedUs + 9_000_000), sinks);
    void outgoing.send(gray(2), [a]);
    await clock.run(FRAME_MS);
    await play(3, [a]);
    expect([b.frames.length, a.kinds]).toEqual([11, `K${"d".repeat(9)}Kddd`]);
    expect(a.positions).toEqual([...a.positions].sort((x, y) => x - y));
    outgoing.close();
  });
});

describe("the rate", () => {
  it("is what the slowest path carries, less a share, between the least and the most", async () => {
    const { play, outgoing, made, changes } = videoWorld({
      video: { bitrateKbps: 1000, minBitrateKbps: 200 },
    });
    const [a, b] = [new FakeSink("a"), new FakeSink("b")];
    await play(10, [a, b]);
    expect(made[0]).toMatchObject({ bitrateKbps: 1000, framerateFps: 30, width: 320, height: 180 });
    for (const [kbps, expected] of [
      [800, 680],
      [100, 200],
      [5000, 1000],
    ] as const) {
      b.targetKbps = kbps;
      await play(10, [a, b]);
      expect(changes.at(-1)?.[1].bitrateKbps).toBe(expected);
    }
    outgoing.close();
  });

  it("is told to the encoder each 200 ms at most", async () => {
    const { play, outgoing, changes } = videoWorld();
    const sink = new FakeSink("a");
    await play(1, [sink]);
    for (let i = 0; i < 60; i++) {
      sink.targetKbps = 1500 - 10 * i;
      await play(1, [sink]);
    }
    const times = changes.map(([nowMs]) => nowMs);
    expect(times.length).toBeGreaterThanOrEqual(8);
    for (const [i, nowMs] of times.entries()) expect(nowMs - (times[i - 1] ?? 0)).toBeGreaterThanOrEqual(200);
    outgoing.close();
  });

  it("is the most where it is not to adapt, and changes while it runs", async () => {
    const { play, outgoing, made, changes } = videoWorld({ adaptive: false });
    const sink = new FakeSink("a");
    sink.targetKbps = 300;
    await play(10, [sink]);
    expect(made[0]?.bitrateKbps).toBe(2000);
    outgoing.configure({ targetKbps: 900 });
    await play(10, [sink]);
    outgoing.configure({ adaptive: true });
    await play(10, [sink]);
    expect(changes.map(([, { bitrateKbps }]) => bitrateKbps)).toEqual([900, 300]);
    outgoing.close();
  });
});

describe("how many and how large", () => {
  it("is bound by the frame rate, and by another one from then on", async () => {
    const { play, outgoing, changes } = videoWorld({ video: { framerateFps: 15 } });
    const sink = new FakeSink("a");
    await play(60, [sink]);
    expect(Math.abs(sink.frames.length - 30)).toBeLessThanOrEqual(1);
    expect(outgoing.stats.paced).toBe(60 - sink.frames.length);
    outgoing.configure({ framerateFps: 30 });
    const before = sink.frames.length;
    await play(60, [sink]);
    expect(Math.abs(sink.frames.length - before - 60)).toBeLessThanOrEqual(1);
    expect(changes.at(-1)?.[1].framerateFps).toBe(30);
    outgoing.close();
  });

  it("is bound by the resolution, for packets and tracks, and changes with a keyframe", async () => {
    const { play, outgoing } = videoWorld({ video: { resolution: { width: 160, height: 120 } } });
    const [packets, track] = [new FakeSink("a"), new FakeSink("b", "VP8", "track")];
    await play(20, [packets, track]);
    outgoing.configure({ maxResolution: "360p" });
    await play(5, [packets, track]);
    expect(packets.kinds).toBe(`K${"d".repeat(19)}Kdddd`);
    for (const sizes of [packets.frames, track.written]) {
      expect(sizes.map(({ width, height }) => [width, height])).toEqual([
        ...only("", 20).map(() => [160, 90]),
        ...only("", 5).map(() => [320, 180]),
      ]);
    }
    outgoing.close();
  });
});
