// Pictures and sound of one moment over paths of different length, between machines whose clocks are off.
import { describe, expect, it } from "vitest";
import type { SkewedClock } from "../../src/testing/skewed-clock.ts";
import type { WebRtcTransport } from "../../src/transport/webrtc-transport.ts";
import { closeEachWorld, open, world } from "./transport-world.ts";
import { Camera, Viewer, joinWithVideo, undecodable, warmUpVideo } from "./video-world.ts";
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
    const camera = new Camera(world, alice);
    const startMs = world.clock.now();
    speak(world, alice, 1_000);
    await world.clock.run(20_000 - 1);
    camera.stop();
    const late = viewer.sights.filter(({ atMs }) => atMs > startMs + 10_000);
    expect(late.length).toBeGreaterThan(290);
    const bobsClock = world.network.platform("bob").clock as SkewedClock;
    for (const { picture, number = NaN } of late) {
      const figures = `seed ${seed}, picture ${number}`;
      expect(Math.abs(picture.audioSyncOffsetMs), figures).toBeLessThanOrEqual(20);
      const labelMs = bobsClock.trueAtWall(picture.wallClockTimestampUs / 1000);
      const errorMs = Math.abs(labelMs - (camera.capturedMs[number] ?? NaN));
      expect(errorMs, figures).toBeLessThanOrEqual((picture.wallClockErrorUs ?? NaN) / 1000);
      // Bounds hold what the path may hide; the truth is nearer.
      expect(errorMs, figures).toBeLessThan(5);
    }
    expect(undecodable(world, "bob")).toBe(0);
  });
});
