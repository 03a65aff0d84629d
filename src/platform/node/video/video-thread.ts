// A worker of video codecs as the main thread sees it: it carries commands there and reports back to whose they are. It
// knows nothing of pictures. The worker keeps the process alive only while somebody waits for a report.
import { Worker } from "node:worker_threads";
import { describeError } from "../../../errors/errors.ts";
import { inflateText } from "../../../runtime/inflate.ts";
import type {
  OpenDecoder,
  OpenEncoder,
  ResultFacts,
  VideoCommand,
  VideoReport,
  VideoResult,
  VideoWorkerData,
} from "./video-messages.ts";

/** Starts a worker; see {@link spawnVideoWorker}. */
export type SpawnVideoWorker = () => Promise<Worker>;

/** Who hears of one codec. */
export interface CodecListener {
  /** What came of a picture. */
  result(report: VideoResult & ResultFacts): void;
  /** The codec is gone. Nothing follows. */
  failed(reason: string): void;
}

/** What {@link VideoThread.open} sends. */
export type OpenCommand = Omit<OpenEncoder, "id"> | Omit<OpenDecoder, "id">;

interface Entry {
  readonly listener: CodecListener;
  /** Called once, when the codec is there. */
  opened: (() => void) | undefined;
  /** Reports somebody waits for. */
  awaited: number;
}

/**
 * Start a worker that knows where libav.js is. Its script travels inside the package.
 *
 * @throws Error (as rejection) when the package of libav.js cannot be found or no thread can be made
 */
export async function spawnVideoWorker(): Promise<Worker> {
  // Its front, some 30 kB: it tells where the package lies, which a script without a file could not find out.
  const { base } = await import("@libav.js/variant-webm-vp9");
  const { videoWorkerSource } = await import("../generated/video-worker.ts");
  const workerData: VideoWorkerData = { libraryUrl: `${base}/libav-webm-vp9.mjs` };
  // Loaders and flags of the program are for its own modules; the script needs none.
  const options = { eval: true, execArgv: [], env: {}, name: "remotemedia-video", workerData };
  return new Worker(await inflateText(videoWorkerSource), options);
}

/** See the head of this file. Whoever opens codecs in it ends it. */
export class VideoThread {
  readonly #worker: Worker;
  readonly #entries = new Map<number, Entry>();
  #lastId = 0;
  #awaited = 0;
  #ended = false;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.unref();
    worker.on("message", (report: VideoReport) => this.#hear(report));
    worker.on("messageerror", (error: unknown) => this.#fail(describeError(error)));
    worker.on("error", (error: unknown) => this.#fail(describeError(error)));
    worker.on("exit", (code) => this.#fail(`the worker ended with code ${code}`));
  }

  /** Nothing more comes of it. */
  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Make a codec.
   *
   * @returns its number, for the commands to it
   * @throws Error (as rejection) when the worker refuses or ends; the listener hears nothing then
   */
  open(command: OpenCommand, listener: CodecListener): Promise<number> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      if (this.#ended) {
        reject(new Error("the worker has ended"));
        return;
      }
      const entry: Entry = {
        listener: { result: () => undefined, failed: (reason) => reject(new Error(reason)) },
        opened: () => {
          this.#entries.set(id, { listener, opened: undefined, awaited: 0 });
          resolve(id);
        },
        awaited: 0,
      };
      this.#entries.set(id, entry);
      this.#await(entry, 1);
      this.#worker.postMessage({ ...command, id });
    });
  }

  /** Ask for something that is answered by one report. */
  request(command: VideoCommand, transfer: ArrayBuffer[] = []): void {
    const entry = this.#entries.get(command.id);
    if (entry === undefined) return;
    this.#await(entry, 1);
    this.#worker.postMessage(command, transfer);
  }

  /** Let go of a codec; its listener hears nothing more. Idempotent. */
  close(id: number): void {
    if (!this.#forget(id)) return;
    this.#worker.postMessage({ type: "close", id } satisfies VideoCommand);
  }

  /** End the worker, whatever it does just now, with everything in it; no listener hears of it. Idempotent. */
  terminate(): void {
    this.#entries.clear();
    this.#ended = true;
    this.#worker.terminate().catch(() => undefined); // it has ended, which is what was wanted
  }

  #hear(report: VideoReport): void {
    const entry = this.#entries.get(report.id);
    if (entry === undefined) return; // closed while this was on its way
    if (report.type === "failed") {
      this.#forget(report.id);
      entry.listener.failed(report.reason);
      return;
    }
    this.#await(entry, -1);
    if (report.type === "opened") entry.opened?.();
    else entry.listener.result(report);
  }

  #forget(id: number): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined) return false;
    this.#await(entry, -entry.awaited);
    return this.#entries.delete(id);
  }

  #await(entry: Entry, change: number): void {
    entry.awaited += change;
    this.#awaited += change;
    if (this.#awaited > 0) this.#worker.ref();
    else this.#worker.unref();
  }

  #fail(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    for (const { listener } of entries) listener.failed(reason);
    this.terminate();
  }
}
