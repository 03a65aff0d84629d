// How data goes through a graph: order, fan-out and fan-in, outputs by id, back-pressure, the end.
import { describe, expect, it } from "vitest";
import type { NodeFactory } from "../../src/pipeline/node.ts";
import type { TransportData } from "../../src/runtime/data.ts";
import { factory, gate, manifest, open, simple, text, textOf, turns, withText, world } from "./pipelines.ts";

/** Adds the id of the node to a text. */
const mark: NodeFactory = factory("Mark", ({ nodeId }) => ({
  process: (input, emit) => emit(withText(input, `${textOf(input)}${nodeId}`)),
}));

/** Emits the node's id at the end. */
const last: NodeFactory = factory("Last", ({ nodeId }) => ({
  process: (input, emit) => void emit(input),
  flush: (emit) => emit(text(99, `flush-${nodeId}`)),
}));

describe("data in a graph", () => {
  it("goes down a chain in order, with sequence and metadata, and names the node it comes from", async () => {
    const { runner } = world([mark]);
    const { execution, outputs } = await open(runner, manifest("a:Mark; b:Mark; c:Mark; a > b > c"));
    for (let n = 0; n < 40; n++) await execution.send({ ...text(n), metadata: { source_peer: "bob" } });
    await execution.close();
    expect(outputs.map(textOf)).toEqual(Array.from({ length: 40 }, (_, n) => `${n}abc`));
    expect(outputs[7]).toMatchObject({ sequence: 7, metadata: { source_peer: "bob", output_id: "c" } });
  });

  it("goes both ways around a diamond and comes together by arrival", async () => {
    const { runner } = world([mark]);
    const { execution, outputs } = await open(
      runner,
      manifest("a:Mark; b:Mark; c:Mark; d:Mark; a > b > d; a > c > d"),
    );
    for (let n = 0; n < 3; n++) await execution.send(text(n));
    await execution.close();
    expect(outputs.map(textOf).sort()).toEqual(["0abd", "0acd", "1abd", "1acd", "2abd", "2acd"]);
    for (const branch of ["b", "c"]) {
      const ofBranch = outputs.map(textOf).filter((word) => word.includes(branch));
      expect(ofBranch).toEqual([0, 1, 2].map((n) => `${n}a${branch}d`));
    }
  });

  it("is the same object for all that follow a node, and for those who begin", async () => {
    const seen: TransportData[] = [];
    const see = simple("See", (input) => void seen.push(input));
    const { runner } = world([see]);
    const { execution } = await open(runner, manifest("a:PassThrough; b:See; c:See; d:See; a > b; a > c"));
    const input = text(0);
    await execution.send(input);
    await execution.close();
    expect(seen).toHaveLength(3);
    expect(seen.every((each) => each === input)).toBe(true);
  });

  it("fans in in the order of arrival, not of the manifest", async () => {
    const slow = gate();
    const wait = simple("Wait", async (input, emit) => {
      await slow.opened;
      await emit(withText(input, "slow"));
    });
    const { runner } = world([mark, wait]);
    const { execution, outputs } = await open(
      runner,
      manifest("a:Wait; b:Mark; c:PassThrough; a > c; b > c"),
    );
    await execution.send(text(0, "fast"));
    await execution.send(text(1, "fast"));
    await turns(20);
    slow.open();
    await execution.close();
    expect(outputs.map(textOf)).toEqual(["fastb", "fastb", "slow", "slow"]);
  });

  it("comes out of every sink under its own id", async () => {
    const { runner } = world([mark]);
    const { execution, outputs } = await open(runner, manifest("a:Mark; b:Mark; c:Mark; a > b; a > c"));
    await execution.send(text(0, ""));
    await execution.close();
    const byId = new Map(outputs.map((output) => [output.metadata.output_id, textOf(output)]));
    expect(byId).toEqual(
      new Map([
        ["b", "ab"],
        ["c", "ac"],
      ]),
    );
  });

  it("D8: comes out of an output node although others follow it", async () => {
    const { runner } = world([mark]);
    const { execution, outputs } = await open(
      runner,
      manifest("a:Mark; b:Mark; a > b", { a: { is_output_node: true } }),
    );
    await execution.send(text(0, ""));
    await execution.close();
    expect(outputs.map((output) => [output.metadata.output_id, textOf(output)])).toEqual([
      ["a", "a"],
      ["b", "ab"],
    ]);
  });

  it("does not go to nodes that do not accept its kind, and is counted where nobody does", async () => {
    const both = simple("Both", (input, emit) => {
      void emit(input);
      void emit({ data: { type: "json", value: 1 }, metadata: {} });
      void emit({ data: { type: "binary", data: new Uint8Array(1) }, metadata: {} });
    });
    const { runner } = world([
      both,
      simple("Texts", (input, emit) => void emit(input), { accepts: ["text"] }),
      simple("Jsons", (input, emit) => void emit(input), { accepts: ["json"] }),
    ]);
    const { execution, outputs } = await open(runner, manifest("a:Both; b:Texts; c:Jsons; a > b; a > c"));
    await execution.send(text(0));
    await execution.close();
    expect(outputs.map(({ data, metadata }) => `${metadata.output_id}:${data.type}`)).toEqual([
      "b:text",
      "c:json",
    ]);
    expect(execution.metrics().nodes.a).toMatchObject({ outputs: 3, unrouted: 1 });
  });

  it("is refused when no first node accepts its kind", async () => {
    const { runner } = world([simple("Texts", () => undefined, { accepts: ["text", "json"] })]);
    const { execution } = await open(runner, manifest("a:Texts"));
    await expect(
      execution.send({ data: { type: "binary", data: new Uint8Array(1) }, metadata: {} }),
    ).rejects.toMatchObject({
      code: "INVALID_DATA",
      message: expect.stringMatching(/binary.*text, json/) as string,
    });
    await expect(execution.send({ type: "text" } as never)).rejects.toMatchObject({ code: "INVALID_DATA" });
    await execution.close();
  });

  it("passes 1000 outputs of one input whether the node waits for emit or not, before the next input", async () => {
    const order: string[] = [];
    const many = simple("Many", async (input, emit) => {
      order.push(`in${textOf(input)}`);
      for (let n = 0; n < 1000; n++) {
        const emitted = emit(withText(input, `${textOf(input)}.${n}`));
        if (input.sequence === 0) await emitted;
      }
    });
    const { runner } = world([many]);
    const { execution, outputs } = await open(runner, manifest("a:Many; b:PassThrough; a > b"));
    for (let n = 0; n < 2; n++) await execution.send(text(n));
    await execution.close();
    expect(outputs.map(textOf)).toEqual(
      [0, 1].flatMap((n) => Array.from({ length: 1000 }, (_, m) => `${n}.${m}`)),
    );
    expect(order).toEqual(["in0", "in1"]);
  });
});

