// The worker's side of nodes that run in a thread of their own: creates them, lets them work, and tells what comes of it.
// Whoever starts the thread gives it a clock and a line. Holds nothing back: the pipeline does that.
import { TransportError } from "../errors/errors.ts";
import type { TransportData } from "../runtime/data.ts";
import { ScopedLogger } from "../runtime/logger.ts";
import type { Logger } from "../runtime/logger.ts";
import { RelatedClock } from "../runtime/related-clock.ts";
import type { Clock } from "../runtime/time.ts";
import { outputFault } from "./node-errors.ts";
import type { Emit, NodeContext, NodeFactory, PipelineNode } from "./node.ts";
import { movableBuffers, packError } from "./worker-messages.ts";
import type { WorkerCommand, WorkerNodeSpec, WorkerReport } from "./worker-messages.ts";

/** What a {@link WorkerHost} stands on. */
export interface WorkerHostOptions {
  /** Of this thread; its `wallNow()` is the clock that all threads share. */
  readonly clock: Clock;
  /** Load a module. */
  load(url: string): Promise<unknown>;
  /** To the other thread; the buffers are transferred. */
  post(report: WorkerReport, transfer: ArrayBuffer[]): void;
}

/** A call under way. */
interface Call {
  readonly controller: AbortController;
  /** It emitted something that cannot go on. */
  fault: Error | undefined;
}

/** See the header. */
export class WorkerHost {
  readonly #options: WorkerHostOptions;
  readonly #log: Logger;
  readonly #nodes = new Map<number, PipelineNode>();
  readonly #calls = new Map<number, Call>();
  /** By output, whoever waits until it has found room. */
  readonly #untaken = new Map<number, () => void>();
  #lastOutput = 0;
  /** Buffers of inputs: a node may keep them and hand them on as well, so they do not move. */
  readonly #kept = new WeakSet<ArrayBuffer>();
  /** Buffers that are in the other thread by now. */
  readonly #moved = new WeakSet<ArrayBuffer>();

  constructor(options: WorkerHostOptions) {
    this.#options = options;
    const line = (level: "debug" | "info" | "warn" | "error"): Logger["debug"] => {
      return (message, fields) => this.#post({ type: "log", level, message, fields });
    };
    this.#log = { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
    this.#post({ type: "ready" });
  }

  /** Obey the other thread. */
  handle(command: WorkerCommand): void {
    switch (command.type) {
      case "taken":
        this.#untaken.get(command.output)?.();
        this.#untaken.delete(command.output);
        return;
      case "cancel":
        this.#calls
          .get(command.call)
          ?.controller.abort(new TransportError("ABORTED", "The input was given up"));
        return this.#post({ type: "heard", call: command.call });
      default:
        void this.#answer(command);
    }
  }

  async #answer(command: Exclude<WorkerCommand, { type: "taken" | "cancel" }>): Promise<void> {
    const call: Call = { controller: new AbortController(), fault: undefined };
    this.#calls.set(command.call, call);
    try {
      await this.#obey(command, call);
      if (call.fault !== undefined) throw call.fault;
      this.#post({ type: "done", call: command.call });
    } catch (error) {
      this.#post({ type: "done", call: command.call, error: packError(error) });
    }
    this.#calls.delete(command.call);
  }

  async #obey(command: Exclude<WorkerCommand, { type: "taken" | "cancel" }>, call: Call): Promise<void> {
    if (command.type === "open") {
      this.#nodes.set(
        command.node,
        await this.#open(command.spec, new RelatedClock(this.#options.clock, command.clock)),
      );
      return;
    }
    const node = this.#nodes.get(command.node);
    if (node === undefined) return;
    const emit: Emit = (output) => this.#emit(command, call, output);
    if (command.type === "process") {
      for (const buffer of movableBuffers(command.input.data)) this.#kept.add(buffer);
      return node.process(command.input, emit, call.controller.signal);
    }
    if (command.type === "flush") return node.flush?.(emit);
    this.#nodes.delete(command.node);
    return node.close?.();
  }

  async #open(spec: WorkerNodeSpec, clock: Clock): Promise<PipelineNode> {
    const factory = await this.#factory(spec.module);
    const { nodeId, nodeType, sessionId, params } = spec;
    const context: NodeContext = {
      ...{ nodeId, nodeType, sessionId, params },
      nowMs: () => clock.now(),
      log: new ScopedLogger(this.#log, "debug", { nodeId }),
    };
    const node = await factory.create(context);
    try {
      await node.init?.();
    } catch (error) {
      await node.close?.();
      throw error;
    }
    return node;
  }

  async #factory(module: string): Promise<NodeFactory> {
    const found = ((await this.#options.load(module)) as { default?: NodeFactory }).default;
    if (typeof found?.create === "function") return found;
    throw new TransportError("PIPELINE_ERROR", `${module} has no node factory as its default export`);
  }

  #emit({ node, call: id }: { node: number; call: number }, call: Call, value: TransportData): Promise<void> {
    const output = ++this.#lastOutput;
    try {
      const fault = outputFault(value);
      if (fault !== undefined) throw fault;
      const buffers = movableBuffers(value.data).filter((buffer) => !this.#kept.has(buffer));
      if (buffers.some((buffer) => this.#moved.has(buffer))) {
        throw new TransportError("INVALID_DATA", "emit() got a buffer that it has got before", {
          suggestion: "A node in a worker emits a copy of what it goes on using; what it emits moves away.",
        });
      }
      this.#post({ type: "output", node, call: id, output, value }, buffers);
      for (const buffer of buffers) this.#moved.add(buffer);
    } catch (error) {
      // Nobody may be waiting for this promise: the call as a whole fails.
      call.fault ??= error as Error;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#untaken.set(output, resolve));
  }

  #post(report: WorkerReport, transfer: ArrayBuffer[] = []): void {
    this.#options.post(report, transfer);
  }
}
