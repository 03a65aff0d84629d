import { describe, expect, it } from "vitest";
import { TransportError } from "../../src/errors/errors.ts";
import type { ManifestSource } from "../../src/pipeline/manifest.ts";
import type { SessionEvent } from "../../src/session/session-events.ts";
import { SessionManager } from "../../src/session/session-manager.ts";
import type { SessionManagerOptions } from "../../src/session/session-manager.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { FakePipeline, namesOf, NOBODY, settled, text } from "./session-fakes.ts";
import type { NodeFigures } from "./session-fakes.ts";

type Options = SessionManagerOptions<ManifestSource, NodeFigures>;

function managed(options: Partial<Options> = {}) {
  const clock = new VirtualClock();
  const random = new SeededRandom(4);
  const events: SessionEvent[] = [];
  const pipelines = new Map<string, FakePipeline>();
  const manager = new SessionManager<ManifestSource, NodeFigures>({
    clock,
    randomBytes: (length) => Uint8Array.from({ length }, () => Math.floor(random.next() * 256)),
    pipelines: {
      validate: (manifest) => manifest,
      open: async (manifest, { sessionId, ...listener }) => {
        if (manifest === "bad") throw new TransportError("INVALID_MANIFEST", "bad");
        const pipeline = new FakePipeline();
        pipeline.listener = listener;
        pipelines.set(sessionId, pipeline);
        return pipeline;
      },
    },
    deliver: async () => NOBODY,
    onEvent: (event) => events.push(event),
    ...options,
  });
  const pipelineOf = ({ sessionId }: { sessionId: string }): FakePipeline =>
    pipelines.get(sessionId) as FakePipeline;
  return { manager, clock, events, pipelineOf };
}

