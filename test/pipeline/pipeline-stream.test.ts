// Inputs through a pipeline as an async iterator: bounded, in order, errors once, and an end.
import { describe, expect, it } from "vitest";
import { factory, manifest, simple, text, textOf, turns, world } from "./pipelines.ts";
import type { TransportData } from "../../src/runtime/data.ts";

/** Inputs 0 to count - 1; `made` tells how many were asked for. */
function inputs(count: number): {
  made: () => number;
  left: () => boolean;
  all: AsyncIterable<TransportData>;
} {
  let made = 0;
  let left = false;
  async function* all(): AsyncIterable<TransportData> {
    try {
      for (; made < count; made++) yield text(made);
    } finally {
      left = true;
    }
  }
  return { made: () => made, left: () => left, all: all() };
}

const picky = simple("Picky", (input, emit) => {
  if ((input.sequence ?? 0) % 3 === 1) throw new Error("broken");
  return emit(input);
});

describe("a stream through a pipeline", () => {
  it("gives all outputs in order and ends after the drain", async () => {
    const held = factory("Held", () => ({
      process: (input, emit) => emit(input),
      flush: (emit) => emit(text(99, "flushed")),
    }));
    const { runner, clock } = world([held]);
    const words: string[] = [];
    for await (const output of runner.stream(manifest("a:Held; b:PassThrough; a > b"), inputs(100).all)) {
      words.push(textOf(output));
    }
    expect(words).toEqual([...Array.from({ length: 100 }, (_, n) => String(n)), "flushed"]);
    expect(clock.pending).toBe(0);
  });

  it("takes plain iterables, and data without an envelope", async () => {
    const { runner } = world();
    const words: string[] = [];
    const source = ["x", "y"].map((word) => ({ type: "text", text: word }) as const);
    for await (const output of runner.stream(manifest("a:PassThrough"), source)) words.push(textOf(output));
    expect(words).toEqual(["x", "y"]);
  });

  it("begins with the first next(), and holds inputs back behind a reader that stops, without loss", async () => {
    const { runner } = world();
    const { made, all } = inputs(500);
    const stream = runner.stream(manifest("a:PassThrough; b:PassThrough; a > b"), all);
    await turns(100);
    expect(made()).toBe(0);
    const words = [textOf((await stream.next()).value as TransportData)];
    await turns(5_000);
    // 16 in each of three queues, one at work in each of two nodes, one in send().
    expect(made()).toBeLessThan(60);
    for await (const output of stream) words.push(textOf(output));
    expect(words).toEqual(Array.from({ length: 500 }, (_, n) => String(n)));
  });

  it("rejects once for every error of a node, and goes on", async () => {
    const { runner } = world([picky]);
    const stream = runner.stream(manifest("a:Picky"), inputs(7).all);
    const results: string[] = [];
    for (;;) {
      try {
        const next = await stream.next();
        if (next.done === true) break;
        results.push(textOf(next.value));
      } catch (error) {
        const { code, details } = error as { code: string; details: { sequence: number } };
        results.push(`${code} ${details.sequence}`);
      }
    }
    expect(results).toEqual(["0", "PIPELINE_ERROR 1", "2", "3", "PIPELINE_ERROR 4", "5", "6"]);
  });

  it("holds inputs back also when there are only errors", async () => {
    const { runner } = world([simple("Fail", () => Promise.reject(new Error("broken")))]);
    const { made, all } = inputs(1_000);
    const lines = Array.from({ length: 4 }, (_, n) => `n${n}:Fail`).join("; ");
    const stream = runner.stream(manifest(lines), all);
    await expect(stream.next()).rejects.toMatchObject({ code: "PIPELINE_ERROR" });
    await turns(20_000);
    expect(made()).toBeLessThan(1_000);
    await stream.return?.();
  });

  it("rejects once for an input that no node accepts, and goes on", async () => {
    const { runner } = world([simple("Texts", (input, emit) => emit(input), { accepts: ["text"] })]);
    const json = { type: "json", value: 1 } as const;
    const stream = runner.stream(manifest("a:Texts"), [json, { type: "text", text: "x" }]);
    await expect(stream.next()).rejects.toMatchObject({ code: "INVALID_DATA" });
    expect(textOf((await stream.next()).value as TransportData)).toBe("x");
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  it("is aborted by return(), which the inputs hear of", async () => {
    const closed: string[] = [];
    const { runner, clock } = world([
      factory("Note", () => ({
        process: (input, emit) => emit(input),
        close: () => void closed.push("close"),
      })),
    ]);
    const { left, all } = inputs(1_000_000);
    for await (const output of runner.stream(manifest("a:Note"), all)) if (textOf(output) === "3") break;
    await turns(20);
    expect(closed).toEqual(["close"]);
    expect(left()).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it("does not wait for inputs that hang when its reader leaves", async () => {
    const { runner, clock } = world();
    async function* hanging(): AsyncIterable<TransportData> {
      yield text(0);
      await new Promise(() => undefined);
    }
    const stream = runner.stream(manifest("a:PassThrough"), hanging());
    await stream.next();
    await clock.until(Promise.resolve(stream.return?.()), 1_000);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  it("never begins when its reader leaves first", async () => {
    const { runner } = world();
    const { made, all } = inputs(3);
    const stream = runner.stream(manifest("a:PassThrough"), all);
    await stream.return?.();
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    expect(made()).toBe(0);
  });

  it.each([
    ["ABORTED", (clock: { run(ms: number): Promise<void> }, abort: () => void) => clock.run(10).then(abort)],
    ["OPERATION_TIMEOUT", (clock: { run(ms: number): Promise<void> }) => clock.run(5_000)],
  ])("is cut off with %s, said once", async (code, cut) => {
    const { runner, clock } = world([simple("Hang", () => new Promise(() => undefined))]);
    const controller = new AbortController();
    const stream = runner.stream(manifest("a:Hang"), inputs(3).all, {
      signal: controller.signal,
      timeoutMs: 5_000,
    });
    const reading = expect(stream.next()).rejects.toMatchObject({ code });
    await cut(clock, () => controller.abort());
    await reading;
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    await clock.run(1_000);
    expect(clock.pending).toBe(0);
  });

  it("does not begin when its signal has fired before", async () => {
    const { runner } = world();
    const stream = runner.stream(manifest("a:PassThrough"), inputs(3).all, {
      signal: AbortSignal.abort("no"),
    });
    await expect(stream.next()).rejects.toMatchObject({ code: "ABORTED", cause: "no" });
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  it("gives what there was, then rejects with what the inputs threw, and ends", async () => {
    const { runner } = world();
    async function* broken(): AsyncIterable<TransportData> {
      yield text(0);
      throw new Error("no more camera");
    }
    const stream = runner.stream(manifest("a:PassThrough"), broken());
    const results = await Promise.allSettled([stream.next(), stream.next(), stream.next()]);
    expect(results).toMatchObject([
      { status: "fulfilled", value: { value: { sequence: 0 } } },
      { status: "rejected", reason: { code: "INVALID_DATA", cause: { message: "no more camera" } } },
      { status: "fulfilled", value: { done: true } },
    ]);
  });

  it("ends with the reason when a node cannot start", async () => {
    const { runner } = world([factory("Bad", () => Promise.reject(new Error("no model")))]);
    const stream = runner.stream(manifest("a:Bad"), inputs(3).all);
    await expect(stream.next()).rejects.toMatchObject({ code: "PIPELINE_ERROR", nodeId: "a" });
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });
});
