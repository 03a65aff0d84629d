// The thread of the media engine in a browser: a worker whose script travels inside the package and is loaded only when
// it is wanted.
import { TransportError, toTransportError } from "../../errors/errors.ts";
import { inflateText } from "../../runtime/inflate.ts";
import type { MediaWorker, MediaWorkerEvents } from "../platform.ts";
import { inlineScriptUrl } from "./inline-script.ts";

/** Start the worker; see {@link MediaWorker}. @throws TransportError `NOT_SUPPORTED` (as rejection) */
export async function startBrowserMediaWorker(events: MediaWorkerEvents): Promise<MediaWorker> {
  try {
    const { mediaWorkerSource } = await import("./generated/media-worker.ts");
    return new BrowserMediaWorker(inlineScriptUrl(await inflateText(mediaWorkerSource)), events);
  } catch (error) {
    throw toTransportError(error, "NOT_SUPPORTED", "The media worker cannot start");
  }
}

class BrowserMediaWorker implements MediaWorker {
  // Pages that are not isolated may not share memory.
  readonly sharesMemory = globalThis.crossOriginIsolated;
  readonly #worker: Worker;

  constructor(url: string, events: MediaWorkerEvents) {
    this.#worker = new Worker(url, { name: "remotemedia-engine" });
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
