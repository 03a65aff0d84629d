import { describe, expect, it } from "vitest";
import { TransportError } from "../../src/errors/errors.ts";
import type { TransportData } from "../../src/runtime/data.ts";
import { audio, nameOf, namesOf, openSession, settled, text } from "./session-fakes.ts";
import type { FakePipeline } from "./session-fakes.ts";

const FAILED = new TransportError("PIPELINE_ERROR", "failed", { nodeId: "n" });

function emitTexts(pipeline: FakePipeline, count: number): (void | Promise<void>)[] {
  return Array.from({ length: count }, (_, i) => pipeline.emit("out", text(`${i}`).data));
}

async function read(session: { recvOutput(): Promise<TransportData | null> }, count: number) {
  const names: (string | null)[] = [];
  for (let i = 0; i < count; i++) {
    const output = await session.recvOutput().catch((error: TransportError) => error.code);
    names.push(typeof output === "object" && output !== null ? nameOf(output) : output);
  }
  return names;
}

describe("reading the outputs of a StreamSession", () => {
  it("yields everything from the beginning while no peer is attached", async () => {
    const { session, pipeline } = await openSession();
    void emitTexts(pipeline, 3);
    expect(await read(session, 3)).toEqual(["0", "1", "2"]);
    const next = session.recvOutput();
    void pipeline.emit("out", text("later").data);
    expect((await next)?.metadata).toEqual({ output_id: "out", session_id: "s1" });
  });

  it("makes the pipeline wait beyond 64 outputs that are not read", async () => {
    const { session, pipeline } = await openSession();
    const waits = emitTexts(pipeline, 65);
    expect(waits.map((wait) => wait === undefined).indexOf(false)).toBe(64);
    await read(session, 1);
    await waits[64];
    expect(session.metrics().queuedOutputs).toBe(64);
  });

  it("drops the oldest media beyond 64 outputs, counted, and no text", async () => {
    const { session, pipeline } = await openSession();
    void pipeline.emit("out", text("t").data);
    const waits = Array.from({ length: 70 }, (_, i) => pipeline.emit("out", audio(1, i / 100).data));
    expect(waits.every((wait) => wait === undefined)).toBe(true);
    expect(await read(session, 2)).toEqual(["t", "a0.07"]);
    expect(session.metrics().drops.full).toBe(7);
  });

  it("rejects once with the error of a node, in its place, and goes on", async () => {
    const { session, pipeline, events } = await openSession();
    void pipeline.emit("out", text("1").data);
    pipeline.listener.onError(FAILED);
    void pipeline.emit("out", text("2").data);
    expect(await read(session, 3)).toEqual(["1", "PIPELINE_ERROR", "2"]);
    const next = session.recvOutput();
    pipeline.listener.onError(FAILED);
    await expect(next).rejects.toBe(FAILED);
    expect(session.metrics().errors).toBe(2);
    expect(events.filter(({ type }) => type === "nodeError")).toHaveLength(2);
  });

  it("keeps 16 errors that nobody reads", async () => {
    const { session, pipeline } = await openSession();
    for (let i = 0; i < 20; i++) pipeline.listener.onError(FAILED);
    void pipeline.emit("out", text("1").data);
    expect((await read(session, 17)).indexOf("1")).toBe(16);
    expect(session.metrics().errors).toBe(20);
  });

  it("passes over errors in an iteration, and ends with the session", async () => {
    const { session, pipeline, clock } = await openSession();
    const names: string[] = [];
    const reading = (async () => {
      for await (const output of session.outputs()) names.push(nameOf(output));
    })();
    void pipeline.emit("out", text("1").data);
    pipeline.listener.onError(FAILED);
    void pipeline.emit("out", text("2").data);
    await settled(clock);
    await session.close();
    await reading;
    expect(names).toEqual(["1", "2"]);
  });

  it("shares outputs among iterations, and takes none for one that has been left", async () => {
    const { session, pipeline } = await openSession();
    const [a, b] = [session.outputs(), session.outputs()];
    const [first, second] = [a.next(), b.next()];
    await a.return?.();
    expect((await first).done).toBe(true);
    void pipeline.emit("out", text("1").data);
    expect(nameOf((await second).value as TransportData)).toBe("1");
    expect((await a.next()).done).toBe(true);
  });

  it("keeps nothing, and holds nothing back, where outputs go to peers and nobody reads", async () => {
    const { session, pipeline, clock, deliveries } = await openSession();
    const early = emitTexts(pipeline, 66);
    session.attachPeer("alice");
    await Promise.all(early);
    for (let i = 0; i < 200; i++) {
      void pipeline.emit("out", text(`${i}`).data);
      await settled(clock);
    }
    expect(deliveries).toHaveLength(200);
    expect(session.metrics()).toMatchObject({ queuedOutputs: 66, framesDropped: 0 });
  });

  it("gives the program what peers get too from when it reads on, until it stops", async () => {
    const { session, pipeline, deliveries } = await openSession();
    session.attachPeer("alice");
    void pipeline.emit("out", text("unread").data);
    const outputs = session.outputs();
    void pipeline.emit("out", text("read").data);
    expect(nameOf((await outputs.next()).value as TransportData)).toBe("read");
    await outputs.return?.();
    void pipeline.emit("out", text("unread again").data);
    expect(namesOf(deliveries)).toEqual(["unread", "read", "unread again"]);
    expect(session.metrics().queuedOutputs).toBe(0);
  });

  it("counts no output as unrouted that the program reads", async () => {
    const { session, pipeline } = await openSession();
    session.attachPeer("alice");
    session.configureSelectiveRouting([]);
    const next = session.recvOutput();
    void pipeline.emit("out", text("1").data);
    expect(nameOf((await next) as TransportData)).toBe("1");
    expect(session.metrics().drops.unrouted).toBe(0);
  });
});