describe("back-pressure", () => {
  it("D18: holds inputs back behind a slow consumer and drops nothing on either branch", async () => {
    const consumer = gate();
    const { runner } = world([mark]);
    const outputs: string[] = [];
    const execution = await runner.open(manifest("a:Mark; b:Mark; c:Mark; a > b; a > c"), {
      onOutput: async (output) => {
        if (output.metadata.output_id === "c") await consumer.opened;
        outputs.push(textOf(output));
      },
      onError: () => undefined,
    });
    let sent = 0;
    const sending = (async () => {
      for (; sent < 200; sent++) await execution.send(text(sent));
    })();
    await turns(2_000);
    // At c: one at work, 16 in its queue; at a: one that waits to be taken by c, and 16 more; the next one waits in send().
    expect(sent).toBe(34);
    expect(outputs.filter((word) => word.endsWith("b"))).toHaveLength(18);
    consumer.open();
    await sending;
    await execution.close();
    for (const id of ["b", "c"]) {
      expect(outputs.filter((word) => word.endsWith(id))).toEqual(
        Array.from({ length: 200 }, (_, n) => `${n}a${id}`),
      );
    }
    const { nodes } = execution.metrics();
    expect(
      Object.values(nodes).map(({ dropped, skipped, unrouted, late }) => dropped + skipped + unrouted + late),
    ).toEqual([0, 0, 0]);
  });

  it("does not count against a node's time", async () => {
    const consumer = gate();
    const { runner, clock } = world([simple("Slow", async (input, emit) => emit(input))]);
    const errors: unknown[] = [];
    const execution = await runner.open(manifest("a:Slow", { a: { execution: { timeout_ms: 100 } } }), {
      onOutput: () => consumer.opened,
      onError: (error) => void errors.push(error),
    });
    await execution.send(text(0));
    await clock.run(10_000);
    consumer.open();
    await clock.run(1_000);
    expect(errors).toEqual([]);
    expect(execution.metrics().nodes.a?.latencyMs).toBe(0);
    await execution.close();
  });

  it("holds a node back until somebody who is told of its error comes back", async () => {
    const told = gate();
    const { runner } = world([
      simple("Fail", () => {
        throw new Error("no");
      }),
    ]);
    const execution = await runner.open(manifest("a:Fail"), {
      onOutput: () => undefined,
      onError: () => told.opened,
    });
    await execution.send(text(0));
    await execution.send(text(1));
    await turns(100);
    expect(execution.metrics().nodes.a).toMatchObject({ inputs: 1, queued: 1 });
    told.open();
    await execution.close();
    expect(execution.metrics().nodes.a).toMatchObject({ inputs: 2, errors: 2 });
  });
});

