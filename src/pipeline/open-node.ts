// Creates and initializes one node, in this thread or in the worker, within its time.
import { limited } from "../runtime/call.ts";
import type { ScopedLogger } from "../runtime/logger.ts";
import type { Clock } from "../runtime/time.ts";
import { nodeError, nodeTimeout } from "./node-errors.ts";
import type { NodeContext, PipelineNode } from "./node.ts";
import type { ValidNode } from "./validate-manifest.ts";
import type { WorkerNodes } from "./worker-nodes.ts";

/** Time for create() and init() together, ms: models are loaded in it. */
const START_MS = 30_000;

/** Where a node is opened. */
export interface OpenNodeOptions {
  readonly sessionId: string;
  readonly clock: Clock;
  readonly log: ScopedLogger;
  readonly workers: WorkerNodes;
  /** Ends the wait for a node that is being opened. */
  readonly signal: AbortSignal;
}

/**
 * Open a node; whoever asked closes it.
 *
 * @throws TransportError (as rejection) `PIPELINE_ERROR` with what it threw as cause, `NODE_TIMEOUT` after 30 s;
 * it is closed then, even if it is only created later
 */
export async function openNode(id: string, spec: ValidNode, options: OpenNodeOptions): Promise<PipelineNode> {
  const { clock, log, sessionId, workers, signal } = options;
  const { factory, params } = spec;
  const context: NodeContext = {
    ...{ nodeId: id, nodeType: factory.type, sessionId, params },
    nowMs: () => clock.now(),
    log: log.with({ nodeId: id }),
  };
  const creating = (async () => (await workers.open(factory, context)) ?? factory.create(context))();
  const opening = creating.then(async (created) => {
    await created.init?.();
    return created;
  });
  try {
    return await limited(
      opening,
      clock,
      `start of node "${id}"`,
      { timeoutMs: START_MS, signal },
      undefined,
      () => nodeTimeout({ nodeId: id }, START_MS, "start"),
    );
  } catch (error) {
    creating.then((created) => created.close?.()).catch(() => undefined);
    throw nodeError({ nodeId: id }, error, "failed to start");
  }
}
