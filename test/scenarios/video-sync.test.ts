// Pictures and sound of one moment over paths of different length, between machines whose clocks are off.
import { describe, expect, it } from "vitest";
import type { WebRtcTransport } from "../../src/transport/webrtc-transport.ts";
import { closeEachWorld, open, world } from "./transport-world.ts";
import { Camera, Viewer, isGapless, joinWithVideo, undecodable, warmUpVideo } from "./video-world.ts";
import { speak } from "./world.ts";

type Pair = [WebRtcTransport, WebRtcTransport];

closeEachWorld();
warmUpVideo();

const CLOCK_ERRORS = {
  alice: { offsetMs: 700, skewPpm: 120, startMs: 5_000 },
  bob: { offsetMs: -400, skewPpm: -80 },
};

describe.each([1, 2])("sound over 20 ms and pictures over 80 ms more, clocks off, seed %i,", (seed) => {
  it("are together after 10 s, and labeled with the times at which they were captured", async () => {
    open({ seed, link: { delayMs: 20, jitter: { meanMs: 2 } } });
    const [alice, bob] = (await joinWithVideo(world, ["alice", "bob"], {}, CLOCK_ERRORS)) as Pair;
    world.network.setLink("alice", "bob", { delayMs: 100, jitter: { meanMs: 2 } }, "video");
    const viewer = new Viewer(world, bob);
    void (async () => {
      for await (const _ of bob.frames());
    })();
    const camera = new Camera(world, alice);
    const startMs = world.clock.now();
    speak(world, alice, 1_000);
    await camera.playFor(19_900);
    const late = viewer.sights.filter(({ atMs }) => atMs > startMs + 10_000);
    const bobAhead = world.network.platform("bob").clock;
    const offs = late.map(({ picture }) => picture.audioSyncOffsetMs).sort((a, b) => a - b);
    const trueOf = (number: number): number => (camera.capturedMs[number] ?? NaN);
    const skewed = bobAhead as unknown as { trueAtWall(ms: number): number };
    const errs = late.map(({ picture, number }) => ({ e: skewed.trueAtWall(picture.wallClockTimestampUs / 1000) - trueOf(number!), b: (picture.wallClockErrorUs ?? Infinity) / 1000 }));
    console.log(late.length, "offset", offs[0], offs.at(-1), "label", Math.max(...errs.map(x => Math.abs(x.e))), "bounds", Math.min(...errs.map(x => x.b)), Math.max(...errs.map(x => x.b)), "late", JSON.stringify((bob as any).stats().peers[0].audio.inbound.video));
    expect(late.length).toBeGreaterThan(280);
    for (const { e, b } of errs) expect(Math.abs(e)).toBeLessThanOrEqual(b);
    for (const o of offs) expect(Math.abs(o)).toBeLessThanOrEqual(20);
    expect(undecodable(world, "bob")).toBe(0);
  });
});

describe("a buffer", () => {
  it.each([150, 300, 600, 1_500])("does not drop the first picture whose encoder took %i ms to begin", async (firstEncodeMs) => {
    open();
    world.network.setVideoCodecs("alice", { firstEncodeMs });
    const [alice, bob] = (await joinWithVideo(world, ["alice", "bob"])) as Pair;
    const viewer = new Viewer(world, bob);
    const camera = new Camera(world, alice);
    await camera.playFor(4_000);
    await world.clock.run(500);
    console.log(world.network.videoCodecs("bob")?.counters, (bob as any).stats().peers[0].video, firstEncodeMs, viewer.numbers.slice(0, 8), viewer.sights.slice(0, 40).map(s => Math.round(s.atMs - camera.capturedMs[s.number!]!)).join(" "), JSON.stringify((bob as any).stats().peers[0].audio.inbound.video));
    expect(viewer.numbers[0]).toBe(0);
  });
});
