import { describe, expect, it } from "vitest";
import { TransportError } from "../../src/errors/errors.ts";
import type { SessionEvent } from "../../src/session/session-events.ts";
import { audio, namesOf, openSession, picture, settled, text } from "./session-fakes.ts";
import type { FakeOptions } from "./session-fakes.ts";

async function codeOf(call: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof call === "function" ? call() : call);
  } catch (error) {
    return (error as TransportError).code;
  }
  return "nothing";
}

describe("a StreamSession's life", () => {
  it("is active once its pipeline runs", async () => {
    const { session, events } = await openSession();
    expect([session.sessionId, session.state, session.isActive()]).toEqual(["s1", "active", true]);
    expect(events).toEqual([{ type: "stateChange", state: "active", sessionId: "s1" }]);
  });

  it("does not begin when its pipeline does not", async () => {
    const events: SessionEvent[] = [];
    const options: FakeOptions = {
      open: () => Promise.reject(new TransportError("INVALID_MANIFEST", "bad")),
      onEvent: (event) => events.push(event),
    };
    expect(await codeOf(openSession(options))).toBe("INVALID_MANIFEST");
    expect(events.map((event) => event.type === "stateChange" && event.state)).toEqual(["closing", "closed"]);
  });

  it("is paused and resumed, each told once", async () => {
    const { session, events } = await openSession();
    await session.pause();
    await session.pause();
    expect([session.state, session.isActive()]).toEqual(["paused", false]);
    await session.resume();
    await session.resume();
    expect(session.isActive()).toBe(true);
    expect(events.map((event) => event.type === "stateChange" && event.state)).toEqual([
      "active",
      "paused",
      "active",
    ]);
  });

  it("goes on with another manifest; a refused one changes nothing", async () => {
    const { session, pipeline, events } = await openSession({
      validate: (manifest) => {
        if (manifest === "bad") throw new TransportError("INVALID_MANIFEST", "bad");
        return manifest;
      },
    });
    session.attachPeer("alice");
    expect(await codeOf(session.reconfigure("bad"))).toBe("INVALID_MANIFEST");
    expect(pipeline.calls).toEqual([]);
    await Promise.all([session.reconfigure("one"), session.reconfigure("two")]);
    expect(pipeline.calls).toEqual(['reconfigure "one"', 'reconfigure "two"']);
    expect(session.peers).toEqual(["alice"]);
    expect(events.filter(({ type }) => type === "reconfigured")).toHaveLength(2);
  });

  it("outlives a listener that throws", async () => {
    const { session, pipeline } = await openSession({
      onEvent: () => {
        throw new Error("listener");
      },
    });
    session.attachPeer("alice");
    pipeline.listener.onError(new TransportError("PIPELINE_ERROR", "node"));
    await session.close();
    expect(session.state).toBe("closed");
  });
});

