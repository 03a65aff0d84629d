// Pipelines in a browser, without a transport.
import { browserClock } from "./platform/browser/clock.ts";
import { startBrowserPipelineWorker } from "./platform/browser/pipeline-worker.ts";
import { PipelineRunner as CorePipelineRunner } from "./pipeline/runner.ts";
import type { PipelineRunnerOptions } from "./pipeline/runner.ts";

export * from "./pipelines.ts";

/** {@link CorePipelineRunner} in a browser: nodes that ask for a thread of their own get one. */
export class PipelineRunner extends CorePipelineRunner {
  constructor(options: Omit<PipelineRunnerOptions, "clock" | "startWorker"> = {}) {
    super({ ...options, clock: browserClock, startWorker: startBrowserPipelineWorker });
  }
}
