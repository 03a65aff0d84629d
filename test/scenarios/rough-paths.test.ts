// Whole rooms over the paths people have, on machines whose clocks are off.
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import type { AudioFrame } from "../../src/runtime/data.ts";
import { linkPresets } from "../../src/testing/link-presets.ts";
import type { LinkPreset } from "../../src/testing/link-presets.ts";
import type { WebRtcTransport } from "../../src/transport/webrtc-transport.ts";
import { speak, WARM_UP_TIMEOUT_MS, World } from "./world.ts";

const SEED = 21;
const SPOKEN = 500;
const CLOCK_ERRORS = {
  alice: { offsetMs: 400, skewPpm: 200, startMs: 5_000 },
  bob: { offsetMs: -250, skewPpm: -150 },
  carol: { offsetMs: 30, skewPpm: 0 },
};

let world: World;

beforeAll(() => World.warmUp(), WARM_UP_TIMEOUT_MS);

afterEach(async () => {
  expect(await world.close(), "left over after shutdown").toEqual({ openLinks: 0, pendingTimers: 0 });
});

async function converse(
  preset: LinkPreset,
): Promise<{ frames: AudioFrame[][]; transports: WebRtcTransport[] }> {
  world = World.open({ seed: SEED, link: linkPresets[preset] });
  for (const [name, clockError] of Object.entries(CLOCK_ERRORS)) world.network.platform(name, clockError);
  const transports = await world.join(...Object.keys(CLOCK_ERRORS));
  await world.clock.run(5_000);
  const frames = transports.map((transport) => collect(transport));
  for (const [index, transport] of transports.entries()) speak(world, transport, SPOKEN, index);
  await world.clock.run(SPOKEN * 20 + 3_000);
  return { frames, transports };
}

function collect(transport: WebRtcTransport): AudioFrame[] {
  const frames: AudioFrame[] = [];
  void (async () => {
    for await (const frame of transport.frames()) frames.push(frame);
  })();
  return frames;
}

describe(`a room of machines with clocks that are off (seed ${SEED})`, () => {
  // The least share that is heard as it was spoken; mobile paths stall longer than the buffer of 50 ms.
  const leastReceived = { lan: 0.99, wifi: 0.95, mobile: 0.75, lossyWifi: 0.75, satellite: 0.9 };

  it.each(Object.entries(leastReceived))("converses over %s", async (preset, least) => {
    const { frames } = await converse(preset as LinkPreset);
    for (const heard of frames) {
      for (const peerId of new Set(heard.map((frame) => frame.peerId))) {
        const ofPeer = heard.filter((frame) => frame.peerId === peerId);
        const received = ofPeer.filter(({ quality }) => quality === "received" || quality === "fec");
        expect(received.length / SPOKEN).toBeGreaterThan(least);
        expect(ofPeer.length).toBeLessThan(SPOKEN * 1.1);
      }
      expect(new Set(heard.map((frame) => frame.peerId)).size).toBe(2);
    }
  });
});
