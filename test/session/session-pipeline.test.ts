import { describe, expect, it } from "vitest";
import type { NodeMetrics } from "../../src/pipeline/node-metrics.ts";
import type { NodeFactory } from "../../src/pipeline/node.ts";
import { PipelineRunner } from "../../src/pipeline/runner.ts";
import type { ValidManifest } from "../../src/pipeline/validate-manifest.ts";
import type { TransportData } from "../../src/runtime/data.ts";
import type { Deliver } from "../../src/session/session-flow.ts";
import { readRecording, replaySession } from "../../src/session/recording.ts";
import type { SessionEvent } from "../../src/session/session-events.ts";
import { SessionManager } from "../../src/session/session-manager.ts";
import type { StreamSession } from "../../src/session/stream-session.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { audio, joined, namesOf, NOBODY, settled, text } from "./session-fakes.ts";

/** Counts its inputs, takes its time, and says what it holds at the end. */
function tally(clock: VirtualClock, open: Set<string>): NodeFactory<{ workMs: number; mark: string }> {
  const workMs = { type: "number", description: "ms for each input", default: 0 } as const;
  const mark = { type: "string", description: "before each text", default: "" } as const;
  return {
    type: "Tally",
    description: "Numbers texts.",
    schema: { type: "object", properties: { workMs, mark } },
    accepts: ["text", "audio"],
    emits: ["text", "audio"],
    create: ({ params, nodeId, sessionId }) => {
      let count = 0;
      open.add(`${sessionId}/${nodeId}`);
      return {
        async process(input, emit) {
          if (params.workMs > 0) {
            await new Promise<void>((resolve) => clock.setTimer(clock.now() + params.workMs, resolve));
          }
          const { data } = input;
          if (data.type === "text" && data.text === "fail") throw new Error("cannot");
          const numbered =
            data.type === "text" ? { ...data, text: `${params.mark}${++count}:${data.text}` } : data;
          await emit({ ...input, data: numbered });
        },
        async flush(emit) {
          await emit({ data: { type: "text", text: `${params.mark}total ${count}` }, metadata: {} });
        },
        close: () => void open.delete(`${sessionId}/${nodeId}`),
      };
    },
  };
}

function manifest(params: object = {}): object {
  return {
    version: "v1",
    metadata: { name: "tally" },
    nodes: [{ id: "tally", node_type: "Tally", params }],
    connections: [],
  };
}

function world(maxSessions = 10, deliver: Deliver = async () => NOBODY) {
  const clock = new VirtualClock();
  const random = new SeededRandom(11);
  const open = new Set<string>();
  const events: SessionEvent[] = [];
  const pipelines = new PipelineRunner({ clock });
  pipelines.registry.register(tally(clock, open));
  const manager = new SessionManager<ValidManifest, NodeMetrics>({
    clock,
    randomBytes: (length) => Uint8Array.from({ length }, () => Math.floor(random.next() * 256)),
    pipelines,
    deliver,
    onEvent: (event) => events.push(event),
    maxSessions,
  });
  return { clock, manager, open, events };
}

async function readToEnd(session: StreamSession<ValidManifest, NodeMetrics>): Promise<TransportData[]> {
  const outputs: TransportData[] = [];
  for await (const output of session.outputs()) outputs.push(output);
  return outputs;
}

