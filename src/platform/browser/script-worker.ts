// A worker of a page whose script is a string.
import { TransportError } from "../../errors/errors.ts";
import type { MediaWorker, MediaWorkerEvents } from "../platform.ts";
import { inlineScriptUrl } from "./inline-script.ts";

/** See {@link MediaWorker}. */
export class ScriptWorker implements MediaWorker {
  // Pages that are not isolated may not share memory.
  readonly sharesMemory = globalThis.crossOriginIsolated;
  readonly #worker: Worker;

  /** @param name of the thread, for those who look at the page */
  constructor(source: string, name: string, events: MediaWorkerEvents) {
    this.#worker = new Worker(inlineScriptUrl(source), { name });
    this.#worker.onmessage = ({ data }: MessageEvent<unknown>): void => events.message(data);
    this.#worker.onerror = (event): void => {
      event.preventDefault();
      this.terminate();
      const { message } = event as Partial<ErrorEvent>; // a script that was not loaded has none
      events.failed(
        new TransportError(
          "INTERNAL_ERROR",
          message === undefined || message === "" ? "not loaded" : message,
        ),
      );
    };
  }

  sharedNow(): number {
    return performance.timeOrigin + performance.now();
  }

  post(message: unknown, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  terminate(): void {
    this.#worker.onmessage = null;
    this.#worker.onerror = null;
    this.#worker.terminate();
  }
}
