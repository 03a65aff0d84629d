// The life of one transport: starts a run, ends it, and says in which state all of it is. What a run can do is its own
// business, what callers may ask the public class's.
import type { WebRtcTransportConfig } from "../config/config.ts";
import { TransportError, toTransportError } from "../errors/errors.ts";
import { limited } from "../runtime/call.ts";
import type { CallOptions } from "../runtime/call.ts";
import type { Emitter } from "../runtime/emitter.ts";
import type { ScopedLogger } from "../runtime/logger.ts";
import type { Platform } from "../platform/platform.ts";
import type { TransportEvents, TransportState } from "./events.ts";
import type { FrameReaders } from "./frame-readers.ts";
import type { PictureReaders } from "./picture-readers.ts";
import { TransportRun } from "./run.ts";

/** After this, shutdown() no longer waits for the other side of anything. */
const SHUTDOWN_TIMEOUT_MS = 5_000;

/** What a {@link TransportLife} stands on. */
export interface TransportLifeOptions {
  platform: Platform;
  config: WebRtcTransportConfig;
  localId: string;
  log: ScopedLogger;
  emitter: Emitter<TransportEvents>;
  /** Of all runs; they end with each. */
  readers: FrameReaders;
  pictureReaders: PictureReaders;
}

/** See the header; the public methods are documented at `WebRtcTransport`. */
export class TransportLife {
  /** Sent to every peer of this and later runs in place of samples; null: none. */
  track: object | null = null;
  readonly #options: TransportLifeOptions;
  #state: TransportState = "idle";
  #run: TransportRun | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: TransportLifeOptions) {
    this.#options = options;
  }

  get state(): TransportState {
    return this.#state;
  }

  /** What runs; undefined unless started. */
  get run(): TransportRun | undefined {
    return this.#run;
  }

  /** What runs. @throws TransportError `NOT_STARTED`, `ALREADY_SHUTDOWN` */
  requireRun(): TransportRun {
    if (this.#run !== undefined) return this.#run;
    const ended = this.#state === "stopping" || this.#state === "stopped";
    throw new TransportError(
      ended ? "ALREADY_SHUTDOWN" : "NOT_STARTED",
      ended ? "the transport has been shut down" : "the transport has not been started",
    );
  }

  start(options: CallOptions): Promise<void> {
    if (this.#starting !== undefined) return this.#starting;
    if (this.#state === "started" || this.#state === "stopping") {
      return Promise.reject(new TransportError("ALREADY_STARTED", `the transport is ${this.#state}`));
    }
    this.#setState("starting");
    this.#starting = this.#start(options).finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  shutdown(): Promise<void> {
    if (this.#stopping !== undefined) return this.#stopping;
    if (this.#state === "idle" || this.#state === "stopped") return Promise.resolve();
    this.#setState("stopping");
    const { clock } = this.#options.platform;
    const work = limited(this.#stop(), clock, "shutdown", { timeoutMs: SHUTDOWN_TIMEOUT_MS });
    this.#stopping = work
      .catch((error: unknown) =>
        this.#options.log.warn(toTransportError(error, "INTERNAL_ERROR", "shutdown").message),
      )
      .then(() => {
        this.#stopping = undefined;
        this.#setState("stopped");
      });
    return this.#stopping;
  }

  async #start(options: CallOptions): Promise<void> {
    const { platform, config, localId, log, emitter, readers, pictureReaders } = this.#options;
    const { track } = this;
    const run = new TransportRun({
      platform,
      config,
      localId,
      log,
      emitter,
      readers,
      pictureReaders,
      track,
      state: () => this.#state,
    });
    try {
      const joined = await run.join(options);
      if (this.#state !== "starting") {
        throw new TransportError("ABORTED", "start() was ended by shutdown()");
      }
      this.#run = run;
      this.#setState("started");
      run.mesh.enter(joined);
    } catch (error) {
      await run.close();
      if (this.#state === "starting") this.#setState("stopped");
      throw toTransportError(error, "SIGNALING_ERROR", "start()");
    }
  }

  async #stop(): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    this.#options.readers.end();
    this.#options.pictureReaders.end();
    await run?.close();
    await this.#starting?.catch(() => undefined); // its own caller is told
  }

  #setState(state: TransportState): void {
    this.#state = state;
    this.#options.emitter.emit("stateChange", state);
  }
}
