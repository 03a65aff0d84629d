// Calls with video, whole transports at every end: who sees what, and what is left when somebody goes.
import { describe, expect, it } from "vitest";
import type { WebRtcTransport } from "../../src/transport/webrtc-transport.ts";
import { closeEachWorld, open, world } from "./transport-world.ts";
import {
  FRAME_MS,
  Camera,
  Diary,
  Viewer,
  isGapless,
  joinWithVideo,
  undecodable,
  warmUpVideo,
} from "./video-world.ts";
import { speak } from "./world.ts";

type Pair = [WebRtcTransport, WebRtcTransport];

closeEachWorld();
warmUpVideo();

/** Numbers from one to another, the last left out. */
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

async function call(): Promise<Pair> {
  open();
  return (await joinWithVideo(world, ["alice", "bob"])) as Pair;
}

describe("video between two peers", () => {
  it.each([
    ["alice", "bob"],
    ["bob", "alice"],
  ])("goes both ways when %s joins before %s: every picture, in order", async (...names) => {
    open();
    const transports = await joinWithVideo(world, names);
    const viewers = transports.map((transport) => new Viewer(world, transport));
    const cameras = transports.map((transport) => new Camera(world, transport));
    await world.clock.run(3_000 - 1);
    for (const camera of cameras) camera.stop();
    await world.clock.run(500);
    for (const { numbers } of viewers) expect(numbers).toEqual(range(0, 90));
    for (const { refusals } of cameras) expect(refusals).toEqual([]);
    for (const name of names) expect(undecodable(world, name)).toBe(0);
  });

  it("is seen by who begins to look in the middle, and not decoded for anybody else", async () => {
    const [alice, bob] = await call();
    const camera = new Camera(world, alice);
    await world.clock.run(2_000);
    expect(world.network.videoCodecs("bob")?.counters.decoded).toBe(0);
    const openedMs = world.clock.now();
    const viewer = new Viewer(world, bob);
    await world.clock.run(1_000);
    expect((viewer.sights[0]?.atMs ?? Infinity) - openedMs).toBeLessThan(500);
    expect(isGapless(viewer.numbers)).toBe(true);
    viewer.stop();
    await viewer.done;
    const { decoded } = world.network.videoCodecs("bob")?.counters ?? {};
    await camera.playFor(1_000);
    expect(world.network.videoCodecs("bob")?.counters).toEqual({ decoded, undecodable: 0 });
  });

  it("comes back after its connection failed, while audio goes on as if nothing had been", async () => {
    const [alice, bob] = await call();
    const diary = new Diary(bob);
    const heard: number[] = [];
    void (async () => {
      for await (const { quality, missingBefore } of bob.frames())
        if (quality !== "received" || missingBefore > 0) heard.push(world.clock.now());
    })();
    speak(world, alice, 225);
    const viewer = new Viewer(world, bob);
    const camera = new Camera(world, alice);
    await world.clock.run(2_000);
    const failedMs = world.clock.now();
    expect(world.network.failVideo("alice", "bob")).toBe(2);
    await camera.playFor(2_500);
    await world.clock.run(100);
    const seen = viewer.sights.filter(({ atMs }) => atMs > failedMs);
    expect(seen[0]?.atMs).toBeLessThan(failedMs + 1_500);
    expect(isGapless(seen.map(({ number }) => number))).toBe(true);
    expect(undecodable(world, "bob")).toBe(0);
    expect(diary.entries).toEqual(["down alice", "up alice VP9"]);
    expect(diary.codes).toEqual([]);
    expect(heard.filter((atMs) => atMs > 500)).toEqual([]);
    expect(bob.getPeer("alice")?.connectionState).toBe("connected");
  });

  it("ends with the peer, and begins with it again", async () => {
    const [alice, bob] = await call();
    const diary = new Diary(bob);
    const camera = new Camera(world, bob);
    await world.clock.run(500);
    await world.clock.until(alice.shutdown());
    await world.clock.run(500);
    expect(diary.entries).toEqual(["down alice"]);
    const [again] = await joinWithVideo(world, ["alice"]);
    const viewer = new Viewer(world, again as WebRtcTransport);
    await camera.playFor(1_000);
    expect(diary.entries).toEqual(["down alice", "up alice VP9"]);
    expect(viewer.numbers.length).toBeGreaterThan(20);
  });
});

describe("video between three peers", () => {
  it("is encoded once for all, and a third one sees it within half a second", async () => {
    const [alice, bob] = await call();
    const camera = new Camera(world, alice);
    const viewers = [new Viewer(world, bob)];
    await world.clock.run(1_000);
    const transport = world.transport("carol", { video: { enabled: true } });
    let upMs = Infinity;
    transport.on("videoConnected", ({ peerId }) => {
      if (peerId === "alice") upMs = world.clock.now();
    });
    await world.clock.until(transport.start());
    viewers.push(new Viewer(world, transport, "alice"));
    await camera.playFor(2_000);
    await world.clock.run(100);
    expect((viewers[1]?.sights[0]?.atMs ?? Infinity) - upMs).toBeLessThan(500);
    for (const { numbers } of viewers) expect(isGapless(numbers)).toBe(true);
    expect(viewers[0]?.numbers.length).toBe(camera.capturedMs.length);
    expect(world.network.videoCodecs("alice")?.encoders).toHaveLength(1);
    expect([undecodable(world, "bob"), undecodable(world, "carol")]).toEqual([0, 0]);
  });

  it("comes from all to all, and goes on when one leaves", async () => {
    open();
    const names = ["carol", "alice", "bob"];
    const transports = await joinWithVideo(world, names);
    const cameras = transports.map((transport) => new Camera(world, transport));
    const viewers = transports.map((transport) => new Viewer(world, transport));
    await world.clock.run(1_000);
    await world.clock.until((transports[0] as WebRtcTransport).shutdown());
    cameras[0]?.stop();
    const leftMs = world.clock.now();
    await world.clock.run(1_000);
    for (const camera of cameras) camera.stop();
    await world.clock.run(200);
    for (const [i, { sights }] of viewers.entries()) {
      for (const name of names) {
        const seen = sights.filter(({ picture }) => picture.peerId === name);
        const before = seen.filter(({ atMs }) => atMs < leftMs).length;
        expect(before, `${names[i]} of ${name}`).toBeGreaterThanOrEqual(name === names[i] ? 0 : 25);
        expect(isGapless(seen.map(({ number }) => number)), `${names[i]} of ${name}`).toBe(true);
      }
    }
    const rest = viewers[1]?.sights.filter(({ atMs, picture }) => atMs > leftMs && picture.peerId === "bob");
    expect(rest?.length).toBeGreaterThanOrEqual(1_000 / FRAME_MS);
    for (const name of names) expect(undecodable(world, name)).toBe(0);
  });
});
