// The contract of media engines, kept in Node by the one in this thread and by the one in a worker, with and without
// shared memory.
import { loadOpus } from "../../src/codecs/opus.ts";
import { openEngine } from "../../src/media/engine/open-engine.ts";
import { startNodeMediaWorker } from "../../src/platform/node/media-worker.ts";
import { createNodeClock } from "../../src/platform/node/node-clock.ts";
import { describeMediaEngine } from "./media-engine-contract.ts";

const refuse = (error: unknown): never => {
  throw error;
};
const startWorker = startNodeMediaWorker;

describeMediaEngine("inline in Node", "inline", createNodeClock, async (config, clock) =>
  openEngine({ config, clock, codec: await loadOpus() }),
);

for (const shareMemory of [true, false]) {
  const name = `in a worker of Node, ${shareMemory ? "memory shared" : "blocks handed over"}`;
  describeMediaEngine(name, "worker", createNodeClock, async (config, clock) => {
    const codec = await loadOpus();
    return openEngine({
      mode: "worker",
      config,
      clock,
      codec,
      startWorker,
      shareMemory,
      onFallback: refuse,
    });
  });
}
