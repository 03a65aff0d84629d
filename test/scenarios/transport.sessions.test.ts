// Pipelines over live peers: what each sends goes through nodes, and what comes out goes where it belongs.
import { beforeAll, describe, expect, it } from "vitest";
import type { WebRtcTransportOptions } from "../../src/config/config.ts";
import type { RuntimeData } from "../../src/runtime/data.ts";
import type { SessionEvent } from "../../src/session/session-events.ts";
import type { WebRtcTransport } from "../../src/transport/webrtc-transport.ts";
import { loadPipelines } from "../../src/transport/load-pipelines.ts";
import { powerAt, tone } from "../interop/tones.ts";
import { closeEachWorld, open, rejection, world } from "./transport-world.ts";

closeEachWorld();
// What is loaded on demand takes real time, and none of the world's.
beforeAll(() => loadPipelines());

const CALCULATOR = {
  version: "v1",
  metadata: { name: "calculator" },
  nodes: [{ id: "calc", node_type: "Calculator" }],
};
const task = (operation: string, operands: number[]): RuntimeData => ({
  type: "json",
  value: { operation, operands },
});

async function room(
  ids: readonly string[],
  options: Record<string, WebRtcTransportOptions> = {},
): Promise<WebRtcTransport[]> {
  open();
  const transports = ids.map((id) => world.transport(id, options[id] ?? {}));
  for (const transport of transports) await world.clock.until(transport.start());
  await world.clock.run(1_000);
  return transports;
}

function answersOf(transport: WebRtcTransport): unknown[] {
  const answers: unknown[] = [];
  transport.on("data", ({ data }) => void (data.type === "json" && answers.push(data.value)));
  return answers;
}

function eventsOf(transport: WebRtcTransport): SessionEvent[] {
  const events: SessionEvent[] = [];
  transport.on("sessionEvent", (event) => events.push(event));
  return events;
}

describe("a session over the data channel", () => {
  it("A14: calculates for whoever asks, and survives a division by 0", async () => {
    const [alice, bob, carol] = (await room(["alice", "bob", "carol"])) as [
      WebRtcTransport,
      WebRtcTransport,
      WebRtcTransport,
    ];
    const session = await world.clock.until(bob.stream(CALCULATOR));
    session.setRouting("unicast");
    const events = eventsOf(bob);
    const [toAlice, toCarol] = [answersOf(alice), answersOf(carol)];
    await world.clock.until(alice.sendToPeer("bob", task("add", [2, 40])));
    await world.clock.until(alice.sendToPeer("bob", task("divide", [1, 0])));
    await world.clock.until(carol.sendToPeer("bob", task("multiply", [6, 7])));
    await world.clock.run(500);
    expect(toAlice).toEqual([{ result: 42, operation: "add" }]);
    expect(toCarol).toEqual([{ result: 42, operation: "multiply" }]);
    const errors = events.flatMap((event) => (event.type === "nodeError" ? [event.error] : []));
    expect(errors.map(({ code, nodeId }) => [code, nodeId])).toEqual([["PIPELINE_ERROR", "calc"]]);
    await world.clock.until(session.close());
  });

  it("takes peers that come, and lets go those that leave", async () => {
    const [bob] = (await room(["bob"])) as [WebRtcTransport];
    const session = await world.clock.until(bob.stream(CALCULATOR));
    const named = await world.clock.until(bob.stream(CALCULATOR, { peers: [] }));
    expect(session.peers).toEqual([]);
    const alice = world.transport("alice");
    await world.clock.until(alice.start());
    await world.clock.run(1_000);
    expect(session.peers).toEqual(["alice"]);
    expect(named.peers).toEqual([]);
    await world.clock.until(alice.shutdown());
    await world.clock.run(200);
    expect(session.peers).toEqual([]);
    expect(bob.listSessions().map(({ sessionId }) => sessionId)).toEqual([
      session.sessionId,
      named.sessionId,
    ]);
    await world.clock.until(bob.shutdown());
    expect(session.state).toBe("closed");
  });

  it("is found by its id, ends with its unshared peers, and is not found afterwards", async () => {
    const [alice, bob] = (await room(["alice", "bob"], { bob: { maxSessions: 1 } })) as [
      WebRtcTransport,
      WebRtcTransport,
    ];
    const id = await world.clock.until(bob.createSession(CALCULATOR));
    expect(bob.getSession(id).isActive()).toBe(true);
    expect(await rejection(bob.stream(CALCULATOR))).toBe("SESSION_CREATION_FAILED");
    await world.clock.until(bob.terminateSession(id));
    expect(() => bob.getSession(id)).toThrow(/no session/);
    await world.clock.run(200);
    expect(alice.listPeers()).toEqual([]);
  });

  it("keeps the peers when asked to", async () => {
    const [alice, bob] = (await room(["alice", "bob"])) as [WebRtcTransport, WebRtcTransport];
    const id = await world.clock.until(bob.createSession(CALCULATOR));
    await world.clock.until(bob.terminateSession(id, { closePeers: false }));
    expect(await rejection(bob.terminateSession(id))).toBe("SESSION_NOT_FOUND");
    expect(alice.listPeers()).toHaveLength(1);
  });

  it("A16: is paused and changed from afar by those who may, and by nobody else", async () => {
    const authorizeControl = (peerId: string): boolean => peerId === "alice";
    const [alice, bob, carol] = (await room(["alice", "bob", "carol"], { bob: { authorizeControl } })) as [
      WebRtcTransport,
      WebRtcTransport,
      WebRtcTransport,
    ];
    const session = await world.clock.until(bob.stream(CALCULATOR));
    const { sessionId } = session;
    const ask = (from: WebRtcTransport, action: Parameters<WebRtcTransport["sendControl"]>[1]) =>
      world.clock.until(from.sendControl("bob", action));
    expect(await ask(carol, { type: "pause", sessionId })).toMatchObject({
      ok: false,
      error: { code: "UNAUTHORIZED" },
    });
    expect(await ask(alice, { type: "pause", sessionId })).toMatchObject({ ok: true });
    expect(session.state).toBe("paused");
    expect(await ask(alice, { type: "resume", sessionId })).toMatchObject({ ok: true });
    const manifest = { ...CALCULATOR, nodes: [{ id: "same", node_type: "PassThrough" }] };
    expect(await ask(alice, { type: "reconfigure", sessionId, manifest })).toMatchObject({ ok: true });
    expect(await ask(alice, { type: "getStatus", sessionId })).toMatchObject({
      state: "active",
      activeNodes: ["same"],
    });
    const bad = { ...CALCULATOR, nodes: [{ id: "gain", node_type: "Gain", params: { gain_db: 99 } }] };
    expect(await ask(alice, { type: "reconfigure", sessionId, manifest: bad })).toMatchObject({
      ok: false,
      error: { code: "INVALID_MANIFEST" },
    });
  });
});

