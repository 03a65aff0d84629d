// One node at work: its time, its failures, further tries, and what it does when it should not.
import { describe, expect, it } from "vitest";
import { TransportError } from "../../src/errors/errors.ts";
import type { PipelineNode } from "../../src/pipeline/node.ts";
import { factory, gate, manifest, open, simple, text, textOf, turns, world } from "./pipelines.ts";
import type { NodeChange, OpenPipeline } from "./pipelines.ts";
import type { VirtualClock } from "../../src/testing/virtual-clock.ts";

/** A pipeline of one node that does this. */
async function one(
  process: PipelineNode["process"],
  execution: NodeChange = {},
): Promise<OpenPipeline & { clock: VirtualClock }> {
  const { runner, clock } = world([simple("Node", process)]);
  return { ...(await open(runner, manifest("a:Node", { a: { execution } }))), clock };
}

const unreachable = (): TransportError => new TransportError("CONNECTION_FAILED", "not now");

describe("an error of a node", () => {
  it.each([
    [
      "thrown at once",
      () => {
        throw new Error("broken");
      },
    ],
    [
      "rejected later",
      async () => {
        await Promise.resolve();
        throw new Error("broken");
      },
    ],
  ])("%s names node and input, keeps its cause, and ends nothing", async (_, fail) => {
    const { execution, outputs, errors } = await one((input, emit) =>
      input.sequence === 1 ? fail() : emit(input),
    );
    for (let n = 0; n < 3; n++) await execution.send(text(n));
    await execution.close();
    expect(outputs.map(textOf)).toEqual(["0", "2"]);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({
      code: "PIPELINE_ERROR",
      nodeId: "a",
      details: { sequence: 1 },
      cause: { message: "broken" },
      message: 'Node "a" failed on input 1: broken',
    });
  });

  it("keeps the details and the suggestion of one of ours", async () => {
    const cause = new TransportError("INVALID_DATA", "odd", {
      details: { field: "x" },
      suggestion: "Make it even.",
    });
    const { execution, errors } = await one(() => {
      throw cause;
    });
    await execution.send(text(4));
    await execution.close();
    expect(errors[0]).toMatchObject({
      suggestion: "Make it even.",
      details: { field: "x", sequence: 4 },
      cause,
    });
  });

  it("is what comes of an output that is none, whoever waits for emit", async () => {
    const { execution, errors, outputs } = await one((_, emit) => void emit({ text: "x" } as never));
    await execution.send(text(0));
    await execution.close();
    expect(outputs).toEqual([]);
    expect(errors).toMatchObject([{ code: "PIPELINE_ERROR", cause: { code: "INVALID_DATA" } }]);
  });

  it("of a format says what was expected and how to convert", async () => {
    const needing = simple("Needing", () => undefined, {
      needs: () => ({ audio: { sampleRate: 48_000, channels: 1 }, video: { format: "I420" } }),
    });
    const { runner } = world([needing]);
    const { execution, errors } = await open(runner, manifest("a:Needing"));
    const samples = new Float32Array(4);
    await execution.send({ data: { type: "audio", samples, sampleRate: 44_100, channels: 2 }, metadata: {} });
    await execution.send({ data: { type: "audio", samples, sampleRate: 48_000, channels: 1 }, metadata: {} });
    const picture = { type: "video", data: new Uint8Array(4), width: 1, height: 1, format: "RGBA" } as const;
    await execution.send({ data: picture, metadata: {} });
    await execution.close();
    expect(errors.map(({ message }) => message)).toEqual([
      expect.stringContaining("44100 Hz with 2 channels, where 48000 Hz and 1 channel is expected"),
      expect.stringContaining("RGBA, where I420 is expected"),
    ]);
    expect(errors[0]).toMatchObject({ code: "PIPELINE_ERROR", nodeId: "a" });
    expect(errors[0]?.suggestion).toContain("auto_negotiate");
  });
});