describe("a StreamSession's inputs", () => {
  it("go into the pipeline one by one, each peer in its turn", async () => {
    const { session, pipeline, clock } = await openSession();
    session.attachPeer("alice");
    session.attachPeer("bob");
    pipeline.block();
    void session.receive("alice", text("a1"));
    void session.receive("alice", text("a2"));
    void session.receive("bob", text("b1"));
    await settled(clock);
    expect(namesOf(pipeline.taken)).toEqual(["a1"]);
    pipeline.unblock();
    await settled(clock);
    expect(namesOf(pipeline.taken)).toEqual(["a1", "b1", "a2"]);
    expect(pipeline.taken[1]?.metadata).toEqual({ source_peer: "bob", session_id: "s1" });
  });

  it("drop the oldest media of a peer while the pipeline is slow, and let its text wait", async () => {
    const { session, pipeline, clock } = await openSession();
    session.attachPeer("alice");
    pipeline.block();
    await session.receive("alice", text("first"));
    for (let i = 0; i < 20; i++) await session.receive("alice", audio(20, i / 100));
    for (let i = 0; i < 64; i++) await session.receive("alice", text(`t${i}`));
    let waits = true;
    const last = session.receive("alice", text("last")).then(() => (waits = false));
    await settled(clock);
    expect(waits).toBe(true);
    pipeline.unblock();
    await last;
    await settled(clock);
    expect(pipeline.taken).toHaveLength(1 + 10 + 65);
    expect(session.metrics()).toMatchObject({
      framesIn: 86,
      framesDropped: 10,
      peers: { alice: { framesIn: 86, framesDropped: 10 } },
    });
  });

  it("of the program always wait", async () => {
    const { session, pipeline, clock } = await openSession();
    pipeline.block();
    let sent = 0;
    for (let i = 0; i < 8; i++) void session.sendInput(picture(i)).then(() => sent++);
    await settled(clock);
    expect(sent).toBe(5);
    pipeline.unblock();
    await settled(clock);
    expect(sent).toBe(8);
    expect(namesOf(pipeline.taken)).toEqual(["v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7"]);
  });

  it("are refused when they are malformed, or nothing takes them", async () => {
    const { session, pipeline } = await openSession();
    pipeline.kinds = ["text"];
    expect([session.accepts("text"), session.accepts("audio")]).toEqual([true, false]);
    session.attachPeer("alice");
    const bad = { data: { type: "text" }, metadata: {} } as never;
    expect(await codeOf(session.sendInput(bad))).toBe("INVALID_DATA");
    expect(await codeOf(session.sendInput(audio(20)))).toBe("INVALID_DATA");
    expect(await codeOf(session.receive("alice", bad))).toBe("INVALID_DATA");
    await session.receive("alice", audio(20));
    expect(session.metrics().drops.refused).toBe(2);
    expect(pipeline.taken).toEqual([]);
  });

  it("of peers that are not attached are not taken", async () => {
    const { session, pipeline } = await openSession();
    session.attachPeer("alice");
    session.detachPeer("alice");
    await session.receive("alice", text("t"));
    expect(pipeline.taken).toEqual([]);
    expect(session.metrics().framesIn).toBe(0);
  });

  it("wait while it is paused, but for media", async () => {
    const { session, pipeline, clock } = await openSession();
    session.attachPeer("alice");
    await session.pause();
    await session.receive("alice", audio(20));
    await session.sendInput(text("t"));
    await settled(clock);
    expect(pipeline.taken).toEqual([]);
    await session.resume();
    await settled(clock);
    expect(namesOf(pipeline.taken)).toEqual(["t"]);
    expect(session.metrics().drops.paused).toBe(1);
  });

  it("that the pipeline refuses are errors, and the next one goes on", async () => {
    const { session, pipeline, clock, events } = await openSession();
    const take = pipeline.send.bind(pipeline);
    pipeline.send = (input) => (input.sequence === 0 ? Promise.reject(new Error("no")) : take(input));
    await session.sendInput(text("bad"));
    await session.sendInput(text("good"));
    await settled(clock);
    expect(namesOf(pipeline.taken)).toEqual(["good"]);
    expect(events.filter(({ type }) => type === "nodeError")).toMatchObject([
      { error: { code: "PIPELINE_ERROR" } },
    ]);
    expect(session.metrics().errors).toBe(1);
  });
});

