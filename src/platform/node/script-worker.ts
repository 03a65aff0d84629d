// A worker thread of Node whose script is a string. It never loads node-datachannel, which aborts the process in a second
// JavaScript environment.
import { Worker } from "node:worker_threads";
import type { WorkerOptions } from "node:worker_threads";
import { TransportError } from "../../errors/errors.ts";
import type { MediaWorker, MediaWorkerEvents } from "../platform.ts";

/** See {@link MediaWorker}. */
export class ScriptWorker implements MediaWorker {
  readonly sharesMemory = true;
  readonly #worker: Worker;
  #ended = false;

  /** @param options `name` of the thread, for those who look at the process, and what it is not to have of the process */
  constructor(source: string, options: WorkerOptions, events: MediaWorkerEvents) {
    const worker = new Worker(source, { ...options, eval: true });
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
      failed(new TransportError("INTERNAL_ERROR", `the worker ended with code ${code}`));
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
