// Starting and stopping, the peers by name, and connections that fail: the life of a transport in virtual time.
import { describe, expect, it } from "vitest";
import type { TransportError } from "../../src/errors/errors.ts";
import { DEFAULT_LIMITS } from "../../src/signaling-server/limits.ts";
import type { WebRtcTransport } from "../../src/transport/webrtc-transport.ts";
import { audio, closeEachWorld, codeOf, open, pair, rejection, world } from "./transport-world.ts";

closeEachWorld();

describe("the life of a transport", () => {
  it("goes from idle to started to stopped, and again", async () => {
    open();
    const transport = world.transport("alice");
    const states: string[] = [];
    transport.on("stateChange", (state) => states.push(state));
    await world.clock.until(Promise.all([transport.start(), transport.start()]));
    await world.clock.until(transport.shutdown());
    await world.clock.until(transport.shutdown());
    await world.clock.until(transport.start());
    expect(states).toEqual(["starting", "started", "stopping", "stopped", "starting", "started"]);
  });

  it("tells every state of signaling from the first on", async () => {
    open();
    const transport = world.transport("alice");
    const states: string[] = [];
    transport.on("signalingStateChange", (state) => states.push(state));
    await world.clock.until(transport.start());
    await world.clock.until(transport.shutdown());
    expect(states).toEqual(["connecting", "connected", "closed"]);
  });

  it("gives up start() after its time, however that is spread over the steps", async () => {
    open();
    const transport = world.transport("alice", { authToken: () => new Promise<string>(() => undefined) });
    const startMs = world.clock.now();
    expect(await rejection(transport.start({ timeoutMs: 1_000 }))).toBe("OPERATION_TIMEOUT");
    // Closing the socket takes a round trip.
    expect(world.clock.now() - startMs).toBeLessThanOrEqual(1_003);
  });

  it("says so when it is used too early, twice or too late", async () => {
    open();
    const transport = world.transport("alice");
    expect(await rejection(transport.connectPeer("bob"))).toBe("NOT_STARTED");
    expect(await rejection(transport.sendToPeer("bob", audio()))).toBe("NOT_STARTED");
    expect(() => transport.frames()).toThrow(expect.objectContaining({ code: "NOT_STARTED" }));
    await world.clock.until(transport.start());
    expect(await rejection(transport.start())).toBe("ALREADY_STARTED");
    await world.clock.until(transport.shutdown());
    expect(await rejection(transport.broadcast(audio()))).toBe("ALREADY_SHUTDOWN");
    expect(await rejection(transport.disconnectPeer("bob"))).toBe("ALREADY_SHUTDOWN");
    expect(transport.listPeers({ all: true })).toEqual([]);
  });

  it("ends start() with shutdown(), and leaves nothing", async () => {
    open();
    const transport = world.transport("alice");
    const started = rejection(transport.start());
    await world.clock.until(transport.shutdown());
    expect(["ABORTED", "SIGNALING_ERROR"]).toContain(await started);
    expect(transport.state).toBe("stopped");
  });

  it("names the URL when nobody serves it", async () => {
    open();
    const lost = world.transport("lost", { signalingUrl: "ws://nowhere.test/" });
    const error = await world.clock.until(lost.start().catch((reason: unknown) => reason as TransportError));
    expect(error).toMatchObject({ code: "SIGNALING_ERROR", retryable: true });
    expect((error as TransportError).message).toContain("ws://nowhere.test/");
    expect(lost.state).toBe("stopped");
  });

  it("aborts start() with the caller's reason", async () => {
    open();
    const reason = new Error("changed my mind");
    const aborted = AbortSignal.abort(reason);
    const transport = world.transport("alice");
    await expect(world.clock.until(transport.start({ signal: aborted }))).rejects.toMatchObject({
      code: "ABORTED",
      cause: reason,
    });
  });

  it("reports a taken id and a full room", async () => {
    open({ hub: { limits: { ...DEFAULT_LIMITS, peersPerRoom: 2 } } });
    const [one, twin, two, three] = ["a", "a", "b", "c"].map((id) => world.transport(id));
    await world.clock.until(one!.start());
    expect(await rejection(twin!.start())).toBe("PEER_ID_TAKEN");
    await world.clock.until(two!.start());
    expect(await rejection(three!.start())).toBe("LIMIT_EXCEEDED");
  });
});