describe("closing", () => {
  it("works off what waits and flushes in graph order, with outputs running on through the rest", async () => {
    const { runner } = world([last]);
    const { execution, outputs } = await open(runner, manifest("c:Last; b:Last; a:Last; a > b > c"));
    for (let n = 0; n < 5; n++) await execution.send(text(n));
    await execution.close();
    expect(outputs.map(textOf)).toEqual(["0", "1", "2", "3", "4", "flush-a", "flush-b", "flush-c"]);
  });

  it("closes every node once, however often it is asked", async () => {
    const closed: string[] = [];
    const counting = factory("Count", ({ nodeId }) => ({
      process: () => undefined,
      close: () => void closed.push(nodeId),
    }));
    const { runner, clock } = world([counting]);
    const { execution } = await open(runner, manifest("a:Count; b:Count; a > b"));
    await Promise.all([execution.close(), execution.close()]);
    await execution.close();
    await execution.abort();
    expect(closed).toEqual(["a", "b"]);
    expect(clock.pending).toBe(0);
    await expect(execution.send(text(0))).rejects.toMatchObject({ code: "SESSION_CLOSED" });
    await expect(execution.reconfigure(runner.validate(manifest("a:Count")))).rejects.toMatchObject({
      code: "SESSION_CLOSED",
    });
  });

  it("tells what a flush or a close throws, and goes on", async () => {
    const bad = factory("Bad", () => ({
      process: (input, emit) => void emit(input),
      flush: () => Promise.reject(new Error("flush")),
      close: () => {
        throw new Error("close");
      },
    }));
    const { runner } = world([bad]);
    const { execution, outputs, errors } = await open(runner, manifest("a:Bad; b:Bad; a > b"));
    await execution.send(text(0));
    await execution.close();
    expect(outputs).toHaveLength(1);
    expect(
      errors.map(({ code, nodeId, message }) => `${code} ${nodeId} ${/flush|close/.exec(message)?.[0]}`),
    ).toEqual([
      "PIPELINE_ERROR a flush",
      "PIPELINE_ERROR b flush",
      "PIPELINE_ERROR a close",
      "PIPELINE_ERROR b close",
    ]);
  });

  it("is cut off after 30 s, and says so", async () => {
    const { runner, clock } = world();
    const errors: string[] = [];
    const execution = await runner.open(manifest("a:PassThrough"), {
      onOutput: () => new Promise(() => undefined),
      onError: ({ code }) => void errors.push(code),
    });
    await execution.send(text(0));
    const closing = execution.close();
    await clock.run(29_999);
    expect(errors).toEqual([]);
    await clock.until(closing, 1_000);
    expect(errors).toEqual(["OPERATION_TIMEOUT"]);
    expect(clock.pending).toBe(0);
  });
});

describe("aborting", () => {
  it("signals nodes, drops and counts what waits, and closes nodes", async () => {
    const reasons: unknown[] = [];
    const closed: string[] = [];
    const obedient = factory("Obedient", ({ nodeId }) => ({
      process: (_input, _emit, signal) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => {
            reasons.push(signal.reason);
            reject(new Error("aborted"));
          });
        }),
      close: () => void closed.push(nodeId),
    }));
    const { runner, clock } = world([obedient]);
    const { execution, errors } = await open(runner, manifest("a:Obedient"));
    for (let n = 0; n < 5; n++) await execution.send(text(n));
    await execution.abort("enough");
    expect(reasons).toEqual(["enough"]);
    expect(closed).toEqual(["a"]);
    expect(execution.metrics().nodes.a).toMatchObject({ inputs: 1, dropped: 4, queued: 0 });
    expect(errors).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it("ends within a second though nodes, outputs and errors hang for ever, and refuses what waits", async () => {
    const never = (): Promise<never> => new Promise(() => undefined);
    const hanging = factory("Hang", () => ({ process: never, close: never }));
    const failing = simple("Fail", () => Promise.reject(new Error("no")));
    const { runner, clock } = world([hanging, failing]);
    const execution = await runner.open(manifest("a:Hang; b:PassThrough; c:Fail"), {
      onOutput: never,
      onError: never,
    });
    await Promise.all(Array.from({ length: 16 }, (_, n) => execution.send(text(n))));
    const waiting = Array.from({ length: 3 }, (_, n) => execution.send(text(16 + n)));
    const refused = Promise.allSettled(waiting);
    const startMs = clock.now();
    await clock.until(Promise.all([execution.abort(), execution.close()]), 5_000);
    expect(clock.now() - startMs).toBeLessThanOrEqual(1_000);
    expect((await refused).filter(({ status }) => status === "rejected").length).toBeGreaterThan(0);
  });

  it("cuts a close short", async () => {
    const { runner, clock } = world([simple("Hang", () => new Promise(() => undefined))]);
    const { execution } = await open(runner, manifest("a:Hang"));
    await execution.send(text(0));
    const closing = execution.close();
    await clock.run(500);
    void execution.abort();
    await clock.until(closing, 1_000);
    expect(clock.now()).toBeLessThanOrEqual(1_500);
  });
});
