// The option mediaEngine on real transports: who listens with a worker hears the same.
import { afterEach, expect, it } from "vitest";
import { WebRtcTransport } from "../../src/node.ts";
import { SignalingServer } from "../../src/signaling-server/server.ts";
import { powerAt, tone } from "../interop/tones.ts";

const HZ = 700;
const open: { shutdown(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.shutdown()));
});

it.each(["inline", "worker"] as const)(
  "hears with mediaEngine: %s",
  { timeout: 60_000 },
  async (mediaEngine) => {
    const server = new SignalingServer({ port: 0, host: "127.0.0.1" });
    const { url: signalingUrl } = await server.start();
    const shared = { signalingUrl, room: "engine", networkMode: "lan", bindAddress: "127.0.0.1" } as const;
    const speaker = new WebRtcTransport({ ...shared, peerId: "speaker" });
    const listener = new WebRtcTransport({ ...shared, peerId: "listener", mediaEngine });
    open.push(speaker, listener, { shutdown: () => server.close() });
    await speaker.start();
    await listener.start();
    expect(listener.stats().mediaHost).toBe(mediaEngine);
    let index = 0;
    const speaking = setInterval(() => {
      const samples = tone(HZ, index++);
      speaker.broadcast({ type: "audio", samples, sampleRate: 48_000, channels: 1 }).catch(() => undefined);
    }, 20);
    let clear = 0;
    for await (const { samples } of listener.frames()) {
      if ((powerAt(samples, [HZ])[HZ] ?? 0) > 0.01) clear++;
      if (clear === 25) break;
    }
    clearInterval(speaking);
    expect(clear).toBe(25);
    expect(listener.stats().peers[0]?.audio?.inbound.decoded).toBeGreaterThan(0);
  },
);