describe("a StreamSession's peers", () => {
  it("are attached and detached once, and told of", async () => {
    const { session, events } = await openSession();
    session.attachPeer("alice");
    session.attachPeer("alice");
    session.peerReconnected("alice");
    session.peerReconnected("bob");
    session.detachPeer("alice");
    session.detachPeer("alice");
    expect(events.slice(1).map(({ type }) => type)).toEqual([
      "peerAttached",
      "peerReconnected",
      "peerDetached",
    ]);
    expect(await codeOf(() => session.attachPeer("no id!"))).toBe("INVALID_DATA");
  });

  it("all get every output by default", async () => {
    const { session, pipeline, deliveries } = await openSession();
    for (const peer of ["alice", "bob"]) session.attachPeer(peer);
    void pipeline.emit("out", picture(1).data, { source_peer: "alice" });
    expect(deliveries).toMatchObject([
      {
        peers: ["alice", "bob"],
        metadata: { output_id: "out", session_id: "s1", source_peer: "alice" },
      },
    ]);
  });

  it("get what is theirs by target_peer, whatever the policy says", async () => {
    const { session, pipeline, clock, deliveries } = await openSession();
    for (const peer of ["alice", "bob"]) session.attachPeer(peer);
    for (const policy of ["broadcast", "unicast", "selective"] as const) {
      session.setRouting(policy);
      void pipeline.emit("mix", audio(20).data, { target_peer: "bob", source_peer: "alice" });
      await settled(clock);
    }
    expect(deliveries.map(({ peers }) => peers)).toEqual([["bob"], ["bob"], ["bob"]]);
  });

  it("get outputs by routes in tiers", async () => {
    const tiers = { alice: "high", bob: "low" } as const;
    const { session, pipeline, deliveries } = await openSession({
      tierOf: (peer) => tiers[peer as keyof typeof tiers],
    });
    for (const peer of ["alice", "bob"]) session.attachPeer(peer);
    session.configureSelectiveRouting([
      { outputId: "big", targetPeers: [], qualityTier: "high" },
      { outputId: "small", targetPeers: [], qualityTier: "low" },
    ]);
    void pipeline.emit("big", picture(1).data);
    void pipeline.emit("small", picture(1).data);
    expect(deliveries.map(({ peers, tier }) => [peers, tier])).toEqual([
      [["alice"], "high"],
      [["bob"], "low"],
    ]);
  });

  it("get nothing that no route names: dropped, counted, told once", async () => {
    const { session, pipeline, deliveries, events } = await openSession();
    session.attachPeer("alice");
    session.configureSelectiveRouting([{ outputId: "other", targetPeers: [] }]);
    for (let i = 0; i < 3; i++) void pipeline.emit("out", text(`${i}`).data);
    expect(deliveries).toEqual([]);
    expect(session.metrics()).toMatchObject({ framesDropped: 3, drops: { unrouted: 3 } });
    expect(events.filter(({ type }) => type === "unrouted")).toEqual([
      { type: "unrouted", outputId: "out", sessionId: "s1" },
    ]);
  });

  it("keep their routes when the next ones are refused", async () => {
    const { session, pipeline, deliveries } = await openSession();
    session.attachPeer("alice");
    expect(await codeOf(() => session.setRouting("everybody" as never))).toBe("INVALID_DATA");
    expect(await codeOf(() => session.setRouting("selective", [{} as never]))).toBe("INVALID_DATA");
    void pipeline.emit("out", text("t").data);
    expect(deliveries).toHaveLength(1);
  });

  it("that cannot be reached are told of, and the others get theirs", async () => {
    const error = new TransportError("PEER_NOT_FOUND", "gone");
    const { session, pipeline, clock, events } = await openSession({
      deliver: async (_, { peers }) => {
        if (peers.includes("bob")) throw error;
        return new Map();
      },
    });
    for (const peer of ["alice", "bob"]) session.attachPeer(peer);
    for (let i = 0; i < 6; i++) void pipeline.emit("out", text(`${i}`).data);
    await settled(clock);
    expect(events.filter(({ type }) => type === "deliveryFailed")).toMatchObject([
      { peerId: "bob", error: { code: "PEER_NOT_FOUND" }, suspended: false },
      { peerId: "bob", suspended: true },
    ]);
    expect(session.metrics()).toMatchObject({
      drops: { undelivered: 6 },
      peers: { alice: { framesOut: 6 }, bob: { framesOut: 0, framesDropped: 6 } },
    });
  });

  it("that are slow hold the pipeline back, not each other", async () => {
    let finish: (() => void) | undefined;
    const { session, pipeline, clock } = await openSession({
      deliver: async (_, { peers }) => {
        if (peers.includes("slow")) await new Promise<void>((resolve) => (finish = resolve));
        return new Map();
      },
    });
    for (const peer of ["slow", "fast"]) session.attachPeer(peer);
    const waits = Array.from({ length: 17 }, (_, i) => pipeline.emit("out", text(`${i}`).data));
    expect(waits.map((wait) => wait === undefined).indexOf(false)).toBe(16);
    await settled(clock);
    expect(session.metrics().peers).toMatchObject({ slow: { framesOut: 0 }, fast: { framesOut: 17 } });
    finish?.();
    await waits[16];
    expect(session.metrics().peers["slow"]?.framesOut).toBe(1);
    await session.abort();
    expect(clock.pending).toBe(0);
  });
});

describe("a StreamSession's metrics", () => {
  it("are a frozen snapshot with its nodes and queues", async () => {
    const { session, pipeline } = await openSession();
    pipeline.block();
    for (let i = 0; i < 3; i++) await session.sendInput(text(`${i}`));
    void pipeline.emit("out", text("o").data);
    const metrics = session.metrics();
    expect(Object.isFrozen(metrics)).toBe(true);
    expect(metrics).toMatchObject({
      sessionId: "s1",
      state: "active",
      framesIn: 3,
      framesOut: 1,
      queuedInputs: 2,
      queuedOutputs: 1,
      queuedDeliveries: 0,
      kinds: { text: { framesIn: 3, framesOut: 1 }, audio: { framesIn: 0 } },
      nodes: { echo: { inputs: 1 } },
    });
  });
});
