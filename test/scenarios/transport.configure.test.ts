// What configure() changes while audio flows.
import { describe, expect, it } from "vitest";
import type { WebRtcTransport } from "../../src/transport/webrtc-transport.ts";
import { closeEachWorld, open, pair, world } from "./transport-world.ts";
import { speak } from "./world.ts";

closeEachWorld();

describe("configure()", () => {
  it("changes the bitrate of what is being sent", async () => {
    const [a, b] = await pair();
    const received = (): number => b.stats().peers[0]?.audio?.inbound.bytesReceived ?? 0;
    speak(world, a, 100);
    await world.clock.run(2_000);
    const before = received();
    a.configure({ audioBitrateKbps: 16 });
    speak(world, a, 100);
    await world.clock.run(2_000);
    expect((received() - before) / before).toBeLessThan(0.6);
  });

  it("changes how long packets are held", async () => {
    open();
    const [a] = (await world.join("alice")) as [WebRtcTransport];
    const b = world.transport("bob", { jitterBufferMode: "fixed" });
    await world.clock.until(b.start());
    await world.clock.run(1_000);
    const delay = (): number => b.stats().peers[0]?.audio?.inbound.bufferDelayMs ?? 0;
    speak(world, a, 50);
    await world.clock.run(1_000);
    expect(delay()).toBeGreaterThan(45);
    expect(delay()).toBeLessThan(60);
    b.configure({ jitterBufferSizeMs: 200 });
    speak(world, a, 100);
    await world.clock.run(1_990);
    expect(delay()).toBeGreaterThan(190);
  });

  it("changes how often reports are sent", async () => {
    const [a, b] = await pair();
    speak(world, a, 50);
    await world.clock.run(30_000);
    const slow = b.stats().peers[0]?.audio?.rtcp.reportsReceived ?? 0;
    a.configure({ rtcpIntervalMs: 1_000 });
    await world.clock.run(30_000);
    const fast = (b.stats().peers[0]?.audio?.rtcp.reportsReceived ?? 0) - slow;
    expect(fast).toBeGreaterThan(2 * slow);
  });

  it("takes all or nothing", async () => {
    const [a] = await pair();
    expect(() => a.configure({ audioBitrateKbps: 32, jitterBufferSizeMs: 5 })).toThrow(/jitterBufferSizeMs/);
  });
});
