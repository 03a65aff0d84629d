// Options of a transport, seen from the outside.
import { describe, expect, it, vi } from "vitest";
import type { WebRtcTransport } from "../../src/transport/webrtc-transport.ts";
import { closeEachWorld, open, world } from "./transport-world.ts";
import { speak } from "./world.ts";

closeEachWorld();

describe("options", () => {
  it("let a frame through at once with jitterRelease inOrder", async () => {
    open();
    const a = world.transport("alice");
    const b = world.transport("bob", { jitterRelease: "inOrder" });
    await world.clock.until(a.start());
    await world.clock.until(b.start());
    await world.clock.run(500);
    speak(world, a, 50);
    await world.clock.run(1_500);
    expect(b.stats().peers[0]?.audio?.inbound.bufferDelayMs).toBeLessThan(5);
  });

  it.each([
    { dataChannelMode: "reliable", arrives: 1 },
    { dataChannelMode: "unreliable", arrives: 0 },
  ] as const)(
    "keep a message for a cut path, or not: $dataChannelMode",
    async ({ dataChannelMode, arrives }) => {
      open();
      const [a, b] = ["alice", "bob"].map((id) => world.transport(id, { dataChannelMode }));
      await world.clock.until(a!.start());
      await world.clock.until(b!.start());
      await world.clock.run(500);
      let got = 0;
      b!.on("dataChannelMessage", () => got++);
      world.network.partition("alice", "bob");
      await world.clock.until(a!.sendDataChannelMessage("bob", { type: "text", payload: "x" }));
      await world.clock.run(1_000);
      world.network.heal("alice", "bob");
      await world.clock.run(1_000);
      expect(got).toBe(arrives);
    },
  );

  it("ask for TURN credentials at each new connection", async () => {
    open();
    const turnServers = vi.fn(async () => [{ urls: "turn:relay.test", username: "u", credential: "c" }]);
    const a = world.transport("alice", { networkMode: "relay", turnServers });
    await world.clock.until(a.start());
    await world.join("bob", "carol");
    expect(turnServers).toHaveBeenCalledTimes(2);
  });

  it("show userData to the room and send the token only to the server", async () => {
    open();
    const lines: string[] = [];
    const log = (message: string, fields: object): void => void lines.push(message + JSON.stringify(fields));
    const logger = { debug: log, info: log, warn: log, error: log };
    const a = world.transport("alice", {
      userData: { name: "Alice" },
      authToken: async () => "s3cret",
      logger,
      logLevel: "debug",
    });
    await world.clock.until(a.start());
    const [b] = (await world.join("bob")) as [WebRtcTransport];
    expect(b.getPeer("alice").userData).toEqual({ name: "Alice" });
    expect(lines.length).toBeGreaterThan(2);
    expect(lines.every((line) => line.includes('"peerId":"alice"'))).toBe(true);
    expect(lines.join()).not.toContain("s3cret");
  });
});
