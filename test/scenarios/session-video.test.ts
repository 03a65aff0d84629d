// Pictures of live peers through pipelines: back to whom they are of, and in the size that each path carries.
import { beforeAll, describe, expect, it } from "vitest";
import { loadPipelines } from "../../src/transport/load-pipelines.ts";
import type { WebRtcTransport } from "../../src/transport/webrtc-transport.ts";
import { closeEachWorld, open, world } from "./transport-world.ts";
import { Camera, FRAME_MS, Viewer, joinWithVideo, numbered, warmUpVideo } from "./video-world.ts";
import type { Sight } from "./video-world.ts";

closeEachWorld();
warmUpVideo();
// What is loaded on demand takes real time, and none of the world's.
beforeAll(() => loadPipelines());

const COLUMNS = 16;

/** The number that a mirror shows. */
function mirrored(number: number): number {
  let result = 0;
  for (let bit = 0; bit < COLUMNS; bit++) if (((number >> bit) & 1) === 1) result |= 1 << (COLUMNS - 1 - bit);
  return result;
}

const MIRROR = {
  version: "v1",
  metadata: { name: "mirror" },
  nodes: [{ id: "flip", node_type: "VideoFlip", params: { direction: "horizontal" } }],
};

describe("a session over pictures", () => {
  it("gives each peer its own back, worked on and with the time of their capture", async () => {
    open({ seed: 3, link: { delayMs: 20 } });
    const [mirror, alice, carol] = (await joinWithVideo(world, ["mirror", "alice", "carol"])) as [
      WebRtcTransport,
      WebRtcTransport,
      WebRtcTransport,
    ];
    const session = await world.clock.until(mirror.stream(MIRROR));
    session.setRouting("unicast");
    const cameras = [new Camera(world, alice), new Camera(world, carol, [176, 96])] as const;
    const viewers = [new Viewer(world, alice, "mirror"), new Viewer(world, carol, "mirror")] as const;
    await world.clock.run(6_000);
    for (const camera of cameras) camera.stop();
    await world.clock.run(500);
    for (const [index, width] of [160, 176].entries()) {
      const sights = viewers[index]?.sights ?? [];
      expect(sights.every(({ picture }) => picture.width === width)).toBe(true);
      const numbers = sights.map(({ number }) => mirrored(number ?? -1));
      expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
      // Nothing in the first moment, then every one.
      expect(numbers.filter((number) => number >= 30)).toHaveLength(
        (cameras[index]?.capturedMs.length ?? 0) - 30,
      );
      for (const { number, picture } of sights) {
        const capturedMs = cameras[index]?.capturedMs[mirrored(number ?? -1)] ?? NaN;
        // The world's Unix time begins elsewhere than its own.
        const epochMs = world.clock.wallNow() - world.clock.now();
        expect(Math.abs(picture.wallClockTimestampUs / 1000 - epochMs - capturedMs)).toBeLessThan(
          FRAME_MS / 2,
        );
      }
    }
    expect(session.metrics()).toMatchObject({ framesDropped: 0, errors: 0 });
    for (const viewer of viewers) viewer.stop();
    await world.clock.until(session.close());
  });

  it("is not fed any more when its pipeline takes no pictures, and is again when it does", async () => {
    open({ seed: 4, link: { delayMs: 20 } });
    const [mirror, alice] = (await joinWithVideo(world, ["mirror", "alice"])) as [
      WebRtcTransport,
      WebRtcTransport,
    ];
    const session = await world.clock.until(mirror.stream(MIRROR));
    const camera = new Camera(world, alice);
    await world.clock.run(2_000);
    const decoded = (): number => world.network.videoCodecs("mirror")?.counters.decoded ?? NaN;
    const sounds = { ...MIRROR, nodes: [{ id: "gain", node_type: "Gain" }] };
    await world.clock.until(session.reconfigure(sounds));
    await world.clock.run(500);
    const before = decoded();
    expect(before).toBeGreaterThan(30);
    await world.clock.run(2_000);
    // Nobody reads: nothing is decoded.
    expect(decoded()).toBe(before);
    await world.clock.until(session.reconfigure(MIRROR));
    await world.clock.run(2_000);
    expect(decoded()).toBeGreaterThan(before + 30);
    expect(session.peers).toEqual(["alice"]);
    camera.stop();
    await world.clock.until(session.close());
  });
});

const SIZES = {
  version: "v1",
  metadata: { name: "two sizes" },
  nodes: [
    { id: "full", node_type: "PassThrough" },
    { id: "half", node_type: "VideoScale", params: { width: 80, height: 46 } },
  ],
};
const OPTIONS = { video: { enabled: true, bitrateKbps: 1_000 } };
const path = (kbps: number) => ({ delayMs: 20, rate: { kbps, queueMs: 200 } });

/** Widths in the order in which they were shown, each once in a row. */
const widthsOf = (sights: readonly Sight[]): number[] =>
  sights.map(({ picture }) => picture.width).filter((width, i, all) => width !== all[i - 1]);

describe.each([1, 2])("one source in two sizes, seed %i,", (seed) => {
  it("moves the peer whose path gets narrow to the smaller one and back, and nobody else", async () => {
    open({ seed, link: path(5_000) });
    const [source, far, near] = (await joinWithVideo(world, ["source", "far", "near"], OPTIONS)) as [
      WebRtcTransport,
      WebRtcTransport,
      WebRtcTransport,
    ];
    const session = await world.clock.until(
      source.stream(SIZES, {
        tiers: [
          { tier: "high", width: 160, height: 90, kbps: 700, minKbps: 500 },
          { tier: "low", width: 80, height: 46, kbps: 250, minKbps: 0 },
        ],
      }),
    );
    session.configureSelectiveRouting([
      { outputId: "full", targetPeers: [], qualityTier: "high" },
      { outputId: "half", targetPeers: [], qualityTier: "low" },
    ]);
    let number = 0;
    let cancel = (): void => undefined;
    const shoot = (): void => {
      cancel = world.clock.setTimer(world.clock.now() + FRAME_MS, shoot);
      session.sendInput({ data: numbered(number++ % 65_536), metadata: {} }).catch(() => undefined);
    };
    shoot();
    const [farView, nearView] = [new Viewer(world, far, "source"), new Viewer(world, near, "source")];
    await world.clock.run(8_000);
    expect(farView.sights.at(-1)?.picture.width).toBe(160);
    world.network.setLink("source", "far", path(350));
    await world.clock.run(8_000);
    expect(farView.sights.at(-1)?.picture.width).toBe(80);
    world.network.setLink("source", "far", path(5_000));
    await world.clock.run(25_000);
    expect(farView.sights.at(-1)?.picture.width).toBe(160);
    // A begin in the small size is a path that was not measured yet.
    expect(widthsOf(farView.sights.slice(-1_000))).toEqual([160, 80, 160]);
    expect(widthsOf(nearView.sights.slice(-1_000))).toEqual([160]);
    cancel();
    farView.stop();
    nearView.stop();
    await world.clock.until(session.close());
  });
});