describe("sessions on real pipelines", () => {
  it("give 3 outputs for 3 inputs, in order, and what is flushed", async () => {
    const { clock, manager, open } = world();
    const session = await manager.create(manifest());
    for (const name of ["a", "b", "c"]) await session.sendInput(text(name));
    const outputs = [await session.recvOutput(), await session.recvOutput(), await session.recvOutput()];
    expect(namesOf(outputs as TransportData[])).toEqual(["1:a", "2:b", "3:c"]);
    expect(outputs[2]).toMatchObject({
      sequence: 2,
      metadata: { output_id: "tally", session_id: session.sessionId },
    });
    await clock.until(session.close());
    expect(namesOf(await readToEnd(session))).toEqual(["total 3"]);
    expect(open.size).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it("keep equal node ids apart", async () => {
    const { clock, manager } = world();
    const [first, second] = [await manager.create(manifest()), await manager.create(manifest())];
    await first.sendInput(text("x"));
    for (const name of ["y", "z"]) await second.sendInput(text(name));
    await settled(clock);
    const { nodes } = manager.metrics();
    expect(nodes[`${first.sessionId}/tally`]).toMatchObject({ inputs: 1 });
    expect(nodes[`${second.sessionId}/tally`]).toMatchObject({ inputs: 2 });
    await clock.until(manager.closeAll());
    expect(namesOf(await readToEnd(first))).toEqual(["1:x", "total 1"]);
    expect(namesOf(await readToEnd(second))).toEqual(["1:y", "2:z", "total 2"]);
  });

  it("drop audio only at the entry when a node is slow, and no text", async () => {
    const { clock, manager } = world();
    const session = await manager.create(manifest({ workMs: 40 }));
    session.attachPeer("alice");
    for (let i = 0; i < 100; i++) {
      void session.receive("alice", audio(20, i / 1_000));
      if (i % 10 === 0) void session.receive("alice", text(`t${i}`));
      await clock.run(20);
    }
    await clock.until(session.close());
    const { drops, kinds, errors } = session.metrics();
    expect(errors).toBe(0);
    expect(drops.full).toBeGreaterThan(30);
    expect(kinds.audio).toEqual({ framesIn: 100, framesOut: 100 - drops.full, framesDropped: drops.full });
    expect(kinds.text).toMatchObject({ framesIn: 10, framesOut: 11, framesDropped: 0 });
  });

  it("hold the sender back, and lose nothing, when the program reads slowly", async () => {
    const { clock, manager } = world();
    const session = await manager.create(manifest());
    const names: string[] = [];
    const sending = (async () => {
      for (let i = 0; i < 300; i++) await session.sendInput(text(`${i}`));
      await session.close();
    })();
    await settled(clock);
    expect(session.metrics().framesIn).toBeLessThan(300);
    for (let output = await session.recvOutput(); output; output = await session.recvOutput()) {
      names.push(...namesOf([output]));
    }
    await sending;
    expect(names).toHaveLength(301);
    expect(session.metrics().framesDropped).toBe(0);
  });

  it("tell the error of a node once and go on", async () => {
    const { clock, manager, events } = world();
    const session = await manager.create(manifest());
    for (const name of ["a", "fail", "b"]) await session.sendInput(text(name));
    await settled(clock);
    expect(namesOf([(await session.recvOutput()) as TransportData])).toEqual(["1:a"]);
    await expect(session.recvOutput()).rejects.toMatchObject({
      code: "PIPELINE_ERROR",
      nodeId: "tally",
      details: { sequence: 1 },
    });
    expect(namesOf([(await session.recvOutput()) as TransportData])).toEqual(["2:b"]);
    expect(events.filter(({ type }) => type === "nodeError")).toMatchObject([
      { sessionId: session.sessionId, error: { nodeId: "tally" } },
    ]);
  });

  it("wait in a pause and go on with what waited", async () => {
    const { clock, manager } = world();
    const session = await manager.create(manifest());
    await session.pause();
    await session.sendInput(text("a"));
    await settled(clock);
    expect(session.metrics()).toMatchObject({ framesOut: 0, queuedInputs: 1 });
    await session.resume();
    expect(namesOf([(await session.recvOutput()) as TransportData])).toEqual(["1:a"]);
  });

  it("take another manifest without losing peers or inputs", async () => {
    const { clock, manager, open } = world();
    const session = await manager.create(manifest({ mark: "old " }));
    session.attachPeer("alice");
    const reading = readToEnd(session);
    for (const name of ["a", "b"]) await session.receive("alice", text(name));
    const changing = session.reconfigure(manifest({ mark: "new " }));
    for (const name of ["c", "d"]) await session.receive("alice", text(name));
    await clock.until(changing);
    await session.receive("alice", text("e"));
    await clock.until(session.close());
    const names = namesOf(await reading);
    expect(names.map((name) => name.slice(-1)).filter((name) => /[a-e]/.test(name))).toEqual([
      "a",
      "b",
      "c",
      "d",
      "e",
    ]);
    expect(names.at(-1)).toMatch(/^new total/);
    expect(names).toContainEqual(expect.stringMatching(/^old total/));
    expect(session.peers).toEqual(["alice"]);
    await expect(session.reconfigure({ version: "v1" })).rejects.toMatchObject({ code: "SESSION_CLOSED" });
    expect(open.size).toBe(0);
  });

  it("stay as they are when the other manifest has faults", async () => {
    const { manager } = world();
    await expect(manager.create({ version: "v1", nodes: [] })).rejects.toMatchObject({
      code: "INVALID_MANIFEST",
    });
    const session = await manager.create(manifest());
    await expect(session.reconfigure(manifest({ workMs: "much" }))).rejects.toMatchObject({
      code: "INVALID_MANIFEST",
    });
    await session.sendInput(text("a"));
    expect(namesOf([(await session.recvOutput()) as TransportData])).toEqual(["1:a"]);
  });

  it("end within a second when they are terminated in the middle of their work", async () => {
    const { clock, manager, open } = world();
    const session = await manager.create(manifest({ workMs: 10_000 }));
    for (let i = 0; i < 5; i++) await session.sendInput(text(`${i}`));
    await clock.until(manager.terminate(session.sessionId));
    expect(clock.now()).toBeLessThanOrEqual(1_000);
    expect(await session.recvOutput()).toBeNull();
    await clock.run(20_000);
    expect(open.size).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it("leave nothing when 1000 of them have been opened and ended", async () => {
    const { clock, manager, open } = world(64);
    const ended: Promise<unknown>[] = [];
    for (let i = 0; i < 1_000; i++) {
      const session = await manager.create(manifest());
      session.attachPeer("alice");
      void session.receive("alice", text("t"));
      const end = i % 3 === 0 ? session.abort() : session.close();
      if (i % 50 === 0) await clock.until(end);
      else ended.push(end);
      if (ended.length >= 40) await clock.until(Promise.all(ended.splice(0)));
    }
    await clock.until(Promise.all(ended));
    expect(manager.list()).toEqual([]);
    expect([...open]).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it("make equal outputs of a recording that is played", async () => {
    const { clock, manager } = world();
    const chunks: Uint8Array[] = [];
    const original = await manager.create(manifest());
    original.attachPeer("alice");
    const outputs = readToEnd(original);
    original.record((chunk) => chunks.push(chunk));
    for (let i = 0; i < 20; i++) {
      await original.receive("alice", i % 4 === 0 ? text(`${i}`) : audio(20, i / 100));
      await clock.run(20);
    }
    await clock.until(original.close());
    const recording = readRecording(joined(chunks));
    const replayed = await manager.create((await recording.header()).manifest);
    const again = readToEnd(replayed);
    expect(await clock.until(replaySession(replayed, recording, { clock }))).toBe(20);
    await clock.until(replayed.close());
    const inSession = ({ data, sequence, metadata }: TransportData): unknown => [
      data,
      sequence,
      metadata["source_peer"],
      metadata["output_id"],
    ];
    expect((await again).map(inSession)).toEqual((await outputs).map(inSession));
    expect(await again).toHaveLength(21);
  });
});
