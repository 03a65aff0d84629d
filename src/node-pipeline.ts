// Pipelines on Node, without a transport.
import { createNodeClock } from "./platform/node/node-clock.ts";
import { startNodePipelineWorker } from "./platform/node/pipeline-worker.ts";
import { PipelineRunner as CorePipelineRunner } from "./pipeline/runner.ts";
import type { PipelineRunnerOptions } from "./pipeline/runner.ts";
import type { RecordedInput } from "./session/recording-format.ts";
import { replaySession as replayCoreSession } from "./session/recording.ts";
import type { ReplayOptions, ReplayTarget } from "./session/recording.ts";

export * from "./pipelines.ts";

/** {@link CorePipelineRunner} on Node: nodes that ask for a thread of their own get one. */
export class PipelineRunner extends CorePipelineRunner {
  constructor(options: Omit<PipelineRunnerOptions, "clock" | "startWorker"> = {}) {
    super({ ...options, clock: createNodeClock(), startWorker: startNodePipelineWorker });
  }
}

/** {@link replayCoreSession} by the clock of this process. */
export function replaySession(
  session: ReplayTarget,
  recording: AsyncIterable<RecordedInput>,
  options: Omit<ReplayOptions, "clock"> = {},
): Promise<number> {
  return replayCoreSession(session, recording, { ...options, clock: createNodeClock() });
}
