// Which codec two peers agree on, what happens where there is none, and how settings reach an encoder that runs.
import { describe, expect, it } from "vitest";
import type { VideoCodecName } from "../../src/platform/video-codecs.ts";
import type { WebRtcTransport } from "../../src/transport/webrtc-transport.ts";
import { closeEachWorld, open, world } from "./transport-world.ts";
import { Camera, Diary, Viewer, joinWithVideo, undecodable, warmUpVideo } from "./video-world.ts";
import { speak } from "./world.ts";

type Pair = [WebRtcTransport, WebRtcTransport];

closeEachWorld();
warmUpVideo();

describe("two peers that do not have the same codecs", () => {
  it.each<[VideoCodecName[], VideoCodecName[], VideoCodecName]>([
    [["VP9", "H264", "VP8"], ["VP8"], "VP8"],
    [["H264", "VP8"], ["VP9", "VP8", "H264"], "H264"],
    [["VP8", "VP9"], ["VP9", "H264"], "VP9"],
  ])("%j and %j agree on %s", async (offered, answered, agreed) => {
    open();
    world.network.setVideoCodecs("alice", { codecs: offered });
    world.network.setVideoCodecs("bob", { codecs: answered });
    const options = { video: { enabled: true, codecs: offered } };
    const [alice] = (await joinWithVideo(world, ["alice"], options)) as [WebRtcTransport];
    const diary = new Diary(alice);
    const [bob] = (await joinWithVideo(world, ["bob"])) as [WebRtcTransport];
    const viewer = new Viewer(world, bob);
    await new Camera(world, alice).playFor(1_000);
    expect(diary.entries).toEqual([`up bob ${agreed}`]);
    expect(diary.codes).toEqual([]);
    expect(viewer.numbers.length).toBeGreaterThan(25);
    expect(undecodable(world, "bob")).toBe(0);
  });

  it("have none in common: each is told once which there are, nothing is tried again, and audio goes on", async () => {
    open();
    world.network.setVideoCodecs("alice", { codecs: ["VP9", "VP8"] });
    world.network.setVideoCodecs("bob", { codecs: ["H264"] });
    const transports = ["alice", "bob"].map((name) =>
      world.transport(name, { video: { enabled: true } }),
    ) as Pair;
    const diaries = transports.map((transport) => new Diary(transport));
    for (const transport of transports) await world.clock.until(transport.start());
    await world.clock.run(1_000);
    const links = world.network.openLinks;
    const qualities = new Set<string>();
    void (async () => {
      for await (const { quality } of transports[1].frames()) qualities.add(quality);
    })();
    speak(world, transports[0], 100);
    await world.clock.run(1_900);
    expect([...qualities]).toEqual(["received"]);
    await world.clock.run(60_000);
    expect(diaries.map(({ codes }) => codes)).toEqual([["CODEC_MISMATCH"], ["CODEC_MISMATCH"]]);
    for (const { errors } of diaries)
      for (const name of ["VP9", "VP8", "H264"]) expect(errors[0]?.message).toContain(name);
    expect(world.network.openLinks).toBe(links);
    expect(links).toBe(2);
    await expect(
      transports[0].sendToPeer("bob", {
        type: "video",
        data: new Uint8Array(24),
        width: 4,
        height: 4,
        format: "I420",
      }),
    ).rejects.toMatchObject({ code: "MEDIA_TRACK_ERROR" });
  });
});

describe("configure() while pictures are sent", () => {
  it("changes the encoder's rate, its rate of pictures, and their size", async () => {
    open();
    const [alice, bob] = (await joinWithVideo(world, ["alice", "bob"])) as Pair;
    const viewer = new Viewer(world, bob);
    const camera = new Camera(world, alice, [640, 360]);
    const settings = (): unknown => world.network.videoCodecs("alice")?.encoders;
    await world.clock.run(4_000);
    expect(settings()).toMatchObject([{ width: 640, height: 360, bitrateKbps: 2_000, framerateFps: 30 }]);
    alice.configure({
      targetBitrateKbps: 700,
      videoFramerateFps: 15,
      maxVideoResolution: { width: 320, height: 180 },
    });
    await world.clock.run(1_000);
    expect(settings()).toMatchObject([{ width: 320, height: 180, bitrateKbps: 700, framerateFps: 15 }]);
    const fromMs = world.clock.now();
    await world.clock.run(2_000);
    const seen = viewer.sights.filter(({ atMs }) => atMs >= fromMs);
    expect(seen.length).toBeGreaterThanOrEqual(29);
    expect(seen.length).toBeLessThanOrEqual(31);
    expect(seen.every(({ picture, number }) => picture.width === 320 && number !== undefined)).toBe(true);
    // More than at the beginning: the estimate may rise as far from now on, too.
    alice.configure({ targetBitrateKbps: 6_000, videoFramerateFps: 30, maxVideoResolution: "720p" });
    await world.clock.run(6_000);
    expect(settings()).toMatchObject([{ width: 640, height: 360, bitrateKbps: 6_000, framerateFps: 30 }]);
    camera.stop();
    expect(undecodable(world, "bob")).toBe(0);
  });

  it("lets the rate follow the path, or not", async () => {
    open();
    const [alice] = (await joinWithVideo(world, ["alice", "bob"])) as Pair;
    const rateKbps = (): number => world.network.videoCodecs("alice")?.encoders[0]?.bitrateKbps ?? NaN;
    world.network.setLink("alice", "bob", { delayMs: 10, rate: { kbps: 600, queueMs: 200 } });
    const camera = new Camera(world, alice);
    await world.clock.run(5_000);
    expect(rateKbps()).toBeLessThan(600);
    alice.configure({ adaptiveBitrateEnabled: false });
    await world.clock.run(1_000);
    expect(rateKbps()).toBe(2_000);
    alice.configure({ adaptiveBitrateEnabled: true });
    await world.clock.run(3_000);
    expect(rateKbps()).toBeLessThan(600);
    camera.stop();
  });
});
