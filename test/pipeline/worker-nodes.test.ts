// Nodes in a worker where there is none, or one that goes wrong: told in virtual time with a host in this thread.
import { describe, expect, it } from "vitest";
import type { MediaWorker, MediaWorkerEvents } from "../../src/platform/platform.ts";
import { WorkerHost } from "../../src/pipeline/worker-host.ts";
import type { WorkerCommand } from "../../src/pipeline/worker-messages.ts";
import { ScopedLogger } from "../../src/runtime/logger.ts";
import type { LogLevel } from "../../src/runtime/logger.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { PipelineRunner } from "../../src/pipeline/runner.ts";
import type { PipelineRunnerOptions } from "../../src/pipeline/runner.ts";
import { manifest, open, simple, text, textOf } from "./pipelines.ts";
import { workerFactory } from "./worker-module.ts";

/** A worker in this thread; messages are copied and come later, as between threads. */
class NearWorker implements MediaWorker {
  readonly sharesMemory = false;
  readonly #clock: VirtualClock;
  readonly #host: WorkerHost;
  readonly events: MediaWorkerEvents;
  /** It is busy for ever. */
  frozen = false;
  terminated = false;

  constructor(clock: VirtualClock, events: MediaWorkerEvents) {
    this.events = events;
    this.#clock = clock;
    this.#host = new WorkerHost({
      clock,
      load: (url) => import(/* @vite-ignore */ url),
      post: (report, transfer) =>
        this.#later(structuredClone(report, { transfer }), (copy) => events.message(copy)),
    });
  }

  sharedNow(): number {
    return this.#clock.wallNow();
  }

  post(message: unknown): void {
    this.#later(structuredClone(message), (copy) => this.#host.handle(copy as WorkerCommand));
  }

  terminate(): void {
    this.terminated = true;
  }

  #later(message: unknown, deliver: (message: unknown) => void): void {
    queueMicrotask(() => {
      if (!this.frozen && !this.terminated) deliver(message);
    });
  }
}

interface World {
  readonly clock: VirtualClock;
  readonly runner: PipelineRunner;
  readonly workers: NearWorker[];
  readonly warnings: string[];
}

async function near(options: Partial<PipelineRunnerOptions> = {}, level: LogLevel = "warn"): Promise<World> {
  const clock = new VirtualClock();
  const workers: NearWorker[] = [];
  const warnings: string[] = [];
  const write = (message: string, { reason }: { reason?: unknown }): void =>
    void warnings.push(`${message}: ${String(reason)}`);
  const log = new ScopedLogger({ debug: write, info: write, warn: write, error: write }, level, {});
  const startWorker = (events: MediaWorkerEvents): Promise<MediaWorker> => {
    const worker = new NearWorker(clock, events);
    workers.push(worker);
    return Promise.resolve(worker);
  };
  const runner = new PipelineRunner({ clock, logger: log, startWorker, ...options });
  runner.registry.register(await workerFactory());
  return { clock, runner, workers, warnings };
}

describe("nodes for a worker that does not come", () => {
  const failures: Record<string, PipelineRunnerOptions["startWorker"]> = {
    "there is none": undefined,
    "it cannot be started": () => Promise.reject(new Error("no more threads")),
    "it ends at once": (events) => {
      events.failed(new Error("blocked by policy"));
      return Promise.resolve(
        new NearWorker(new VirtualClock(), { message: () => undefined, failed: () => undefined }),
      );
    },
    "it never begins": () =>
      Promise.resolve(
        new NearWorker(new VirtualClock(), { message: () => undefined, failed: () => undefined }),
      ),
  };

  it.each(Object.entries(failures))(
    "work in the pipeline's thread when %s, with one warning",
    async (_, startWorker) => {
      const { clock, runner, warnings } = await near({ startWorker });
      const { execution, outputs } = await clock.until(open(runner, manifest("a:Worker; b:Worker")));
      await execution.send(text(0, "count"));
      await clock.until(execution.close());
      expect(outputs.map(textOf)).toEqual(["1", "1", "flushed 1", "flushed 1"]);
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toContain("run in this thread");
      expect(clock.pending).toBe(0);
    },
  );

  it("work in the pipeline's thread without a module to load, with one warning", async () => {
    const { runner, warnings, workers } = await near();
    runner.registry.register(simple("Own", (input, emit) => emit(input), { thread: "worker" }));
    const { execution, outputs } = await open(runner, manifest("a:Own; b:Own; a > b"));
    await execution.send(text(0));
    await execution.close();
    expect(outputs).toHaveLength(1);
    expect(warnings).toEqual([expect.stringContaining("Own has no module")]);
    expect(workers).toHaveLength(0);
  });
});

