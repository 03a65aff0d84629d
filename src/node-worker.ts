// What runs in the media worker of Node: an engine with a clock and a line to the thread that started it. Bundled into
// platform/node/generated/.
import { parentPort } from "node:worker_threads";
import { EngineHost } from "./media/engine/engine-worker.ts";
import type { EngineCommand } from "./media/engine/engine-messages.ts";
import { createNodeClock } from "./platform/node/node-clock.ts";

const port = parentPort;
if (port !== null) {
  const host = new EngineHost({
    clock: createNodeClock(),
    post: (report, transfer) => port.postMessage(report, transfer),
  });
  port.on("message", (command: EngineCommand) => host.handle(command));
}
