// What runs in the worker of a pipeline in Node: a host of nodes with a clock and a line to the thread that started it.
// Bundled into platform/node/generated/.
import { parentPort } from "node:worker_threads";
import { WorkerHost } from "./pipeline/worker-host.ts";
import type { WorkerCommand } from "./pipeline/worker-messages.ts";
import { createNodeClock } from "./platform/node/node-clock.ts";

const port = parentPort;
if (port !== null) {
  const host = new WorkerHost({
    clock: createNodeClock(),
    load: (url) => import(url),
    post: (report, transfer) => port.postMessage(report, transfer),
  });
  port.on("message", (command: WorkerCommand) => host.handle(command));
}
