import { afterEach, beforeAll, describe, expect, it } from "vitest";
import type { WebRtcTransport } from "../../src/transport/webrtc-transport.ts";
import { speak, WARM_UP_TIMEOUT_MS, World } from "./world.ts";

let world: World;

function open(options: Parameters<typeof World.open>[0] = {}): void {
  world = World.open(options);
}

beforeAll(() => World.warmUp(), WARM_UP_TIMEOUT_MS);

afterEach(async () => {
  expect(await world.close(), "left over after shutdown").toEqual({ openLinks: 0, pendingTimers: 0 });
});

const peersOf = (transport: WebRtcTransport): string[] =>
  transport
    .listPeers()
    .map(({ peerId }) => peerId)
    .sort();

/** Count the frames of each peer from now on. */
function count(transport: WebRtcTransport): Map<string, number> {
  const frames = new Map<string, number>();
  void (async () => {
    for await (const { peerId } of transport.frames()) frames.set(peerId, (frames.get(peerId) ?? 0) + 1);
  })();
  return frames;
}

describe("a room", () => {
  it("connects everybody with everybody, and each hears the others", async () => {
    open();
    const [a, b, c] = (await world.join("alice", "bob", "carol")) as [
      WebRtcTransport,
      WebRtcTransport,
      WebRtcTransport,
    ];
    expect(peersOf(a)).toEqual(["bob", "carol"]);
    expect(peersOf(b)).toEqual(["alice", "carol"]);
    expect(peersOf(c)).toEqual(["alice", "bob"]);
    const heard = [count(a), count(b), count(c)];
    for (const [index, transport] of [a, b, c].entries()) speak(world, transport, 50, index);
    await world.clock.run(1_500);
    const decoded = [a, b, c].map((peer) => peer.stats().peers.map(({ audio }) => audio?.inbound.decoded));
    expect(decoded).toEqual(Array.from({ length: 3 }, () => [50, 50]));
    // The delay goes down from 50 ms to 20 as the path allows: so much of the sound is taken out.
    for (const frames of heard.flatMap((counts) => [...counts.values()])) {
      expect(frames).toBeGreaterThanOrEqual(48);
      expect(frames).toBeLessThanOrEqual(50);
    }
  });

  it("is not disturbed by somebody who comes late", async () => {
    open();
    const [a, b] = (await world.join("alice", "bob")) as [WebRtcTransport, WebRtcTransport];
    const heard = count(b);
    speak(world, a, 100);
    await world.clock.run(500);
    const [c] = (await world.join("late")) as [WebRtcTransport];
    await world.clock.run(2_000);
    expect(heard.get("alice")).toBeGreaterThanOrEqual(98);
    const inbound = b.stats().peers.find(({ peerId }) => peerId === "alice")?.audio?.inbound;
    expect(inbound).toMatchObject({ packetsReceived: 100, packetsLost: 0, concealedSamples: 0 });
    expect(peersOf(c)).toEqual(["alice", "bob"]);
  });

  it("tells the others why somebody went", async () => {
    open();
    const [a, b, c] = (await world.join("alice", "bob", "carol")) as [
      WebRtcTransport,
      WebRtcTransport,
      WebRtcTransport,
    ];
    const events: unknown[] = [];
    a.on("peerDisconnected", (event) => events.push(event));
    a.on("peerLeft", (event) => events.push(event));
    await world.clock.until(b.shutdown());
    await world.clock.run(1_000);
    expect(events).toContainEqual({ peerId: "bob", reason: "user_requested" });
    expect(events).toContainEqual({ peerId: "bob", reason: "left" });
    expect(peersOf(a)).toEqual(["carol"]);
    expect(peersOf(c)).toEqual(["alice"]);
  });

  it("survives both calling each other at once", async () => {
    open();
    const [a, b] = [
      world.transport("alice", { autoConnect: false }),
      world.transport("bob", { autoConnect: false }),
    ];
    await world.clock.until(Promise.all([a.start(), b.start()]));
    const both = Promise.all([a.connectPeer("bob"), b.connectPeer("alice")]);
    expect(await world.clock.until(both)).toEqual(["bob", "alice"]);
    await world.clock.run(1_000);
    expect(a.getPeer("bob").connectionId).toBe(b.getPeer("alice").connectionId);
    expect(world.network.openLinks).toBe(2);
  });

  it("notices a path that stays cut, and the others go on", async () => {
    open();
    const [a, b, c] = (await world.join("alice", "bob", "carol")) as [
      WebRtcTransport,
      WebRtcTransport,
      WebRtcTransport,
    ];
    const gone: unknown[] = [];
    a.on("peerDisconnected", (event) => gone.push(event));
    world.network.partition("alice", "bob");
    await world.clock.run(35_000);
    expect(gone).toEqual([{ peerId: "bob", reason: "network_error" }]);
    expect(peersOf(a)).toEqual(["carol"]);
    expect(peersOf(c)).toEqual(["alice", "bob"]);
    world.network.heal("alice", "bob");
    await world.clock.until(b.connectPeer("alice"));
    await world.clock.run(100);
    expect(peersOf(a)).toEqual(["bob", "carol"]);
  });

  it("keeps connections when the signaling socket breaks and comes back", async () => {
    open();
    const [a, b] = (await world.join("alice", "bob")) as [WebRtcTransport, WebRtcTransport];
    const left: unknown[] = [];
    b.on("peerLeft", (event) => left.push(event));
    world.network.severSockets("alice");
    await world.clock.run(10_000);
    expect(left).toEqual([]);
    expect(peersOf(a)).toEqual(["bob"]);
    const [c] = (await world.join("carol")) as [WebRtcTransport];
    expect(peersOf(c)).toEqual(["alice", "bob"]);
  });
});

describe("who may be here", () => {
  it("keeps to maxPeers in both directions", async () => {
    open();
    const small = world.transport("small", { maxPeers: 1 });
    await world.clock.until(small.start());
    const [a, b] = (await world.join("alice", "bob")) as [WebRtcTransport, WebRtcTransport];
    expect(peersOf(small)).toEqual(["alice"]);
    expect(peersOf(b)).toEqual(["alice"]);
    await expect(world.clock.until(b.connectPeer("small"))).rejects.toMatchObject({ code: "PEER_REJECTED" });
    await expect(small.connectPeer("bob")).rejects.toMatchObject({ code: "MAX_PEERS_EXCEEDED" });
    await world.clock.until(a.shutdown());
    await world.clock.run(1_000);
    await world.clock.until(b.connectPeer("small"));
    await world.clock.run(100);
    expect(peersOf(small)).toEqual(["bob"]);
  });

  it("keeps denied peers out, whoever calls", async () => {
    open();
    const shy = world.transport("shy", { denyPeers: ["alice"] });
    await world.clock.until(shy.start());
    const [a] = (await world.join("alice")) as [WebRtcTransport];
    expect(peersOf(a)).toEqual([]);
    await expect(world.clock.until(a.connectPeer("shy"))).rejects.toMatchObject({ code: "PEER_REJECTED" });
    await expect(shy.connectPeer("alice")).rejects.toMatchObject({ code: "PEER_REJECTED" });
  });
});
