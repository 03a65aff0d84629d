// What runs in the media worker of a page: an engine with a clock and a line to the page. Bundled into
// platform/browser/generated/.
import { EngineHost } from "./media/engine/engine-worker.ts";
import type { EngineCommand } from "./media/engine/engine-messages.ts";
import { browserClock } from "./platform/browser/clock.ts";

/** The part of a worker's globals that is used; TypeScript's DOM library describes those of a page. */
interface WorkerScope {
  onmessage: ((event: { readonly data: EngineCommand }) => void) | null;
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
}

const scope = globalThis as unknown as WorkerScope;
const host = new EngineHost({
  clock: browserClock,
  post: (report, transfer) => scope.postMessage(report, transfer),
});
scope.onmessage = ({ data }): void => host.handle(data);
