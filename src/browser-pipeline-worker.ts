// What runs in the worker of a pipeline in a page: a host of nodes with a clock and a line to the page. Bundled into
// platform/browser/generated/.
import { WorkerHost } from "./pipeline/worker-host.ts";
import type { WorkerCommand } from "./pipeline/worker-messages.ts";
import { browserClock } from "./platform/browser/clock.ts";

/** The part of a worker's globals that is used; TypeScript's DOM library describes those of a page. */
interface WorkerScope {
  onmessage: ((event: { readonly data: WorkerCommand }) => void) | null;
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
}

const scope = globalThis as unknown as WorkerScope;
const host = new WorkerHost({
  clock: browserClock,
  load: (url) => import(url),
  post: (report, transfer) => scope.postMessage(report, transfer),
});
scope.onmessage = ({ data }): void => host.handle(data);
