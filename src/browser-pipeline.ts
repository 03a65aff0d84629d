// Pipelines in a browser, without a transport.
import { browserClock } from "./platform/browser/clock.ts";
import { startBrowserPipelineWorker } from "./platform/browser/pipeline-worker.ts";
import { PipelineRunner as CorePipelineRunner } from "./pipeline/runner.ts";
import type { PipelineRunnerOptions } from "./pipeline/runner.ts";
import type { RecordedInput } from "./session/recording-format.ts";
import { replaySession as replayCoreSession } from "./session/recording.ts";
import type { ReplayOptions, ReplayTarget } from "./session/recording.ts";

export * from "./pipelines.ts";

/** {@link CorePipelineRunner} in a browser: nodes that ask for a thread of their own get one. */
export class PipelineRunner extends CorePipelineRunner {
  constructor(options: Omit<PipelineRunnerOptions, "clock" | "startWorker"> = {}) {
    super({ ...options, clock: browserClock, startWorker: startBrowserPipelineWorker });
  }
}

/** {@link replayCoreSession} by the clock of this page. */
export function replaySession(
  session: ReplayTarget,
  recording: AsyncIterable<RecordedInput>,
  options: Omit<ReplayOptions, "clock"> = {},
): Promise<number> {
  return replayCoreSession(session, recording, { ...options, clock: browserClock });
}