describe("further tries", () => {
  it("come after 100, 200 and 400 ms, for errors that are retryable", async () => {
    const atMs: number[] = [];
    const { execution, outputs, errors, clock } = await one(
      (input, emit) => {
        atMs.push(clock.now());
        if (atMs.length < 4) throw unreachable();
        return emit(input);
      },
      { max_retries: 3 },
    );
    await execution.send(text(0));
    await clock.run(1_000);
    expect(atMs).toEqual([0, 100, 300, 700]);
    expect(outputs).toHaveLength(1);
    expect(errors).toEqual([]);
    expect(execution.metrics().nodes.a).toMatchObject({ inputs: 1, retries: 3, errors: 0 });
    await execution.close();
  });

  it("end with the last error when they are used up", async () => {
    const { execution, errors, clock } = await one(() => Promise.reject(unreachable()), { max_retries: 2 });
    await execution.send(text(0));
    await clock.run(1_000);
    expect(errors).toMatchObject([{ code: "PIPELINE_ERROR", cause: { code: "CONNECTION_FAILED" } }]);
    expect(execution.metrics().nodes.a).toMatchObject({ retries: 2, errors: 1 });
    await execution.close();
  });

  it("are not made for other errors, nor for an input of which something has come out", async () => {
    const { execution, outputs, errors, clock } = await one(
      (input, emit) => {
        if (input.sequence === 0) throw new Error("final");
        void emit(input);
        throw unreachable();
      },
      { max_retries: 5 },
    );
    await execution.send(text(0));
    await execution.send(text(1));
    await clock.run(60_000);
    expect(errors).toHaveLength(2);
    expect(outputs.map(textOf)).toEqual(["1"]);
    expect(execution.metrics().nodes.a?.retries).toBe(0);
    await execution.close();
  });

  it("are given up when the pipeline is aborted", async () => {
    const { execution, errors, clock } = await one(() => Promise.reject(unreachable()), { max_retries: 10 });
    await execution.send(text(0));
    await clock.run(50);
    await execution.abort();
    expect(errors).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});

describe("the time of a node", () => {
  it("is up after timeout_ms: its signal fires, and the next input comes when it has come back", async () => {
    const reasons: unknown[] = [];
    const { execution, outputs, errors, clock } = await one(
      (input, emit, signal) => {
        if (input.sequence !== 0) return emit(input);
        return new Promise((resolve) =>
          signal.addEventListener("abort", () => {
            reasons.push(signal.reason);
            resolve();
          }),
        );
      },
      { timeout_ms: 500 },
    );
    await execution.send(text(0));
    await execution.send(text(1));
    await clock.run(499);
    expect(errors).toEqual([]);
    await clock.run(1);
    expect(errors).toMatchObject([
      { code: "NODE_TIMEOUT", nodeId: "a", details: { sequence: 0, timeoutMs: 500 } },
    ]);
    expect(reasons).toEqual(errors);
    expect(outputs.map(textOf)).toEqual(["1"]);
    expect(execution.metrics().nodes.a).toMatchObject({ skipped: 0, errors: 1 });
    await execution.close();
  });

  it("leaves the signals of later calls alone", async () => {
    const states: boolean[] = [];
    const { execution, errors, clock } = await one(
      (...[input, , signal]) => {
        states.push(signal.aborted);
        if (input.sequence !== 0) return undefined;
        return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
      },
      { timeout_ms: 100 },
    );
    await execution.send(text(0));
    await execution.send(text(1));
    await clock.run(100);
    expect(errors).toHaveLength(1);
    expect(states).toEqual([false, false]);
    await execution.close();
  });

  it("is given once more to each further try", async () => {
    const { execution, errors, clock } = await one(
      (_input, _emit, signal) =>
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("late")))),
      { timeout_ms: 1_000, max_retries: 1 },
    );
    await execution.send(text(0));
    await clock.run(2_099);
    expect(errors).toEqual([]);
    await clock.run(1);
    expect(errors).toMatchObject([{ code: "NODE_TIMEOUT" }]);
    await execution.close();
  });

  it("leaves a node alone that ignores it: others go on, its inputs are skipped, told of once, until it is done", async () => {
    const hanging = gate();
    const { runner, clock } = world([
      simple("Hang", async (input, emit) => {
        if (input.sequence === 0) await hanging.opened;
        await emit(input);
      }),
    ]);
    const lines = manifest("a:Hang; b:PassThrough", { a: { execution: { timeout_ms: 200 } } });
    const { execution, outputs, errors } = await open(runner, lines);
    for (let n = 0; n < 10; n++) await execution.send(text(n));
    await clock.run(300);
    expect(outputs.map(({ metadata }) => metadata.output_id)).toEqual(new Array(10).fill("b"));
    expect(errors).toMatchObject([
      { code: "NODE_TIMEOUT", details: { sequence: 0 } },
      { code: "PIPELINE_ERROR", details: { sequence: 1, reason: "NODE_BUSY" } },
    ]);
    expect(execution.metrics().nodes.a).toMatchObject({ inputs: 10, skipped: 9, errors: 1 });
    hanging.open();
    await turns(10);
    await execution.send(text(10));
    await turns(20);
    expect(execution.metrics().nodes.a).toMatchObject({ late: 1, skipped: 9 });
    expect(outputs.at(-1)).toMatchObject({ sequence: 10 });
    expect(outputs).toHaveLength(12);
    await execution.close();
  });

  it("does not hold up the end for a node that hangs for ever", async () => {
    const closed: string[] = [];
    const hang = factory("Hang", () => ({
      process: () => new Promise(() => undefined),
      flush: () => void closed.push("flush"),
      close: () => void closed.push("close"),
    }));
    const { runner, clock } = world([hang]);
    const { execution } = await open(runner, manifest("a:Hang", { a: { execution: { timeout_ms: 1_000 } } }));
    for (let n = 0; n < 5; n++) await execution.send(text(n));
    const startMs = clock.now();
    await clock.until(execution.close());
    expect(clock.now() - startMs).toBe(1_100);
    expect(closed).toEqual(["close"]);
    expect(clock.pending).toBe(0);
  });

  it("does not limit a flush, which has 30 s", async () => {
    const { runner, clock } = world([
      factory("Hang", () => ({ process: () => undefined, flush: () => new Promise(() => undefined) })),
    ]);
    const { execution, errors } = await open(
      runner,
      manifest("a:Hang", { a: { execution: { timeout_ms: 300 } } }),
    );
    await clock.until(execution.close({ timeoutMs: Infinity }));
    expect(errors).toMatchObject([{ code: "NODE_TIMEOUT", nodeId: "a" }]);
    expect(clock.now()).toBe(30_100);
  });
});

