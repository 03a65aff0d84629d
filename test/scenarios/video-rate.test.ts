// What encoders are told to make while the path they share with audio gets narrow and wide again.
import { describe, expect, it } from "vitest";
import type { AudioFrame } from "../../src/runtime/data.ts";
import type { LinkModelOptions } from "../../src/testing/link-model.ts";
import type { WebRtcTransport } from "../../src/transport/webrtc-transport.ts";
import { closeEachWorld, open, world } from "./transport-world.ts";
import { Camera, Viewer, joinWithVideo, percentile, undecodable, warmUpVideo } from "./video-world.ts";
import { speak } from "./world.ts";

type Pair = [WebRtcTransport, WebRtcTransport];

closeEachWorld();
warmUpVideo();

const STRETCH_S = 15;
/** Sound with all its headers, kbit/s. */
const AUDIO_KBPS = 95;
const OPTIONS = { video: { enabled: true, bitrateKbps: 4_000 } };

const bottleneck = (kbps: number): LinkModelOptions => ({ delayMs: 25, rate: { kbps, queueMs: 200 } });

/** One second. */
interface Second {
  readonly kbps: number;
  readonly pictures: number;
  readonly heard: readonly Heard[];
}

interface Heard {
  readonly quality: AudioFrame["quality"];
  readonly delayMs: number;
}

async function stretch(viewer: Viewer, heard: Heard[]): Promise<Second[]> {
  const seconds: Second[] = [];
  for (let i = 0; i < STRETCH_S; i++) {
    const before = viewer.numbers.length;
    heard.length = 0;
    await world.clock.run(1_000);
    const kbps = world.network.videoCodecs("alice")?.encoders[0]?.bitrateKbps ?? NaN;
    seconds.push({ kbps, pictures: viewer.numbers.length - before, heard: [...heard] });
  }
  return seconds;
}

/** Listen to all frames of a peer; each is written down. */
function listen(transport: WebRtcTransport): Heard[] {
  const heard: Heard[] = [];
  void (async () => {
    for await (const { quality, wallClockTimestampUs } of transport.frames()) {
      heard.push({ quality, delayMs: world.clock.wallNow() - wallClockTimestampUs / 1000 });
    }
  })();
  return heard;
}

/** Seconds until the rate is, and stays, between these shares of what audio leaves of the path. */
function settledS(seconds: readonly Second[], pathKbps: number): number {
  const roomKbps = pathKbps - AUDIO_KBPS;
  const isOff = ({ kbps }: Second): boolean => kbps > 1.05 * roomKbps || kbps < 0.65 * roomKbps;
  return seconds.findLastIndex(isOff) + 1;
}

const lossOf = (heard: readonly Heard[]): number =>
  heard.filter(({ quality }) => quality !== "received").length / heard.length;

describe.each([1, 2])("an encoder that would make 4 Mbit/s, seed %i,", (seed) => {
  it("follows a path of 800, then 300, then 1500 kbit/s, and leaves audio its room", { timeout: 60_000 }, async () => {
    open({ seed, link: { delayMs: 25 } });
    const [alice, bob] = (await joinWithVideo(world, ["alice", "bob"], OPTIONS)) as Pair;
    const viewer = new Viewer(world, bob);
    const heard = listen(bob);
    world.network.setLink("alice", "bob", bottleneck(800));
    const camera = new Camera(world, alice);
    speak(world, alice, 3 * STRETCH_S * 50 - 10);
    for (const [pathKbps, mostSettleS, mostLoss] of [
      [800, 5, 0.005],
      [300, 4, 0.06],
      [1_500, 5, 0.005],
    ] as const) {
      world.network.setLink("alice", "bob", bottleneck(pathKbps));
      const seconds = await stretch(viewer, heard);
      const all = seconds.flatMap((second) => second.heard);
      const later = seconds.slice(mostSettleS);
      const delays = later.flatMap((second) => second.heard.map(({ delayMs }) => delayMs));
      const figures = `${pathKbps}: ${seconds.map(({ kbps, pictures }) => `${kbps}/${pictures}`).join(" ")}; loss ${lossOf(all)}, later ${lossOf(later.flatMap((second) => second.heard))}, delay p95 ${percentile(delays, 0.95)} max ${percentile(delays, 1)} settle ${settledS(seconds, pathKbps)} mean ${later.reduce((a, b) => a + b.kbps, 0) / later.length}`;
      console.log(figures);
      expect.soft(settledS(seconds, pathKbps), figures).toBeLessThanOrEqual(mostSettleS);
      expect.soft(lossOf(all), figures).toBeLessThan(mostLoss);
      expect.soft(lossOf(later.flatMap((second) => second.heard)), figures).toBe(0);
      expect.soft(percentile(delays, 0.95), figures).toBeLessThan(250);
      for (const { pictures } of later) expect.soft(pictures, figures).toBeGreaterThanOrEqual(28);
    }
    camera.stop();
    expect(undecodable(world, "bob")).toBe(0);
  });
});
