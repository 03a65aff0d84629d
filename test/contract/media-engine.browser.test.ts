// The contract of media engines, kept in browsers by the one of the page and by the one in a worker, with and without
// shared memory.
import { expect, it } from "vitest";
import { loadOpus } from "../../src/codecs/opus.ts";
import { openEngine } from "../../src/media/engine/open-engine.ts";
import { browserClock } from "../../src/platform/browser/clock.ts";
import { startBrowserMediaWorker } from "../../src/platform/browser/media-worker.ts";
import { describeMediaEngine } from "./media-engine-contract.ts";

const clockOf = () => browserClock;
const refuse = (error: unknown): never => {
  throw error;
};

it("may share memory here", () => {
  expect(crossOriginIsolated).toBe(true);
});

describeMediaEngine("in the page", "inline", clockOf, async (config, clock) =>
  openEngine({ config, clock, codec: await loadOpus() }),
);

for (const shareMemory of [true, false]) {
  const name = `in a worker of the page, ${shareMemory ? "memory shared" : "blocks handed over"}`;
  describeMediaEngine(name, "worker", clockOf, async (config, clock) => {
    const codec = await loadOpus();
    const startWorker = startBrowserMediaWorker;
    const given = { config, clock, codec, startWorker, shareMemory, onFallback: refuse };
    return openEngine({ mode: "worker", ...given });
  });
}
