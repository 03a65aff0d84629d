// One input to one output, and pipelines that stay open: what the caller hears, and that nothing is left behind.
import { describe, expect, it } from "vitest";
import type { TransportError } from "../../src/errors/errors.ts";
import type { RuntimeData } from "../../src/runtime/data.ts";
import type { PipelineNode } from "../../src/pipeline/node.ts";
import { factory, gate, manifest, open, simple, text, textOf, withText, world } from "./pipelines.ts";

const fail = simple("Fail", () => {
  throw new Error("broken");
});
const silent = simple("Silent", () => undefined);
const hang = simple("Hang", () => new Promise(() => undefined));

/** A factory whose nodes are counted. */
function counted(node: Partial<PipelineNode> = {}): {
  alive: () => number;
  made: () => number;
  counting: ReturnType<typeof factory>;
} {
  let made = 0;
  let closed = 0;
  const counting = factory("Counted", () => {
    made++;
    return { process: (input, emit) => void emit(input), ...node, close: () => void closed++ };
  });
  return { made: () => made, alive: () => made - closed, counting };
}

describe("execute", () => {
  it("gives the first output", async () => {
    const { runner } = world();
    const input = { type: "json", value: { operation: "add", operands: [2, 3] } } satisfies RuntimeData;
    const output = await runner.execute(manifest("calc:Calculator"), input);
    expect(output.data).toMatchObject({ type: "json", value: { result: 5 } });
    expect(output.metadata.output_id).toBe("calc");
  });

  it("gives what is flushed at the end", async () => {
    const held = factory("Held", () => {
      let last = text(0);
      return { process: (input) => void (last = input), flush: (emit) => emit(last) };
    });
    const { runner } = world([held]);
    expect(textOf(await runner.execute(manifest("a:Held"), text(3)))).toBe("3");
  });

  it("D7: rejects with a node's error", async () => {
    const { runner } = world([fail]);
    await expect(runner.execute(manifest("a:Fail"), text(7))).rejects.toMatchObject({
      code: "PIPELINE_ERROR",
      nodeId: "a",
      details: { sequence: 7 },
    });
  });

  it.each(["a:Fail; b:PassThrough", "b:PassThrough; a:Fail", "b:PassThrough; a:Fail; b > a"])(
    "D7: rejects with a node's error although another branch had an output (%s)",
    async (lines) => {
      const { runner } = world([fail]);
      const source = manifest(lines, { b: { is_output_node: true } });
      await expect(runner.execute(source, text(0))).rejects.toMatchObject({
        code: "PIPELINE_ERROR",
        nodeId: "a",
      });
    },
  );

  it("D7: rejects when there is no output", async () => {
    const { runner } = world([silent]);
    await expect(runner.execute(manifest("a:Silent"), text(0))).rejects.toMatchObject({
      code: "PIPELINE_ERROR",
      details: { reason: "NO_OUTPUT" },
    });
  });

  it("rejects a manifest, or an input, that is none", async () => {
    const { runner } = world();
    await expect(runner.execute(manifest("a:Nothing"), text(0))).rejects.toMatchObject({
      code: "INVALID_MANIFEST",
    });
    await expect(runner.execute(manifest("a:PassThrough"), {} as never)).rejects.toMatchObject({
      code: "INVALID_DATA",
    });
    await expect(runner.execute(manifest("a:Calculator"), text(0))).rejects.toMatchObject({
      code: "INVALID_DATA",
    });
  });

  it("takes 30 s at most, or as long as it is told, and cleans up", async () => {
    for (const [timeoutMs, expectedMs] of [
      [undefined, 30_000],
      [2_000, 2_000],
    ] as const) {
      const { alive, counting } = counted({ process: () => new Promise(() => undefined) });
      const { runner, clock } = world([counting]);
      const source = manifest("a:Counted", { a: { execution: { timeout_ms: 100_000 } } });
      const running = runner.execute(source, text(0), { timeoutMs });
      await expect(clock.until(running)).rejects.toMatchObject({ code: "OPERATION_TIMEOUT" });
      expect(clock.now()).toBe(expectedMs);
      await clock.run(1_000);
      expect(alive()).toBe(0);
      expect(clock.pending).toBe(0);
    }
  });

  it("may take longer than 30 s to drain when it is told so", async () => {
    const { runner, clock } = world([
      simple("Slow", async (input, emit) => {
        const later = gate();
        clock.setTimer(clock.now() + 60_000, later.open);
        await later.opened;
        await emit(input);
      }),
    ]);
    const source = manifest("a:Slow", { a: { execution: { timeout_ms: 100_000 } } });
    expect(textOf(await clock.until(runner.execute(source, text(1), { timeoutMs: 90_000 })))).toBe("1");
  });

  it("ends when its signal fires, before or meanwhile, and cleans up", async () => {
    const { alive, counting } = counted({ process: () => new Promise(() => undefined) });
    const { runner, clock } = world([counting]);
    const controller = new AbortController();
    const running = runner.execute(manifest("a:Counted"), text(0), { signal: controller.signal });
    const settled = expect(running).rejects.toMatchObject({ code: "ABORTED", cause: "enough" });
    await clock.run(10);
    controller.abort("enough");
    await settled;
    const late = runner.execute(manifest("a:Counted"), text(0), { signal: controller.signal });
    await expect(late).rejects.toMatchObject({ code: "ABORTED" });
    await clock.run(1_000);
    expect(alive()).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it("leaves nothing behind, a thousand times over", async () => {
    const { made, alive, counting } = counted();
    const { runner, clock } = world([counting, fail]);
    const good = manifest("a:Counted; b:Counted; a > b");
    const bad = manifest("a:Counted; b:Fail; a > b");
    for (let n = 0; n < 1_000; n++) {
      const running = runner.execute(n % 10 === 0 ? bad : good, text(n));
      if (n % 10 === 0) await expect(running).rejects.toMatchObject({ nodeId: "b" });
      else expect((await running).sequence).toBe(n);
    }
    expect(made()).toBe(1_900);
    expect(alive()).toBe(0);
    expect(clock.pending).toBe(0);
  });
});

describe("open", () => {
  it("D9: validates, as stream does at once", async () => {
    const { runner } = world();
    const callbacks = { onOutput: () => undefined, onError: () => undefined };
    const circle = manifest("a:PassThrough; b:PassThrough; a > b; b > a");
    await expect(runner.open(circle, callbacks)).rejects.toMatchObject({
      code: "INVALID_MANIFEST",
      details: { issues: [expect.objectContaining({ code: "CYCLE" })] },
    });
    expect(() => runner.stream(circle, [])).toThrow(
      expect.objectContaining({ code: "INVALID_MANIFEST" }) as Error,
    );
  });

  it("tells nodes what they are and where they belong", async () => {
    const contexts: unknown[] = [];
    const { runner, clock } = world([
      factory("Know", ({ nodeId, nodeType, sessionId, params, nowMs }) => {
        contexts.push({ nodeId, nodeType, sessionId, params, now: nowMs() });
        return { process: () => undefined };
      }),
    ]);
    clock.advance(5);
    const callbacks = { onOutput: () => undefined, onError: () => undefined };
    const execution = await runner.open(manifest("a:Know"), { sessionId: "s1", ...callbacks });
    expect(execution.sessionId).toBe("s1");
    expect(contexts).toEqual([{ nodeId: "a", nodeType: "Know", sessionId: "s1", params: {}, now: 5 }]);
    await execution.close();
  });

  it.each([
    [
      "create throws",
      () => {
        throw new Error("no");
      },
    ],
    ["create rejects", () => Promise.reject(new Error("no"))],
    ["init rejects", () => ({ init: () => Promise.reject(new Error("no")), process: () => undefined })],
  ])("closes what was made before when %s, and names the node", async (_, create) => {
    const { made, alive, counting } = counted();
    const { runner, clock } = world([counting, factory("Bad", create)]);
    await expect(open(runner, manifest("a:Counted; b:Counted; c:Bad; a > b > c"))).rejects.toMatchObject({
      code: "PIPELINE_ERROR",
      nodeId: "c",
      cause: { message: "no" },
    });
    expect([made(), alive()]).toEqual([2, 0]);
    expect(clock.pending).toBe(0);
  });

  it("gives up a node that does not start in time, and closes it when it comes", async () => {
    const ready = gate();
    const { made, alive, counting } = counted();
    const late = factory("Late", async (context) => {
      await ready.opened;
      return counting.create(context);
    });
    const { runner, clock } = world([late]);
    const opening = open(runner, manifest("a:Late"));
    await expect(clock.until(opening)).rejects.toMatchObject({ code: "NODE_TIMEOUT", nodeId: "a" });
    expect(clock.now()).toBe(30_000);
    ready.open();
    await clock.run(0);
    expect([made(), alive()]).toEqual([1, 0]);
  });

  it("goes on with the node types that there were when it began", async () => {
    const { runner } = world([simple("Word", (input, emit) => emit(withText(input, "old")))]);
    const { execution, outputs } = await open(runner, manifest("a:Word"));
    runner.registry.register(simple("Word", (input, emit) => emit(withText(input, "new"))));
    await execution.send(text(0));
    await execution.close();
    expect(outputs.map(textOf)).toEqual(["old"]);
    expect(textOf(await runner.execute(manifest("a:Word"), text(0)))).toBe("new");
  });

  it("survives callbacks that throw: an output that was not taken is an error, an error is logged", async () => {
    const { runner } = world();
    const errors: TransportError[] = [];
    const execution = await runner.open(manifest("a:PassThrough"), {
      onOutput: () => {
        throw new Error("full disk");
      },
      onError: (error) => {
        errors.push(error);
        throw new Error("no");
      },
    });
    await execution.send(text(0));
    await execution.send(text(1));
    await execution.close();
    expect(errors).toHaveLength(2);
    expect(errors[0]).toMatchObject({ code: "PIPELINE_ERROR", nodeId: "a", cause: { message: "full disk" } });
    expect(execution.metrics()).toMatchObject({ inputs: 2, outputs: 2, errors: 2 });
  });
});

it("times out a hanging node of execute by the node's own limit", async () => {
  const { runner, clock } = world([hang]);
  const running = runner.execute(manifest("a:Hang", { a: { execution: { timeout_ms: 50 } } }), text(0));
  await expect(clock.until(running)).rejects.toMatchObject({ code: "NODE_TIMEOUT", nodeId: "a" });
});