describe("a session over live audio", () => {
  it.each([false, true])("mixes for each listener all but itself, aligned: %s", async (aligned) => {
    const ids = ["alice", "bob", "carol", "mixer"];
    const transports = await room(
      ids,
      Object.fromEntries(ids.map((id) => [id, { audio: { application: "audio" } }])),
    );
    const mixer = transports[3] as WebRtcTransport;
    const manifest = `
version: v1
metadata: { name: conference }
nodes: [{ id: mix, node_type: AudioMixer }]
`;
    await world.clock.until(mixer.stream(manifest, { audio: { aligned } }));
    const pitches = [440, 880, 1_320];
    const heard = transports.slice(0, 3).map((transport) => {
      const samples: Float32Array[] = [];
      void (async () => {
        for await (const frame of transport.frames({ peerId: "mixer" })) samples.push(frame.samples);
      })();
      return samples;
    });
    for (let index = 0; index < 200; index++) {
      for (const [at, hz] of pitches.entries()) {
        const data: RuntimeData = {
          type: "audio",
          samples: tone(hz, index),
          sampleRate: 48_000,
          channels: 1,
        };
        void transports[at]?.sendToPeer("mixer", data).catch(() => undefined);
      }
      await world.clock.run(20);
    }
    for (const [at, blocks] of heard.entries()) {
      const powers = powerAt(joined(blocks.slice(-50, -20)), pitches);
      const own = powers[pitches[at] as number] as number;
      const others = pitches.filter((_, index) => index !== at).map((hz) => powers[hz] as number);
      for (const power of others) expect(10 * Math.log10(power / own), `listener ${at}`).toBeGreaterThan(25);
    }
  });
});

describe("pipelines without peers", () => {
  it("D9, D10: refuse a manifest with all its faults", async () => {
    const [bob] = (await room(["bob"])) as [WebRtcTransport];
    const bad = {
      version: "v1",
      metadata: { name: "bad" },
      nodes: [
        { id: "gain", node_type: "Gain", params: { gain_db: 99, volume: 1 } },
        { id: "gain", node_type: "Nonsense" },
      ],
    };
    const error = await world.clock.until(bob.stream(bad).catch((fault: unknown) => fault));
    const { issues } = (error as { details: { issues: { code: string }[] } }).details;
    expect(issues.map(({ code }) => code).sort()).toEqual([
      "BAD_PARAM",
      "DUPLICATE_ID",
      "UNKNOWN_NODE_TYPE",
      "UNKNOWN_PARAM",
    ]);
  });

  it("run one input, or many, and go on after the error of a node", async () => {
    const [bob] = (await room(["bob"])) as [WebRtcTransport];
    bob.registerNode({
      type: "Shout",
      description: "Text in capitals.",
      schema: { type: "object", properties: {} },
      accepts: ["text"],
      emits: ["text"],
      create: () => ({
        async process({ data, ...rest }, emit) {
          if (data.type === "text") await emit({ ...rest, data: { ...data, text: data.text.toUpperCase() } });
        },
      }),
    });
    const shout = { ...CALCULATOR, nodes: [{ id: "shout", node_type: "Shout" }] };
    const output = await world.clock.until(bob.execute(shout, { type: "text", text: "hello" }));
    expect(output).toMatchObject({ data: { text: "HELLO" }, metadata: { output_id: "shout" } });
    expect(await rejection(bob.executeUnary(CALCULATOR, task("divide", [1, 0])))).toBe("PIPELINE_ERROR");
    const stream = bob.executeStreaming(CALCULATOR, [
      task("add", [1, 1]),
      task("divide", [1, 0]),
      task("add", [2, 2]),
    ]);
    const results: unknown[] = [];
    for (let done = false; !done;) {
      try {
        const next = await world.clock.until(stream.next());
        done = next.done === true;
        if (!done) results.push((next.value as { data: { value: unknown } }).data.value);
      } catch (error) {
        results.push((error as { code: string }).code);
      }
    }
    expect(results).toEqual([
      { result: 2, operation: "add" },
      "PIPELINE_ERROR",
      { result: 4, operation: "add" },
    ]);
  });

  it("need a transport that runs", async () => {
    open();
    const bob = world.transport("bob");
    expect(await rejection(bob.execute(CALCULATOR, task("add", [1, 1])))).toBe("NOT_STARTED");
    await world.clock.until(bob.start());
    await world.clock.until(bob.shutdown());
    expect(await rejection(bob.stream(CALCULATOR))).toBe("ALREADY_SHUTDOWN");
  });
});

function joined(blocks: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(blocks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const block of blocks) {
    all.set(block, at);
    at += block.length;
  }
  return all;
}
