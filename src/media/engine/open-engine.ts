// Opens a media engine: chooses the thread it runs in, and loads only what that takes.
import type { OpusCodec } from "../../codecs/opus.ts";
import { TransportError, toTransportError } from "../../errors/errors.ts";
import type { Platform } from "../../platform/platform.ts";
import type { Clock } from "../../runtime/time.ts";
import type { EngineConfig, MediaEngine } from "./engine.ts";
import { loadEngine } from "./load-engine.ts";

/** What {@link openEngine} needs. */
export interface OpenEngineOptions {
  config: EngineConfig;
  clock: Clock;
  /** For an engine in this thread; one in a worker loads its own. */
  codec: OpusCodec;
  /** Where it runs. `auto`, the default, takes what serves best: this thread. */
  mode?: "auto" | "inline" | "worker";
  /** How the platform starts a worker, where it can. */
  startWorker?: Platform["startMediaWorker"];
  /** False: memory is handed over to the worker and never shared. Default: shared where the platform can. */
  shareMemory?: boolean;
  /** Told why there is no worker; the engine runs in this thread instead. */
  onFallback?: (error: TransportError) => void;
}

/** Open an engine; it must be closed. A worker that cannot start is replaced by an engine in this thread. */
export async function openEngine(options: OpenEngineOptions): Promise<MediaEngine> {
  if (options.mode === "worker") {
    try {
      return await openWorker(options);
    } catch (error) {
      options.onFallback?.(toTransportError(error, "NOT_SUPPORTED", "The media worker cannot start"));
    }
  }
  const { InlineEngine } = await loadEngine();
  const { config, codec, clock } = options;
  return new InlineEngine({ config, codec, clock });
}

async function openWorker(options: OpenEngineOptions): Promise<MediaEngine> {
  const { config, clock, startWorker, shareMemory = true } = options;
  if (startWorker === undefined) {
    throw new TransportError("NOT_SUPPORTED", "This platform has no threads for media");
  }
  const { openWorkerEngine } = await import("./worker-engine.ts");
  return openWorkerEngine({ config, clock, startWorker, shareMemory });
}
