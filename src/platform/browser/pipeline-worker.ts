// The thread for nodes of pipelines in a browser: a worker whose script travels inside the package and is loaded only when
// it is wanted.
import { toTransportError } from "../../errors/errors.ts";
import { inflateText } from "../../runtime/inflate.ts";
import type { MediaWorker, MediaWorkerEvents } from "../platform.ts";
import { ScriptWorker } from "./script-worker.ts";

/** Start the worker; see {@link MediaWorker}. @throws TransportError `NOT_SUPPORTED` (as rejection) */
export async function startBrowserPipelineWorker(events: MediaWorkerEvents): Promise<MediaWorker> {
  try {
    const { pipelineWorkerSource } = await import("./generated/pipeline-worker.ts");
    return new ScriptWorker(await inflateText(pipelineWorkerSource), "remotemedia-pipeline", events);
  } catch (error) {
    throw toTransportError(error, "NOT_SUPPORTED", "The pipeline worker cannot start");
  }
}