describe("a node that only fails", () => {
  it("is off for 30 s after five failures in a row, and then tried again", async () => {
    let broken = true;
    const seen: number[] = [];
    const { execution, outputs, errors, clock } = await one((input, emit) => {
      seen.push(input.sequence ?? -1);
      if (broken) throw new Error("broken");
      return emit(input);
    });
    for (let n = 0; n < 8; n++) await execution.send(text(n));
    await turns(20);
    expect(seen).toEqual([0, 1, 2, 3, 4]);
    expect(errors).toHaveLength(6);
    expect(errors[5]).toMatchObject({
      code: "PIPELINE_ERROR",
      nodeId: "a",
      details: { reason: "NODE_OFF", retryAfterMs: 30_000, sequence: 5 },
    });
    expect(execution.metrics().nodes.a).toMatchObject({ inputs: 8, errors: 5, skipped: 3 });
    await clock.run(29_999);
    await execution.send(text(8));
    await turns(10);
    expect(seen).toHaveLength(5);
    broken = false;
    await clock.run(1);
    await execution.send(text(9));
    await execution.send(text(10));
    await execution.close();
    expect(outputs.map(textOf)).toEqual(["9", "10"]);
    expect(errors).toHaveLength(6);
  });

  it("is off again at the next failure, and says so once more", async () => {
    const { execution, errors, clock } = await one(() => Promise.reject(new Error("broken")));
    for (let n = 0; n < 6; n++) await execution.send(text(n));
    await clock.run(30_000);
    for (let n = 6; n < 9; n++) await execution.send(text(n));
    await turns(30);
    expect(errors.map(({ details }) => details?.reason ?? "failed")).toEqual([
      ...new Array<string>(5).fill("failed"),
      "NODE_OFF",
      "failed",
      "NODE_OFF",
    ]);
    expect(execution.metrics().nodes.a).toMatchObject({ errors: 6, skipped: 3 });
    await execution.close();
  });

  it("is not one that works in between", async () => {
    const { execution, errors } = await one((input) => {
      if ((input.sequence ?? 0) % 5 !== 4) throw new Error("broken");
    });
    for (let n = 0; n < 20; n++) await execution.send(text(n));
    await execution.close();
    expect(errors).toHaveLength(16);
    expect(execution.metrics().nodes.a?.skipped).toBe(0);
  });
});

describe("what comes late", () => {
  it("is delivered between inputs, and counted after the end", async () => {
    const emits: (() => void)[] = [];
    const { execution, outputs } = await one((input, emit) => void emits.push(() => void emit(input)));
    await execution.send(text(0));
    await turns(10);
    emits[0]?.();
    expect(outputs.map(textOf)).toEqual(["0"]);
    await execution.close();
    emits[0]?.();
    expect(outputs).toHaveLength(1);
    expect(execution.metrics().nodes.a).toMatchObject({ outputs: 1, late: 1 });
  });

  it("is dropped and counted when its input has failed", async () => {
    const emits: (() => void)[] = [];
    const { execution, outputs } = await one((input, emit) => {
      emits.push(() => void emit(input));
      throw new Error("broken");
    });
    await execution.send(text(0));
    await turns(10);
    emits[0]?.();
    expect(outputs).toEqual([]);
    expect(execution.metrics().nodes.a).toMatchObject({ outputs: 0, late: 1 });
    await execution.close();
  });
});

describe("figures of a node", () => {
  it("tell how long an input takes: a moving average, and the 95th percentile of the last ones", async () => {
    const { execution, clock } = await one(async (input) => {
      const waiting = gate();
      clock.setTimer(clock.now() + (input.sequence ?? 0), waiting.open);
      await waiting.opened;
    });
    expect(execution.metrics().nodes.a).toMatchObject({ latencyMs: null, latencyP95Ms: null });
    for (let n = 1; n <= 100; n++) {
      await execution.send(text(n));
      await clock.run(n);
    }
    const { latencyMs, latencyP95Ms } = execution.metrics().nodes.a ?? {};
    const average = Array.from({ length: 100 }, (_, n) => n + 1).reduce(
      (mean, ms) => mean + 0.1 * (ms - mean),
    );
    expect(latencyMs).toBeCloseTo(average, 9);
    expect(latencyP95Ms).toBe(95);
    await execution.close();
  });
});
