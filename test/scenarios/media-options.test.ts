import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { WebRtcTransportOptions } from "../../src/config/config.ts";
import type { AlignedBlock } from "../../src/sync/aligned-blocks.ts";
import type { WebRtcTransport } from "../../src/transport/webrtc-transport.ts";
import { WARM_UP_TIMEOUT_MS, World, speak } from "./world.ts";

vi.setConfig({ testTimeout: 60_000 });

let world: World;
beforeAll(() => World.warmUp(), WARM_UP_TIMEOUT_MS);
afterEach(async () => {
  expect(await world.close(), "left over after shutdown").toEqual({ openLinks: 0, pendingTimers: 0 });
});

/** Somebody who speaks, and somebody who listens with options. */
async function listen(
  options: WebRtcTransportOptions,
  delayMs = 1,
): Promise<{ alice: WebRtcTransport; bob: WebRtcTransport }> {
  world = World.open({ seed: 5, link: { delayMs } });
  const [alice] = (await world.join("alice")) as [WebRtcTransport];
  const bob = world.transport("bob", options);
  const connected = new Promise((resolve) => bob.once("peerConnected", resolve));
  const known = new Promise((resolve) => alice.once("peerConnected", resolve));
  await world.clock.until(bob.start());
  await world.clock.until(Promise.all([connected, known]));
  return { alice, bob };
}

const inboundOf = (bob: WebRtcTransport) => bob.stats().peers[0]?.audio?.inbound;

describe("options of received media", () => {
  it.each([true, false])(
    "time-scale what is heard only with driftCorrection: %s",
    async (driftCorrection) => {
      const { alice, bob } = await listen({ driftCorrection });
      speak(world, alice, 100);
      await world.clock.run(3_000);
      // The delay goes down from 50 ms to 20: that much is taken out, or is not.
      expect((inboundOf(bob)?.removedSamples ?? 0) > 0).toBe(driftCorrection);
    },
  );

  it.each([20, 45])("hold packets for at least minJitterBufferMs: %s", async (minJitterBufferMs) => {
    const { alice, bob } = await listen({ minJitterBufferMs });
    speak(world, alice, 150);
    await world.clock.run(4_000);
    expect(inboundOf(bob)?.targetDelayMs).toBeCloseTo(minJitterBufferMs, 0);
  });

  it.each([
    { maxAlignDelayMs: 100, behind: true },
    { maxAlignDelayMs: 500, behind: false },
  ])(
    "wait for the slowest peer up to maxAlignDelayMs: $maxAlignDelayMs",
    async ({ behind, maxAlignDelayMs }) => {
      const { alice, bob } = await listen({ maxAlignDelayMs }, 250);
      const blocks: AlignedBlock[] = [];
      void (async () => {
        for await (const block of bob.alignedFrames()) blocks.push(block);
      })();
      speak(world, alice, 250);
      await world.clock.run(5_000);
      expect(blocks.some((block) => block.behind.includes("alice"))).toBe(behind);
    },
  );
});
