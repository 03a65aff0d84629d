// Nodes of a pipeline that run in a worker, seen from the pipeline's thread: one worker for all of them, started with the
// first. Inputs are copied over, as others may hold them too. Where there is no worker, nodes run where the pipeline does.
//
// When the worker dies, what it was at fails; the next input of a node starts a fresh one, in which the node begins anew.
import { describeError, TransportError } from "../errors/errors.ts";
import type { Platform } from "../platform/platform.ts";
import type { ScopedLogger } from "../runtime/logger.ts";
import type { Clock } from "../runtime/time.ts";
import type { Emit, NodeContext, NodeFactory, PipelineNode } from "./node.ts";
import { WorkerLine } from "./worker-line.ts";
import type { WorkerNodeSpec } from "./worker-messages.ts";

/** What {@link WorkerNodes} stand on. */
export interface WorkerNodesOptions {
  readonly clock: Clock;
  readonly log: ScopedLogger;
  /** Absent where there are no threads. */
  readonly startWorker: Platform["startPipelineWorker"];
}

/** A worker that dies is replaced, but not more often than this in the time, ms. */
const MAX_STARTS = 4;
const STARTS_WINDOW_MS = 60_000;

/** See the header. */
export class WorkerNodes {
  readonly #options: WorkerNodesOptions;
  /** The worker in use, or on its way. */
  #line: Promise<WorkerLine> | undefined;
  #startsMs: number[] = [];
  #lastNode = 0;
  /** There is no worker. */
  #inline = false;
  #warned = false;
  #closed = false;

  constructor(options: WorkerNodesOptions) {
    this.#options = options;
  }

  /**
   * Create and initialize a node in the worker.
   *
   * @returns undefined for one that is to run in this thread: it does not ask for another one, or there is none for it,
   * of which the log says once why
   * @throws what the node threw (as rejection)
   */
  async open(factory: NodeFactory, context: NodeContext): Promise<PipelineNode | undefined> {
    const { type: nodeType, module, thread } = factory;
    if (thread !== "worker" || this.#inline) return undefined;
    if (module === undefined) return this.#warn(`node type ${nodeType} has no module to load in a worker`);
    try {
      await this.line();
    } catch (error) {
      this.#inline = true;
      return this.#warn(describeError(error));
    }
    const { nodeId, sessionId, params } = context;
    const node = new WorkerNode(this, ++this.#lastNode, { nodeId, nodeType, sessionId, params, module });
    await node.open();
    return node;
  }

  /** The worker, a fresh one when the last has died. @throws TransportError (as rejection) */
  line(): Promise<WorkerLine> {
    this.#line ??= this.#start();
    return this.#line;
  }

  /** End the worker; whatever it is at. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#line?.then(
      (line) => line.close(),
      () => undefined,
    );
  }

  #warn(reason: string): undefined {
    if (!this.#warned)
      this.#options.log.warn("pipeline nodes run in this thread, not in a worker", { reason });
    this.#warned = true;
  }

  async #start(): Promise<WorkerLine> {
    const { clock, log, startWorker } = this.#options;
    const nowMs = clock.now();
    this.#startsMs = this.#startsMs.filter((startMs) => startMs > nowMs - STARTS_WINDOW_MS);
    if (startWorker === undefined) throw new TransportError("NOT_SUPPORTED", "This platform has no threads");
    if (this.#closed) throw new TransportError("SESSION_CLOSED", "The pipeline is closed");
    const started = this.#startsMs.length;
    this.#startsMs.push(nowMs);
    // Awaited so that #line is set before it can fail.
    await Promise.resolve();
    try {
      if (started >= MAX_STARTS) {
        throw new TransportError(
          "PIPELINE_ERROR",
          `The worker of the pipeline died ${started} times within a minute`,
        );
      }
      const line = await WorkerLine.open({ startWorker, clock, log, ended: () => (this.#line = undefined) });
      if (this.#closed) line.close();
      return line;
    } catch (error) {
      this.#line = undefined;
      throw error;
    }
  }
}

/** A node in the worker. */
class WorkerNode implements PipelineNode {
  readonly #nodes: WorkerNodes;
  readonly #id: number;
  readonly #spec: WorkerNodeSpec;
  /** The worker it lives in. */
  #line: WorkerLine | undefined;

  constructor(nodes: WorkerNodes, id: number, spec: WorkerNodeSpec) {
    this.#nodes = nodes;
    this.#id = id;
    this.#spec = spec;
  }

  async open(): Promise<void> {
    const line = await this.#nodes.line();
    await line.open(this.#id, this.#spec);
    this.#line = line;
  }

  async process(
    input: Parameters<PipelineNode["process"]>[0],
    emit: Emit,
    signal: AbortSignal,
  ): Promise<void> {
    if (this.#line?.ended !== false) await this.open();
    if (signal.aborted) return; // its time went by on the way to a fresh worker
    await this.#line?.call({ type: "process", node: this.#id, input }, emit, signal);
  }

  async flush(emit: Emit): Promise<void> {
    // What it held has died with its worker.
    if (this.#line?.ended === false) await this.#line.call({ type: "flush", node: this.#id }, emit);
  }

  async close(): Promise<void> {
    if (this.#line?.ended === false) await this.#line.call({ type: "close", node: this.#id });
  }
}
