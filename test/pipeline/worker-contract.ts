// What nodes in a worker do on every platform: the same as in the pipeline's thread.
import { describe, expect, it } from "vitest";
import type { Platform } from "../../src/platform/platform.ts";
import { PipelineRunner } from "../../src/pipeline/runner.ts";
import type { RuntimeData, TransportData } from "../../src/runtime/data.ts";
import { ScopedLogger } from "../../src/runtime/logger.ts";
import type { Clock } from "../../src/runtime/time.ts";
import { gate, manifest, open, text, textOf } from "./pipelines.ts";
import type { OpenPipeline } from "./pipelines.ts";
import { workerFactory } from "./worker-module.ts";

interface Bench extends OpenPipeline {
  readonly lines: string[];
}

/** Run the suite. @param startWorker what a platform starts */
export function workerContract(
  name: string,
  clock: Clock,
  startWorker: NonNullable<Platform["startPipelineWorker"]>,
): void {
  (globalThis as { isTestThread?: boolean }).isTestThread = true;

  const bench = async (lines: string, threaded = true, changes = {}): Promise<Bench> => {
    const logged: string[] = [];
    const write = (message: string, { nodeId }: { nodeId?: unknown }): void =>
      void logged.push(`${String(nodeId)}: ${message}`);
    const log = new ScopedLogger({ debug: write, info: write, warn: write, error: write }, "debug", {});
    const runner = new PipelineRunner({
      clock,
      logger: log,
      startWorker: threaded ? startWorker : undefined,
    });
    runner.registry.register(await workerFactory());
    return { ...(await open(runner, manifest(lines, changes))), lines: logged };
  };
  /** Everything that comes of inputs, without the time it took. */
  const all = async (inputs: readonly TransportData[], threaded: boolean): Promise<unknown> => {
    const { execution, outputs, errors } = await bench("a:Worker; b:Worker; a > b", threaded, {
      a: { is_output_node: true, params: { word: "x" } },
    });
    for (const input of inputs) await execution.send(input);
    await execution.close();
    return {
      outputs: outputs.filter(({ metadata }) => metadata.output_id === "a"),
      errors: errors.filter(({ nodeId }) => nodeId === "a").map((error) => error.toJSON()),
    };
  };
  const picture: RuntimeData = {
    type: "video",
    data: new Uint8Array([1, 2, 3, 4]),
    width: 2,
    height: 2,
    format: "GRAY8",
  };

  describe(`nodes in a worker of ${name}`, () => {
    it("give what they give in the pipeline's thread: outputs, errors, and what they keep", async () => {
      const inputs = ["context", "count", "code", "count", "garbage", "many", "flood"].map((word, n) =>
        text(n, word),
      );
      inputs.push(
        { data: picture, sequence: 50, metadata: { source_peer: "bob" } },
        text(51, "keep"),
        text(52, "keep"),
      );
      expect(await all(inputs, true)).toEqual(await all(inputs, false));
      expect(picture.data).toEqual(new Uint8Array([1, 2, 3, 4]));
    });

    it("work in another thread, on the pipeline's clock, and log where the pipeline does", async () => {
      const { execution, outputs, lines } = await bench("a:Worker");
      const beforeMs = clock.now();
      for (const [n, word] of ["where", "now", "log"].entries()) await execution.send(text(n, word));
      await execution.close();
      const [where, now] = outputs.map(textOf);
      expect(where).toBe("there");
      expect(Number(now)).toBeGreaterThan(beforeMs - 50);
      expect(Number(now)).toBeLessThan(clock.now() + 50);
      expect(lines).toEqual(["a: from the node"]);
    });

    it("are held back by whoever comes next", async () => {
      const { execution, outputs } = await bench("a:Worker");
      await execution.close();
      expect(outputs.map(textOf)).toEqual(["flushed 0"]);
      const consumer = gate();
      const runner = new PipelineRunner({ clock, startWorker });
      runner.registry.register(await workerFactory());
      const words: string[] = [];
      const first = gate();
      const slow = await runner.open(manifest("a:Worker"), {
        onOutput: async (output) => {
          words.push(textOf(output));
          first.open();
          await consumer.opened;
        },
        onError: () => undefined,
      });
      await slow.send(text(0, "many"));
      await first.opened;
      expect(words).toEqual(["0"]);
      consumer.open();
      await slow.close();
      expect(words).toHaveLength(101);
    });

    it("hear of the end of their time, and what they emit after it is dropped", async () => {
      const { execution, outputs, errors } = await bench("a:Worker", true, {
        a: { execution: { timeout_ms: 30 } },
      });
      await execution.send(text(0, "wait"));
      await execution.send(text(1, "count"));
      await execution.close();
      expect(outputs.map(textOf)).toEqual(["1", "flushed 1"]);
      expect(errors).toMatchObject([{ code: "NODE_TIMEOUT", details: { sequence: 0 } }]);
      expect(execution.metrics().nodes.a).toMatchObject({ late: 1, skipped: 0 });
    });

    it("fail with the worker when it dies, and begin anew in a fresh one", async () => {
      const { execution, outputs, errors } = await bench("a:Worker; b:PassThrough; a > b");
      for (const [n, word] of ["count", "count", "die", "count"].entries())
        await execution.send(text(n, word));
      await execution.close();
      expect(outputs.map(textOf)).toEqual(["1", "2", "1", "flushed 1"]);
      expect(errors).toMatchObject([
        { code: "PIPELINE_ERROR", nodeId: "a", details: { reason: "WORKER_DIED", sequence: 2 } },
      ]);
    });

    it("tell why they cannot start", async () => {
      await expect(bench("a:Worker", true, { a: { params: { word: "broken" } } })).rejects.toMatchObject({
        code: "PIPELINE_ERROR",
        nodeId: "a",
        cause: { name: "RangeError", message: "no model" },
      });
    });

    it("do not emit a buffer that has moved, nor what cannot be copied", async () => {
      const { execution, outputs, errors } = await bench("a:Worker");
      for (const [n, word] of ["twice", "twice", "uncloneable", "count"].entries())
        await execution.send(text(n, word));
      await execution.close();
      expect(outputs.map(({ sequence }) => sequence)).toEqual([0, 3, undefined]);
      expect(errors.map(({ details }) => details?.sequence)).toEqual([1, 2]);
      expect(errors[0]?.suggestion).toContain("copy");
    });

    it("end with the pipeline, whatever they are at", async () => {
      const { execution } = await bench("a:Worker");
      await execution.send(text(0, "hang"));
      const startMs = clock.now();
      await execution.abort();
      expect(clock.now() - startMs).toBeLessThan(5_000);
      expect(execution.closed).toBe(true);
    });
  });
}
