// A pipeline that goes on as another one: what is kept, what is flushed, and that nothing is lost.
import { describe, expect, it } from "vitest";
import { factory, gate, manifest, open, simple, text, textOf, turns, withText, world } from "./pipelines.ts";

/** Nodes that note when they are made and closed. */
function noted(): { events: string[]; node: ReturnType<typeof factory> } {
  const events: string[] = [];
  const node = factory(
    "Noted",
    ({ nodeId, params }) => {
      events.push(`create ${nodeId}`);
      let count = 0;
      return {
        process: (input, emit) =>
          emit(withText(input, `${textOf(input)} ${nodeId}${params.word as string}${++count}`)),
        flush: (emit) => emit(text(99, `flush-${nodeId}`)),
        close: () => void events.push(`close ${nodeId}`),
      };
    },
    {
      schema: { type: "object", properties: { word: { type: "string", default: "-", description: "Any." } } },
    },
  );
  return { events, node };
}

describe("a pipeline that is reconfigured", () => {
  it("keeps nodes whose id, type and parameters stay the same, with all they hold", async () => {
    const { events, node } = noted();
    const { runner } = world([node]);
    const { execution, outputs } = await open(runner, manifest("a:Noted; b:Noted; a > b"));
    await execution.send(text(0));
    await execution.reconfigure(
      runner.validate(manifest("a:Noted; c:Noted; a > c", { c: { params: { word: "+" } } })),
    );
    await execution.send(text(1));
    await execution.close();
    expect(outputs.map(textOf)).toEqual(["0 a-1 b-1", "flush-b", "1 a-2 c+1", "flush-a c+2", "flush-c"]);
    expect(events).toEqual(["create a", "create b", "create c", "close b", "close a", "close c"]);
  });

  it("makes a node anew whose parameters or type have changed", async () => {
    const { events, node } = noted();
    const { runner } = world([node]);
    const { execution } = await open(runner, manifest("a:Noted; b:Noted"));
    await execution.reconfigure(
      runner.validate(manifest("a:Noted; b:PassThrough", { a: { params: { word: "x" } } })),
    );
    expect(events).toEqual(["create a", "create b", "create a", "close a", "close b"]);
    await execution.close();
  });

  it("loses nothing and doubles nothing, with inputs that go on coming", async () => {
    const { node } = noted();
    const { runner } = world([node]);
    const outputs: string[] = [];
    const execution = await runner.open(manifest("a:PassThrough; b:PassThrough; a > b"), {
      onOutput: async (output) => {
        await turns(3);
        outputs.push(textOf(output));
      },
      onError: (error) => {
        throw error;
      },
    });
    const sending = (async () => {
      for (let n = 0; n < 300; n++) await execution.send(text(n));
    })();
    for (const lines of [
      "b:PassThrough",
      "b:PassThrough; c:PassThrough; b > c",
      "a:PassThrough; b:PassThrough; a > b",
    ]) {
      await turns(200);
      await execution.reconfigure(runner.validate(manifest(lines)));
    }
    await sending;
    await execution.close();
    expect(outputs).toEqual(Array.from({ length: 300 }, (_, n) => String(n)));
  });

  it("lets inputs wait in order while the old nodes are drained", async () => {
    const slow = gate();
    const wait = simple("Wait", async (input, emit) => {
      await slow.opened;
      await emit(input);
    });
    const { runner } = world([wait]);
    const { execution, outputs } = await open(runner, manifest("a:Wait"));
    await execution.send(text(0));
    const changing = execution.reconfigure(runner.validate(manifest("b:PassThrough")));
    await turns(20);
    const sending = [1, 2, 3].map((n) => execution.send(text(n)));
    const closing = execution.close();
    await expect(execution.send(text(4))).rejects.toMatchObject({ code: "SESSION_CLOSED" });
    expect(outputs).toEqual([]);
    slow.open();
    await Promise.all([changing, closing, ...sending]);
    expect(outputs.map(({ metadata, sequence }) => `${metadata.output_id}${sequence}`)).toEqual([
      "a0",
      "b1",
      "b2",
      "b3",
    ]);
  });

  it("stays as it was when a new node cannot start", async () => {
    const { events, node } = noted();
    const bad = factory("Bad", () => ({
      init: () => Promise.reject(new Error("no model")),
      process: () => undefined,
    }));
    const { runner } = world([node, bad]);
    const { execution, outputs } = await open(runner, manifest("a:Noted"));
    const next = runner.validate(manifest("a:Noted; b:Noted; c:Bad; a > b > c"));
    await expect(execution.reconfigure(next)).rejects.toMatchObject({ code: "PIPELINE_ERROR", nodeId: "c" });
    expect(events).toEqual(["create a", "create b", "close b"]);
    await execution.send(text(0));
    await turns(20);
    expect(outputs.map(textOf)).toEqual(["0 a-1"]);
    await execution.close();
  });

  it("makes changes one after the other", async () => {
    const { events, node } = noted();
    const { runner } = world([node]);
    const { execution } = await open(runner, manifest("a:Noted"));
    await Promise.all(
      ["b:Noted", "c:Noted"].map((lines) => execution.reconfigure(runner.validate(manifest(lines)))),
    );
    expect(events).toEqual(["create a", "create b", "close a", "create c", "close b"]);
    expect(Object.keys(execution.metrics().nodes)).toEqual(["c"]);
    await execution.close();
  });

  it("closes old and new nodes when it is aborted meanwhile, and refuses what waits", async () => {
    const { events, node } = noted();
    const hang = factory("Hang", () => ({
      process: () => new Promise(() => undefined),
      close: () => void events.push("close hang"),
    }));
    const { runner, clock } = world([node, hang]);
    const { execution } = await open(runner, manifest("a:Hang"));
    await execution.send(text(0));
    const changing = execution.reconfigure(runner.validate(manifest("b:Noted")));
    await turns(20);
    const sending = execution.send(text(1));
    const results = Promise.allSettled([changing, sending]);
    await clock.until(execution.abort(), 1_000);
    expect(
      (await results).map(
        (result) => result.status === "rejected" && (result.reason as { code: string }).code,
      ),
    ).toEqual(["SESSION_CLOSED", "SESSION_CLOSED"]);
    expect(events.sort()).toEqual(["close b", "close hang", "create b"]);
    expect(clock.pending).toBe(0);
  });

  it("takes limits and output flags of the new manifest for nodes that it keeps", async () => {
    const { runner, clock } = world([simple("Hang", () => new Promise(() => undefined))]);
    const { execution, outputs, errors } = await open(runner, manifest("a:PassThrough; b:Hang; a > b"));
    const changes = { a: { is_output_node: true }, b: { execution: { timeout_ms: 10 } } };
    await execution.reconfigure(runner.validate(manifest("a:PassThrough; b:Hang; a > b", changes)));
    await execution.send(text(0));
    await clock.run(200);
    expect(outputs.map(({ metadata }) => metadata.output_id)).toEqual(["a"]);
    expect(errors).toMatchObject([{ code: "NODE_TIMEOUT", details: { timeoutMs: 10 } }]);
    await execution.close();
  });
});
