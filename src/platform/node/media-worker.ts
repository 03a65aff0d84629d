// The thread of the media engine in Node: a worker whose script travels inside the package and is loaded only when it is
// wanted. It never loads node-datachannel, which aborts the process in a second JavaScript environment.
import { Worker } from "node:worker_threads";
import { TransportError, toTransportError } from "../../errors/errors.ts";
import { inflateText } from "../../runtime/inflate.ts";
import type { MediaWorker, MediaWorkerEvents } from "../platform.ts";

/** Start the worker; see {@link MediaWorker}. @throws TransportError `NOT_SUPPORTED` (as rejection) */
export async function startNodeMediaWorker(events: MediaWorkerEvents): Promise<MediaWorker> {
  try {
    const { mediaWorkerSource } = await import("./generated/media-worker.ts");
    // Loaders and flags of the program are for its own modules; the script needs none.
    const options = { eval: true, execArgv: [], env: {}, name: "remotemedia-engine" };
    return new NodeMediaWorker(new Worker(await inflateText(mediaWorkerSource), options), events);
  } catch (error) {
    throw toTransportError(error, "NOT_SUPPORTED", "The media worker cannot start");
  }
}

class NodeMediaWorker implements MediaWorker {
  readonly sharesMemory = true;
  readonly #worker: Worker;
  #ended = false;

  constructor(worker: Worker, events: MediaWorkerEvents) {
    this.#worker = worker;
    const failed = (error: unknown): void => {
      if (this.#ended) return;
      this.#ended = true;
      events.failed(error);
    };
    // Until it has answered, somebody waits for it and nothing else may keep the process alive; then others do.
    worker.once("message", () => worker.unref());
    worker.on("message", (message: unknown) => {
      if (!this.#ended) events.message(message);
    });
    worker.on("messageerror", failed);
    worker.on("error", failed);
    worker.on("exit", (code) => {
      failed(new TransportError("INTERNAL_ERROR", `the media worker ended with code ${code}`));
    });
  }

  sharedNow(): number {
    return performance.timeOrigin + performance.now();
  }

  post(message: unknown, transfer: ArrayBuffer[] = []): void {
    if (!this.#ended) this.#worker.postMessage(message, transfer);
  }

  terminate(): void {
    this.#ended = true;
    this.#worker.terminate().catch(() => undefined); // it has ended, which is what was wanted
  }
}
