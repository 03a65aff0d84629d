// Video over paths that lose, delay and reorder: what is lost comes again or is replaced, and nobody sees garbage.
import { describe, expect, it } from "vitest";
import type { WebRtcTransportOptions } from "../../src/config/config.ts";
import type { VideoCodecName } from "../../src/platform/video-codecs.ts";
import type { LinkModelOptions } from "../../src/testing/link-model.ts";
import { linkPresets } from "../../src/testing/link-presets.ts";
import type { WebRtcTransport } from "../../src/transport/webrtc-transport.ts";
import { closeEachWorld, open, world } from "./transport-world.ts";
import {
  Camera,
  FRAME_MS,
  Viewer,
  joinWithVideo,
  percentile,
  undecodable,
  warmUpVideo,
} from "./video-world.ts";

type Pair = [WebRtcTransport, WebRtcTransport];

closeEachWorld();
warmUpVideo();

const ROUGH: LinkModelOptions = { delayMs: 20, loss: 0.05, reorder: { probability: 0.02, extraMs: 15 } };

/** Alice and Bob on a good path, which is `link` from then on. */
async function callOver(
  seed: number,
  options: WebRtcTransportOptions,
  link: () => LinkModelOptions,
): Promise<{ viewer: Viewer; camera: Camera; pair: Pair }> {
  open({ seed, link: { delayMs: 20 } });
  const pair = (await joinWithVideo(world, ["alice", "bob"], options)) as Pair;
  world.network.setLink("alice", "bob", link());
  world.network.setLink("bob", "alice", ROUGH);
  return { viewer: new Viewer(world, pair[1]), camera: new Camera(world, pair[0]), pair };
}

describe.each([1, 2, 3])("over 5 % of loss, 20 ms and reordering, with seed %i,", (seed) => {
  it.each<VideoCodecName>(["VP9", "VP8", "H264"])("%s comes through", async (codec) => {
    const options = { video: { enabled: true, codecs: [codec], bitrateKbps: 1_000 } };
    const { viewer, camera } = await callOver(seed, options, () => ROUGH);
    await camera.playFor(20_000);
    await world.clock.run(1_000);
    const delaysMs = viewer.sights.map(({ number = NaN, atMs }) => atMs - (camera.capturedMs[number] ?? NaN));
    const figures = `${viewer.numbers.length} of ${camera.capturedMs.length}, p95 ${percentile(delaysMs, 0.95)} ms`;
    expect(viewer.numbers.length, figures).toBeGreaterThanOrEqual(0.95 * camera.capturedMs.length);
    expect(percentile(delaysMs, 0.95), figures).toBeLessThan(250);
    expect(viewer.numbers, figures).toEqual([...viewer.numbers].sort((a = NaN, b = NaN) => a - b));
    expect(undecodable(world, "bob"), figures).toBe(0);
  });

  it("a picture is there again within half a second after a keyframe was lost", async () => {
    const options = { video: { enabled: true, bitrateKbps: 1_000, keyframeInterval: 1 } };
    const { viewer, camera } = await callOver(seed, options, () => {
      const startMs = world.clock.now();
      const outages = Array.from({ length: 30 }, (_, i) => startMs + (i + 1) * 1_000);
      return { ...ROUGH, outages: outages.map((fromMs) => ({ fromMs, toMs: fromMs + 1.2 * FRAME_MS })) };
    });
    await camera.playFor(30_500);
    const freezesMs = Array.from({ length: 29 }, (_, i) => {
      const lost = (i + 1) * 30;
      const next = viewer.sights.find(({ number = NaN }) => number >= lost);
      return (next?.atMs ?? Infinity) - (camera.capturedMs[lost] ?? NaN);
    });
    const figures = [0.5, 0.95, 1].map((share) => Math.round(percentile(freezesMs, share))).join("/");
    expect(percentile(freezesMs, 0.95), figures).toBeLessThan(500);
    expect(undecodable(world, "bob"), figures).toBe(0);
  });
});

it.each(["wifi", "mobile", "lossyWifi", "satellite"] as const)(
  "over a path like %s no picture is shown that lacks another",
  async (preset) => {
    const { viewer, camera } = await callOver(5, {}, () => linkPresets[preset]);
    await camera.playFor(15_000);
    await world.clock.run(1_000);
    const figures = `${viewer.numbers.length} of ${camera.capturedMs.length}`;
    expect(viewer.numbers.length, figures).toBeGreaterThan(0.6 * camera.capturedMs.length);
    expect(
      viewer.numbers.every((number) => number !== undefined),
      figures,
    ).toBe(true);
    expect(undecodable(world, "bob"), figures).toBe(0);
  },
);