describe("a worker", () => {
  it("is one for all nodes of a pipeline, started with the first, and ends with it", async () => {
    const { clock, runner, workers } = await near();
    const plain = await open(runner, manifest("a:PassThrough"));
    expect(workers).toHaveLength(0);
    const { execution, outputs } = await open(runner, manifest("a:Worker; b:Worker; c:Worker"));
    await execution.send(text(0, "count"));
    await execution.close();
    await plain.execution.close();
    expect(workers.map(({ terminated }) => terminated)).toEqual([true]);
    expect(outputs.map(textOf).sort()).toEqual(["1", "1", "1", "flushed 1", "flushed 1", "flushed 1"]);
    expect(clock.pending).toBe(0);
  });

  it("ends when a pipeline cannot be opened", async () => {
    const { clock, runner, workers } = await near();
    const lines = manifest("a:Worker; b:Worker", { b: { params: { word: "broken" } } });
    await expect(open(runner, lines)).rejects.toMatchObject({ nodeId: "b", cause: { message: "no model" } });
    await clock.run(0);
    expect(workers.map(({ terminated }) => terminated)).toEqual([true]);
    expect(clock.pending).toBe(0);
  });

  it("is ended when it does not hear that an input was given up, and all it was at fails", async () => {
    const { clock, runner, workers } = await near();
    const limits = { a: { execution: { timeout_ms: 200 } } };
    const { execution, outputs, errors } = await open(runner, manifest("a:Worker; b:Worker", limits));
    await execution.send(text(0, "count"));
    await clock.run(10);
    if (workers[0] !== undefined) workers[0].frozen = true;
    await execution.send(text(1, "count"));
    await clock.run(1_190);
    expect(workers[0]?.terminated).toBe(false);
    await clock.run(20);
    expect(workers[0]?.terminated).toBe(true);
    expect(errors).toMatchObject([
      { code: "NODE_TIMEOUT", nodeId: "a" },
      { code: "PIPELINE_ERROR", nodeId: "b", details: { reason: "WORKER_DIED" } },
    ]);
    await execution.send(text(2, "count"));
    await clock.run(10);
    expect(outputs.map(textOf)).toEqual(["1", "1", "1", "1"]);
    expect(workers).toHaveLength(2);
    await clock.until(execution.close());
  });

  it("is started four times a minute at most, and later again", async () => {
    const { clock, runner, workers } = await near();
    const { execution, outputs, errors } = await open(runner, manifest("a:Worker"));
    for (let n = 0; n < 5; n++) {
      await execution.send(text(n, "hang"));
      await clock.run(1);
      workers.at(-1)?.events.failed(new Error("gone"));
      await clock.run(1);
    }
    expect(workers).toHaveLength(4);
    expect(errors).toHaveLength(5);
    expect(errors[4]?.message).toContain("died 4 times within a minute");
    await clock.run(60_000);
    await execution.send(text(9, "count"));
    await clock.run(1);
    expect(outputs.map(textOf)).toEqual(["1"]);
    await execution.close();
  });

  it("is not waited for by the end of a pipeline when it is busy for ever", async () => {
    const { clock, runner, workers } = await near();
    const { execution } = await open(runner, manifest("a:Worker"));
    await execution.send(text(0, "hang"));
    if (workers[0] !== undefined) workers[0].frozen = true;
    await clock.until(execution.abort(), 1_000);
    expect(workers[0]?.terminated).toBe(true);
    await clock.run(10_000);
    expect(clock.pending).toBe(0);
  });

  it("says so when a module has no factory", async () => {
    const { runner } = await near();
    const url = "data:text/javascript,export default 1";
    runner.registry.register(simple("Empty", () => undefined, { thread: "worker", module: url }));
    await expect(open(runner, manifest("a:Empty"))).rejects.toMatchObject({
      code: "PIPELINE_ERROR",
      nodeId: "a",
      message: expect.stringContaining("no node factory as its default export") as string,
    });
  });

  it("tells what a node's close throws", async () => {
    const { runner } = await near();
    const { execution, errors } = await open(
      runner,
      manifest("a:Worker", { a: { params: { word: "close" } } }),
    );
    await execution.close();
    expect(errors).toMatchObject([{ code: "PIPELINE_ERROR", nodeId: "a", cause: { message: "not closed" } }]);
  });
});