describe("SessionManager", () => {
  it("makes sessions with ids of their own, finds and lists them", async () => {
    const { manager } = managed();
    const [first, second] = [await manager.create("m"), await manager.create("m")];
    expect(first.sessionId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(first.sessionId).not.toBe(second.sessionId);
    expect(manager.get(second.sessionId)).toBe(second);
    expect(manager.list()).toEqual([first, second]);
    expect(() => manager.get("nobody")).toThrow(
      expect.objectContaining({ code: "SESSION_NOT_FOUND" }) as Error,
    );
  });

  it("knows a session when its first event comes", async () => {
    const states: unknown[] = [];
    const { manager } = managed({
      onEvent: ({ sessionId, type }) => states.push(type, manager.get(sessionId).state),
    });
    await manager.create("m");
    expect(states).toEqual(["stateChange", "active"]);
  });

  it("refuses a manifest with faults", async () => {
    const { manager } = managed();
    await expect(manager.create("bad")).rejects.toMatchObject({ code: "INVALID_MANIFEST" });
    expect(manager.list()).toEqual([]);
  });

  it("makes as many as it may, those that are being made among them, and more when one has ended", async () => {
    const { manager } = managed({ maxSessions: 2 });
    const results = await Promise.allSettled([1, 2, 3].map(() => manager.create("m")));
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
    expect(results[2]).toMatchObject({
      reason: { code: "SESSION_CREATION_FAILED", details: { maxSessions: 2 } },
    });
    await manager.list()[0]?.close();
    await manager.create("m");
    expect(manager.list()).toHaveLength(2);
  });

  it("makes 10 unless it is told, and is told of 1 to 64", async () => {
    for (const maxSessions of [0, 65, 1.5, NaN]) {
      expect(() => managed({ maxSessions })).toThrow(TransportError);
    }
    const { manager } = managed();
    const results = await Promise.allSettled(Array.from({ length: 12 }, () => manager.create("m")));
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(10);
  });

  it("says why a pipeline could not be started, and gives its place back", async () => {
    let broken = true;
    const open = async (): Promise<FakePipeline> => {
      if (broken) throw new TransportError("PIPELINE_ERROR", "no camera", { nodeId: "cam" });
      return new FakePipeline();
    };
    const { manager } = managed({ maxSessions: 1, pipelines: { validate: (m) => m, open } });
    await expect(manager.create("m")).rejects.toMatchObject({
      code: "SESSION_CREATION_FAILED",
      nodeId: "cam",
      cause: { code: "PIPELINE_ERROR" },
    });
    broken = false;
    await manager.create("m");
  });

  it("keeps equal nodes of two sessions apart, in outputs and in metrics", async () => {
    const { manager, clock, pipelineOf } = managed();
    const sessions = [await manager.create("m"), await manager.create("m")] as const;
    for (const session of sessions) pipelineOf(session).echo = "echo";
    await sessions[0].sendInput(text("one"));
    await sessions[1].sendInput(text("two"));
    await sessions[1].sendInput(text("two too"));
    await settled(clock);
    const { nodes, sessions: figures } = manager.metrics();
    expect(nodes).toEqual({
      [`${sessions[0].sessionId}/echo`]: { inputs: 1 },
      [`${sessions[1].sessionId}/echo`]: { inputs: 2 },
    });
    expect(figures[sessions[1].sessionId]).toMatchObject({ framesIn: 2, framesOut: 2 });
    expect(await sessions[0].recvOutput()).toMatchObject({
      data: { text: "one" },
      metadata: { session_id: sessions[0].sessionId },
    });
    expect(namesOf(pipelineOf(sessions[1]).taken)).toEqual(["two", "two too"]);
  });

  it("asks for the tier of a peer in a session", async () => {
    const asked: string[] = [];
    const { manager, pipelineOf } = managed({
      tierOf: (peerId, sessionId) => {
        asked.push(`${peerId} ${sessionId}`);
        return "low";
      },
    });
    const session = await manager.create("m");
    session.attachPeer("alice");
    session.configureSelectiveRouting([{ outputId: "out", targetPeers: [], qualityTier: "low" }]);
    void pipelineOf(session).emit("out", text("t").data);
    expect(asked).toEqual([`alice ${session.sessionId}`]);
    await session.close();
    expect(session.metrics().peers["alice"]?.framesOut).toBe(1);
  });

  it("terminates one at once, and names the peers that nobody else has", async () => {
    const { manager, clock, pipelineOf } = managed();
    const [first, second] = [await manager.create("m"), await manager.create("m")];
    for (const peer of ["alice", "bob"]) first.attachPeer(peer);
    second.attachPeer("bob");
    pipelineOf(first).onAbort = () => new Promise(() => undefined);
    expect(await clock.until(manager.terminate(first.sessionId))).toEqual(["alice"]);
    expect(clock.now()).toBeLessThanOrEqual(1_000);
    expect(first.state).toBe("closed");
    expect(manager.list()).toEqual([second]);
    await expect(manager.terminate(first.sessionId)).rejects.toMatchObject({ code: "SESSION_NOT_FOUND" });
  });

  it("detaches a peer that has left from all sessions, and tells of one that is back", async () => {
    const { manager, events } = managed();
    const [first, second] = [await manager.create("m"), await manager.create("m")];
    for (const session of [first, second]) session.attachPeer("alice");
    events.length = 0;
    manager.peerReconnected("alice");
    manager.peerReconnected("bob");
    expect(first.peers).toEqual(["alice"]);
    manager.peerLeft("alice");
    manager.peerLeft("bob");
    expect([...first.peers, ...second.peers]).toEqual([]);
    expect(events.map(({ type, sessionId }) => [type, sessionId])).toEqual([
      ["peerReconnected", first.sessionId],
      ["peerReconnected", second.sessionId],
      ["peerDetached", first.sessionId],
      ["peerDetached", second.sessionId],
    ]);
  });

  it("closes all, those that hang by force, and makes no more", async () => {
    const { manager, clock, pipelineOf } = managed();
    const [good, hanging] = [await manager.create("m"), await manager.create("m")];
    pipelineOf(hanging).onClose = () => new Promise(() => undefined);
    await clock.until(manager.closeAll());
    expect(clock.now()).toBe(1_000);
    expect([good.state, hanging.state]).toEqual(["closed", "closed"]);
    expect(pipelineOf(good).calls).toEqual(["close"]);
    expect(manager.list()).toEqual([]);
    await expect(manager.create("m")).rejects.toMatchObject({ code: "SESSION_CLOSED" });
    await manager.closeAll();
    expect(clock.pending).toBe(0);
  });

  it("ends a session whose pipeline started too late", async () => {
    let start: (() => void) | undefined;
    const pipeline = new FakePipeline();
    const { manager } = managed({
      pipelines: {
        validate: (m) => m,
        open: async () => {
          await new Promise<void>((resolve) => (start = resolve));
          return pipeline;
        },
      },
    });
    const creating = manager.create("m");
    expect(manager.list()).toEqual([]);
    const closing = manager.closeAll();
    start?.();
    await expect(creating).rejects.toMatchObject({ code: "SESSION_CLOSED" });
    await closing;
    expect(pipeline.calls).toHaveLength(1);
    expect(manager.list()).toEqual([]);
  });

  it("has nothing left of 100 sessions, some of which ended in the middle of their work", async () => {
    const { manager, clock, pipelineOf } = managed({ maxSessions: 64 });
    for (let i = 0; i < 100; i++) {
      const session = await manager.create("m");
      session.attachPeer("alice");
      if (i % 2 === 0) pipelineOf(session).block();
      void session.receive("alice", text("t"));
      void pipelineOf(session).emit("out", text("o").data);
      await (i % 2 === 0 ? session.abort() : session.close());
    }
    expect(manager.list()).toEqual([]);
    expect(manager.metrics()).toEqual({ sessions: {}, nodes: {} });
    expect(clock.pending).toBe(0);
  });
});
