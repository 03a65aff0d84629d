// What a transport sends to one peer or to all, what it refuses, and how it slows down a fast program.
import { describe, expect, it } from "vitest";
import type { WebRtcTransport } from "../../src/transport/webrtc-transport.ts";
import { audio, closeEachWorld, codeOf, open, pair, rejection, world } from "./transport-world.ts";

closeEachWorld();

describe("sending", () => {
  it("delivers messages and data of every kind", async () => {
    const [a, b] = await pair();
    const got: unknown[] = [];
    b.on("dataChannelMessage", ({ message }) => got.push(message));
    b.on("data", ({ data }) => got.push(data));
    const binary = { type: "binary", payload: Uint8Array.of(0, 255, 7) } as const;
    await world.clock.until(a.sendDataChannelMessage("bob", { type: "json", payload: { a: [1, null] } }));
    await world.clock.until(a.sendDataChannelMessage("bob", { type: "text", payload: "zwölf 🎻" }));
    await world.clock.until(a.sendDataChannelMessage("bob", binary));
    await world.clock.until(
      a.sendToPeer("bob", { type: "text", text: "hello", channel: "chat", timestampUs: 5 }),
    );
    const stats = await world.clock.until(a.broadcast({ type: "json", value: 42 }));
    await world.clock.run(100);
    expect(stats).toMatchObject({ totalPeers: 1, sentCount: 1, failedCount: 0, failedPeers: [] });
    expect(got).toEqual([
      { type: "json", payload: { a: [1, null] } },
      { type: "text", payload: "zwölf 🎻" },
      binary,
      { type: "text", text: "hello", channel: "chat", timestampUs: 5 },
      { type: "json", value: 42 },
    ]);
  });

  it("refuses what cannot be sent, by field", async () => {
    const [a] = await pair();
    const bad = (data: object): Promise<string> => rejection(a.sendToPeer("bob", { ...audio(), ...data }));
    expect(await bad({ sampleRate: 100 })).toBe("INVALID_DATA");
    expect(await bad({ channels: 3 })).toBe("INVALID_DATA");
    expect(await bad({ samples: Float32Array.of(NaN) })).toBe("INVALID_DATA");
    expect(await bad({ streamId: "second" })).toBe("TRACK_NOT_FOUND");
    expect(await bad({ type: "smell" })).toBe("INVALID_DATA");
    const big = { type: "binary", payload: new Uint8Array(70_000) } as const;
    expect(await rejection(a.sendDataChannelMessage("bob", big))).toBe("MESSAGE_TOO_LARGE");
    const loop: Record<string, unknown> = {};
    loop.self = loop;
    const cyclic = { type: "json", payload: loop } as never;
    expect(await rejection(a.sendDataChannelMessage("bob", cyclic))).toBe("SERIALIZATION_ERROR");
  });

  it("works without audio, and without data channels", async () => {
    open();
    const only = { audio: { enabled: false } };
    const [a, b] = [world.transport("alice", only), world.transport("bob", only)];
    await world.clock.until(a.start());
    await world.clock.until(b.start());
    const [c, d] = ["carol", "dave"].map((id) =>
      world.transport(id, { enableDataChannel: false, room: "other" }),
    );
    await world.clock.until(c!.start());
    await world.clock.until(d!.start());
    await world.clock.run(1_000);
    expect(a.listPeers()).toHaveLength(1);
    expect(await rejection(a.sendToPeer("bob", audio()))).toBe("MEDIA_TRACK_ERROR");
    expect(await rejection(a.sendDataChannelMessage("bob", { type: "text", payload: "x" }))).toBe("resolved");
    expect(c!.listPeers()).toHaveLength(1);
    expect(await rejection(c!.sendToPeer("dave", audio()))).toBe("resolved");
    const message = { type: "text", payload: "x" } as const;
    expect(await rejection(c!.sendDataChannelMessage("dave", message))).toBe("DATA_CHANNEL_NOT_AVAILABLE");
  });

  it("isolates the failure of one peer in a broadcast", async () => {
    open();
    const [a] = (await world.join("alice", "bob")) as [WebRtcTransport];
    const mute = world.transport("mute", { audio: { enabled: false } });
    await world.clock.until(mute.start());
    await world.clock.run(500);
    const stats = await world.clock.until(a.broadcast(audio()));
    expect(stats).toMatchObject({ totalPeers: 2, sentCount: 1, failedCount: 1 });
    expect(stats.failedPeers[0]).toMatchObject({ peerId: "mute" });
    const some = await world.clock.until(a.broadcast({ type: "json", value: 1 }, { exclude: ["bob"] }));
    expect(some).toMatchObject({ totalPeers: 1, sentCount: 1 });
    expect(await rejection(a.broadcast(audio(), { only: [] }))).toBe("NO_PEERS_CONNECTED");
  });

  it("lets a fast producer wait instead of queueing for ever", async () => {
    const [a] = await pair();
    let sent = 0;
    const produce = (async () => {
      for (let i = 0; i < 100; i++) {
        await a.sendToPeer("bob", audio(i));
        sent++;
      }
    })();
    await world.clock.run(1_000);
    // A second of real time and 200 ms of queue, give or take a frame.
    expect(sent).toBeGreaterThanOrEqual(58);
    expect(sent).toBeLessThanOrEqual(62);
    await world.clock.until(produce);
  });

  it("ends a waiting send when the transport is shut down", async () => {
    const [a] = await pair();
    const sends = Array.from({ length: 30 }, (_, i) => codeOf(a.sendToPeer("bob", audio(i))));
    await world.clock.run(20);
    await world.clock.until(a.shutdown());
    const codes = new Set(await Promise.all(sends));
    expect(codes).toEqual(new Set(["resolved", "ALREADY_SHUTDOWN"]));
  });
});
