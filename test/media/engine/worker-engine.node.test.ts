// What only an engine in a worker has to get right: it can be missing, die, and must not outlive its program.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { loadOpus } from "../../../src/codecs/opus.ts";
import { TransportError } from "../../../src/errors/errors.ts";
import { openEngine } from "../../../src/media/engine/open-engine.ts";
import type { OpenEngineOptions } from "../../../src/media/engine/open-engine.ts";
import type { MediaWorker, MediaWorkerEvents } from "../../../src/platform/platform.ts";
import { startNodeMediaWorker } from "../../../src/platform/node/media-worker.ts";
import { createNodeClock } from "../../../src/platform/node/node-clock.ts";
import { voice } from "../signals.ts";
import { stream } from "../streams.ts";
import { Call, later, SSRC, until } from "./call.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

async function options(startWorker: OpenEngineOptions["startWorker"]): Promise<OpenEngineOptions> {
  const clock = createNodeClock();
  return {
    mode: "worker",
    clock,
    codec: await loadOpus(),
    config: { channels: 1, sync: {}, wallOffsetMs: clock.wallNow() - clock.now() },
    startWorker,
  };
}

describe("an engine whose worker cannot start", () => {
  const failures: Record<string, OpenEngineOptions["startWorker"]> = {
    "has no threads": undefined,
    "refuses one": () => Promise.reject(new Error("no more threads")),
    "loses it at once": (events) => startNodeMediaWorker(events).then((worker) => broken(worker)),
  };

  it.each(Object.entries(failures))(
    "runs inline on a platform that %s, and says why",
    async (_, startWorker) => {
      const reasons: TransportError[] = [];
      const onFallback = (error: TransportError): void => void reasons.push(error);
      const engine = await openEngine({ ...(await options(startWorker)), onFallback });
      expect(engine.host).toBe("inline");
      expect(reasons).toHaveLength(1);
      expect(reasons[0]).toBeInstanceOf(TransportError);
      engine.close();
    },
  );

  it("runs inline unless a worker is asked for", async () => {
    const { mode: _mode, ...rest } = await options(startNodeMediaWorker);
    const engine = await openEngine(rest);
    expect(engine.host).toBe("inline");
    engine.close();
  });
});

describe("an engine whose worker dies", () => {
  it("tells every stream what to do, takes everything and does nothing more", async () => {
    let line: MediaWorker | undefined;
    const start = async (events: MediaWorkerEvents): Promise<MediaWorker> => {
      line = await startNodeMediaWorker(events);
      return line;
    };
    const given = await options(start);
    const call = new Call(await openEngine(given), given.clock);
    const streams = ["ann", "bob"].map((peerId) => call.join(peerId));
    const reader = call.read({ unsynced: "pass" });
    const packets = await stream(given.codec, voice(0.5, 48_000), { ssrc: SSRC });
    call.plan("ann", packets);
    await call.play();
    await until(call.clock, "sound comes", () => call.frames("ann").length > 5);
    // A message that the worker cannot understand: what it throws then nobody catches.
    line?.post({ type: "open-reader", reader: 1, options: null });
    await until(call.clock, "the fault is told", () => call.of("bob").faults.length > 0);
    for (const peerId of ["ann", "bob"]) {
      expect(call.of(peerId).faults).toHaveLength(1);
      expect(call.of(peerId).faults[0]).toMatchObject({ code: "INTERNAL_ERROR", peerId });
      expect(call.of(peerId).faults[0]?.suggestion).toContain('mediaEngine: "inline"');
    }
    const heard = call.frames("ann").length;
    call.plan("ann", packets);
    await call.play();
    call.join("late");
    await until(call.clock, "the new stream is told", () => call.of("late").faults.length > 0);
    expect(call.frames("ann")).toHaveLength(heard);
    expect(call.stats("ann").packetsReceived).toBe(2 * packets.length);
    call.engine.configure({ jitterBufferSizeMs: 60 });
    for (const opened of streams) opened.close();
    reader.close();
    call.close();
    call.close();
    await later(call.clock, 50);
    expect(call.of("bob").faults).toHaveLength(1);
  });
});

describe("a program with an engine in a worker", () => {
  it.each(["closes it", "forgets it"])("ends by itself when it %s", { timeout: 60_000 }, async (way) => {
    const folder = mkdtempSync(join(tmpdir(), "engine-"));
    const program = `
      import { loadOpus } from "./src/codecs/opus.ts";
      import { openEngine } from "./src/media/engine/open-engine.ts";
      import { startNodeMediaWorker } from "./src/platform/node/media-worker.ts";
      import { createNodeClock } from "./src/platform/node/node-clock.ts";
      const clock = createNodeClock();
      const config = { channels: 1, sync: {}, wallOffsetMs: clock.wallNow() - clock.now() };
      const engine = await openEngine({
        mode: "worker", config, clock, codec: await loadOpus(), startWorker: startNodeMediaWorker,
      });
      engine.openStream("bob", { frame() {}, syncState() {}, fault(error) { throw error; } }).stats();
      ${way === "closes it" ? "engine.close();" : ""}
      console.log(engine.host);`;
    await build({
      stdin: { contents: program, resolveDir: ROOT, loader: "ts" },
      outfile: join(folder, "program.mjs"),
      bundle: true,
      format: "esm",
      platform: "node",
      banner: {
        js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
      },
    });
    const run = spawnSync(process.execPath, [join(folder, "program.mjs")], {
      encoding: "utf8",
      timeout: 30_000,
    });
    rmSync(folder, { recursive: true });
    expect(run).toMatchObject({ status: 0, stdout: "worker\n", stderr: "" });
  });
});

/** A worker that throws at its first message. */
function broken(worker: MediaWorker): MediaWorker {
  return {
    sharesMemory: worker.sharesMemory,
    sharedNow: () => worker.sharedNow(),
    post: () => worker.post(null),
    terminate: () => worker.terminate(),
  };
}
