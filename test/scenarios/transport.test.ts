import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { TransportError } from "../../src/errors/errors.ts";
import { DEFAULT_LIMITS } from "../../src/signaling-server/limits.ts";
import type { RuntimeData } from "../../src/runtime/data.ts";
import type { WebRtcTransport } from "../../src/transport/webrtc-transport.ts";
import { speak, speech, WARM_UP_TIMEOUT_MS, World } from "./world.ts";

let world: World;

function open(options: Parameters<typeof World.open>[0] = {}): void {
  world = World.open(options);
}

async function pair(): Promise<[WebRtcTransport, WebRtcTransport]> {
  open();
  return (await world.join("alice", "bob")) as [WebRtcTransport, WebRtcTransport];
}

beforeAll(() => World.warmUp(), WARM_UP_TIMEOUT_MS);

afterEach(async () => {
  expect(await world.close(), "left over after shutdown").toEqual({ openLinks: 0, pendingTimers: 0 });
});

const audio = (index = 0): RuntimeData => ({
  type: "audio",
  samples: speech(1, index),
  sampleRate: 48_000,
  channels: 1,
});

/** The code a promise rejects with, for a clock that is run elsewhere. */
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "resolved",
    (error: unknown) => (error as TransportError).code,
  );

/** The code a promise rejects with; runs the clock until it does. */
const rejection = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await world.clock.until(promise);
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    expect(error.suggestion.length).toBeGreaterThan(10);
    return error.code;
  }
  return "resolved";
};

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