describe("naming peers", () => {
  it("tells unknown, own, malformed and unconnected ids apart", async () => {
    open();
    const a = world.transport("alice", { autoConnect: false });
    const b = world.transport("bob", { autoConnect: false });
    await world.clock.until(Promise.all([a.start(), b.start()]));
    await world.clock.run(100);
    expect(await rejection(a.connectPeer("nobody"))).toBe("PEER_NOT_FOUND");
    expect(await rejection(a.connectPeer("alice"))).toBe("INVALID_DATA");
    expect(await rejection(a.connectPeer("no id"))).toBe("INVALID_DATA");
    expect(await rejection(a.sendToPeer("nobody2", audio()))).toBe("PEER_NOT_FOUND");
    expect(await rejection(a.sendToPeer("bob", audio()))).toBe("PEER_NOT_CONNECTED");
    expect(await rejection(a.broadcast(audio()))).toBe("NO_PEERS_CONNECTED");
    expect(await rejection(a.disconnectPeer("stranger"))).toBe("PEER_NOT_FOUND");
    expect(() => a.getPeer("bob")).toThrow(expect.objectContaining({ code: "PEER_NOT_FOUND" }));
    expect(a.listRoom().map(({ peerId }) => peerId)).toEqual(["bob"]);
  });

  it("disconnects on both sides, twice without complaint", async () => {
    const [a, b] = await pair();
    const reasons: string[] = [];
    b.on("peerDisconnected", ({ reason }) => reasons.push(reason));
    await world.clock.until(a.disconnectPeer("bob"));
    await world.clock.until(a.disconnectPeer("bob"));
    await world.clock.run(1_000);
    expect(reasons).toEqual(["user_requested"]);
    expect(b.listPeers()).toEqual([]);
    expect(await world.clock.until(a.connectPeer("bob"))).toBe("bob");
  });

  it("gives up a connection attempt when its caller does", async () => {
    open();
    const [a] = (await world.join("alice")) as [WebRtcTransport];
    const b = world.transport("bob", { autoConnect: false });
    await world.clock.until(b.start());
    world.network.blockCandidates("alice");
    const abort = new AbortController();
    const attempt = codeOf(b.connectPeer("alice", { signal: abort.signal }));
    await world.clock.run(3_000);
    expect(b.listPeers({ all: true })).toHaveLength(1);
    abort.abort();
    expect(await attempt).toBe("ABORTED");
    await world.clock.run(1_000);
    expect(b.listPeers({ all: true })).toEqual([]);
    expect(a.listPeers({ all: true })).toEqual([]);
  });

  it("suggests TURN when no path is found", async () => {
    open();
    await world.join("alice");
    const b = world.transport("bob", { autoConnect: false, iceTimeoutSecs: 5 });
    await world.clock.until(b.start());
    world.network.blockCandidates("bob");
    world.network.blockCandidates("alice");
    const error = await world.clock.until(b.connectPeer("alice").catch((reason: unknown) => reason));
    expect(error).toMatchObject({ code: "NAT_TRAVERSAL_FAILED", peerId: "alice", retryable: true });
    expect((error as TransportError).suggestion).toContain("TURN");
  });

  it("fails by itself when a native call does, and can be tried again", async () => {
    open();
    await world.join("alice");
    const b = world.transport("bob", { autoConnect: false });
    await world.clock.until(b.start());
    world.network.failNext("bob", "createOffer");
    expect(await rejection(b.connectPeer("alice"))).not.toBe("resolved");
    world.network.failNext("bob", "openPeerLink");
    expect(await rejection(b.connectPeer("alice"))).not.toBe("resolved");
    expect(await rejection(b.connectPeer("alice"))).toBe("resolved");
  });
});

describe("trying again from a listener", () => {
  it("connects anew when told that the attempt failed", async () => {
    open();
    await world.join("alice");
    const b = world.transport("bob", { autoConnect: false });
    await world.clock.until(b.start());
    world.network.failNext("bob", "createOffer");
    let again: Promise<string> | undefined;
    b.once("peerFailed", () => {
      again = codeOf(b.connectPeer("alice"));
    });
    expect(await rejection(b.connectPeer("alice"))).not.toBe("resolved");
    expect(await world.clock.until(again ?? Promise.reject(new Error("never told")))).toBe("resolved");
  });

  it("connects anew when told that the connection has ended", async () => {
    const [a, b] = await pair();
    let again: Promise<string> | undefined;
    b.once("peerDisconnected", () => {
      again = codeOf(b.connectPeer("alice"));
    });
    await world.clock.until(a.disconnectPeer("bob"));
    await world.clock.run(1_000);
    expect(await world.clock.until(again ?? Promise.reject(new Error("never told")))).toBe("resolved");
    expect(b.listPeers()).toHaveLength(1);
  });
});
