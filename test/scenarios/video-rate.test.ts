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

const STRETCH_S = 11;
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

/** Seconds until the rate is, and stays, between two shares of what audio leaves of the path. */
function settledS(seconds: readonly Second[], roomKbps: number): number {
  const isOff = ({ kbps }: Second): boolean => kbps > 1.1 * roomKbps || kbps < 0.65 * roomKbps;
  const steadyS = [...seconds].reverse().findIndex(isOff);
  return steadyS < 0 ? 0 : seconds.length - steadyS;
}

const lossOf = (heard: readonly Heard[]): number =>
  heard.filter(({ quality }) => quality !== "received").length / heard.length;

/** What may be asked of a stretch. */
const STRETCHES = [
  { pathKbps: 800, mostSettleS: 5, mostLostS: 0.05, mostLaterLoss: 0.005, mostDelayMs: 200 },
  // The queue is full before anybody can know.
  { pathKbps: 300, mostSettleS: 5, mostLostS: 2, mostLaterLoss: 0.03, mostDelayMs: 400 },
  { pathKbps: 1_500, mostSettleS: 5, mostLostS: 0.05, mostLaterLoss: 0.005, mostDelayMs: 275 },
];

describe.each([1, 2, 3, 4])("an encoder that would make 4 Mbit/s, seed %i,", (seed) => {
  it(
    "follows a path that gets narrow and wide again, and leaves audio its room",
    { timeout: 60_000 },
    async () => {
      open({ seed, link: { delayMs: 25 } });
      const [alice, bob] = (await joinWithVideo(world, ["alice", "bob"], OPTIONS)) as Pair;
      const viewer = new Viewer(world, bob);
      const heard = listen(bob);
      const camera = new Camera(world, alice);
      speak(world, alice, (STRETCHES.length * STRETCH_S + 1) * 50);
      for (const { pathKbps, mostSettleS, mostLostS, mostLaterLoss, mostDelayMs } of STRETCHES) {
        world.network.setLink("alice", "bob", bottleneck(pathKbps));
        const roomKbps = pathKbps - AUDIO_KBPS;
        const seconds = await stretch(viewer, heard);
        const later = seconds.slice(mostSettleS);
        const laterHeard = later.flatMap((second) => second.heard);
        const delayMs = percentile(
          laterHeard.map((frame) => frame.delayMs),
          0.95,
        );
        const rates = seconds.map(({ kbps, pictures }) => `${kbps}/${pictures}`).join(" ");
        const figures = `${pathKbps} kbit/s: ${rates}; audio: ${lossOf(seconds.flatMap((second) => second.heard))} lost, ${delayMs} ms`;
        expect(settledS(seconds, roomKbps), figures).toBeLessThanOrEqual(mostSettleS);
        const meanKbps = later.reduce((sum, { kbps }) => sum + kbps, 0) / later.length;
        expect(meanKbps / roomKbps, figures).toBeGreaterThan(0.75);
        expect(STRETCH_S * lossOf(seconds.flatMap((second) => second.heard)), figures).toBeLessThan(
          mostLostS,
        );
        // Where the minimum of the encoder fills the path, the queue is long in draining: nothing is lost any more in the end.
        expect(lossOf(laterHeard), figures).toBeLessThan(mostLaterLoss);
        expect(lossOf(seconds.slice(-3).flatMap((second) => second.heard)), figures).toBe(0);
        expect(delayMs, figures).toBeLessThan(mostDelayMs);
        expect(Math.min(...later.map(({ pictures }) => pictures)), figures).toBeGreaterThanOrEqual(28);
      }
      camera.stop();
      // What was spoken after the last stretch.
      await world.clock.run(1_000);
      expect(undecodable(world, "bob")).toBe(0);
    },
  );
});
