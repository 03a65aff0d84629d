// Receivers that cannot keep up: pictures are left out, and what follows is not shown as if they had been there.
import { describe, expect, it } from "vitest";
import type { WebRtcTransport } from "../../src/transport/webrtc-transport.ts";
import { closeEachWorld, open, world } from "./transport-world.ts";
import { Camera, Viewer, isGapless, joinWithVideo, undecodable, warmUpVideo } from "./video-world.ts";

type Pair = [WebRtcTransport, WebRtcTransport];

closeEachWorld();
warmUpVideo();

describe("a receiver of pictures", () => {
  it("whose decoder is too slow leaves out all up to a keyframe, asks for one, and counts", async () => {
    open();
    world.network.setVideoCodecs("bob", { decodeMs: 50 });
    const [alice, bob] = (await joinWithVideo(world, ["alice", "bob"])) as Pair;
    const viewer = new Viewer(world, bob);
    await new Camera(world, alice).playFor(8_000);
    await world.clock.run(2_000);
    const counters = bob.stats().peers[0]?.video?.decoding;
    expect(counters).toMatchObject({ undecodable: 0, lost: 0, decoded: viewer.numbers.length });
    expect(counters?.overruns).toBeGreaterThan(1);
    expect(counters?.skipped).toBeGreaterThan(1);
    // 20 a second is all it can.
    expect(viewer.numbers.length).toBeGreaterThan(100);
    expect(undecodable(world, "bob")).toBe(0);
    expect(bob.stats().peers[0]?.video?.inbound?.plis).toBeGreaterThanOrEqual(counters?.overruns ?? NaN);
  });

  it("whose program is slow gets whole pictures, the newest four, and is told what it missed", async () => {
    open();
    const [alice, bob] = (await joinWithVideo(world, ["alice", "bob"])) as Pair;
    const pictures = bob.frames({ kind: "video" });
    await new Camera(world, alice).playFor(2_000);
    await world.clock.run(500);
    const first = await world.clock.until(pictures.next());
    expect((first.value as { missingBefore: number }).missingBefore).toBe(57);
    expect(bob.stats().peers[0]?.video?.decoding).toMatchObject({ decoded: 61, overruns: 0 });
    await pictures.return?.();
  });

  it.each([150, 300, 600, 1_000])(
    "drops nothing after an encoder took %i ms for the first one",
    async (firstEncodeMs) => {
      open();
      world.network.setVideoCodecs("alice", { firstEncodeMs });
      const [alice, bob] = (await joinWithVideo(world, ["alice", "bob"])) as Pair;
      const viewer = new Viewer(world, bob);
      await new Camera(world, alice).playFor(3_000);
      await world.clock.run(500);
      const [first, ...rest] = viewer.numbers;
      expect(first).toBe(0);
      expect(isGapless(rest)).toBe(true);
      const { received, shown } = bob.stats().peers[0]?.audio?.inbound.video ?? {};
      expect(shown).toBe(received);
      expect(viewer.numbers.length).toBe(shown);
    },
  );

  it("whose path stands still for a while shows all that came of it, in order", async () => {
    open({ link: { delayMs: 20 } });
    const [alice, bob] = (await joinWithVideo(world, ["alice", "bob"])) as Pair;
    const viewer = new Viewer(world, bob);
    const camera = new Camera(world, alice);
    for (const delayMs of [600, 20, 300, 20]) {
      await world.clock.run(1_500);
      world.network.setLink("alice", "bob", { delayMs }, "video");
    }
    await camera.playFor(3_000);
    await world.clock.run(1_000);
    expect(undecodable(world, "bob")).toBe(0);
    expect(viewer.numbers.every((number) => number !== undefined)).toBe(true);
    expect(viewer.numbers.length).toBeGreaterThan(0.8 * camera.capturedMs.length);
  });
});
