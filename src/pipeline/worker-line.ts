// The line to a worker of pipeline nodes: calls and their answers, what nodes emit, and the worker's end. Starts nothing
// twice; whoever wants another worker opens another line.
import { describeError, toTransportError, TransportError } from "../errors/errors.ts";
import type { MediaWorker, Platform } from "../platform/platform.ts";
import { limited } from "../runtime/call.ts";
import type { ScopedLogger } from "../runtime/logger.ts";
import type { Clock } from "../runtime/time.ts";
import type { Emit } from "./node.ts";
import { unpackError } from "./worker-messages.ts";
import type { WorkerCommand, WorkerNodeSpec, WorkerReport } from "./worker-messages.ts";

/** How to open a {@link WorkerLine}. */
export interface WorkerLineOptions {
  readonly startWorker: NonNullable<Platform["startPipelineWorker"]>;
  readonly clock: Clock;
  /** Where nodes of the worker write to. */
  readonly log: ScopedLogger;
  /** Told once when the worker has died by itself. */
  ended(): void;
}

/** A worker that has not begun by then never will, ms. */
const START_TIMEOUT_MS = 10_000;
/** A worker answers the news that an input was given up within this time, ms; else a node of it never lets go. */
const HEARD_TIMEOUT_MS = 1_000;

/** A call under way. */
interface Call {
  resolve(): void;
  reject(error: Error): void;
  /** Stop waiting for `heard`. */
  heard: (() => void) | undefined;
}

type Calls = Extract<WorkerCommand, { node: number }>;
/** A command without what the line adds. */
type CallOf<Command> = Command extends { call: number } ? Omit<Command, "call" | "clock"> : never;

/** See the header. */
export class WorkerLine {
  readonly #options: WorkerLineOptions;
  readonly #calls = new Map<number, Call>();
  /** By node: where its outputs go, those of its last call. */
  readonly #emits = new Map<number, Emit>();
  readonly #begun: Promise<void>;
  #begin: () => void = () => undefined;
  #refuse: (error: Error) => void = () => undefined;
  #worker: MediaWorker | undefined;
  #lastCall = 0;
  #ended = false;

  private constructor(options: WorkerLineOptions) {
    this.#options = options;
    this.#begun = new Promise((resolve, reject) => {
      this.#begin = resolve;
      this.#refuse = reject;
    });
  }

  /** Start a worker. @throws TransportError (as rejection) when it cannot be started or does not begin */
  static async open(options: WorkerLineOptions): Promise<WorkerLine> {
    const line = new WorkerLine(options);
    const starting = options.startWorker({
      message: (message) => line.#hear(message as WorkerReport),
      failed: (error) => line.#fail(error),
    });
    const begun = Promise.all([starting.then((worker) => line.#attach(worker)), line.#begun]);
    try {
      await limited(begun, options.clock, "start of the pipeline worker", { timeoutMs: START_TIMEOUT_MS });
    } catch (error) {
      line.#fail(error);
      throw error;
    }
    return line;
  }

  /** Whether the worker is gone. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Create and initialize a node. @throws what it threw (as rejection) */
  open(node: number, spec: WorkerNodeSpec): Promise<void> {
    return this.call({ type: "open", node, spec });
  }

  /**
   * Let a node work.
   *
   * @param emit takes what it emits, also after the call
   * @param signal the node is told when it fires; the promise settles when the node has come back, or the worker is gone
   * @throws what the node threw; `PIPELINE_ERROR` when the worker has died (as rejection)
   */
  call(command: CallOf<Calls>, emit?: Emit, signal?: AbortSignal): Promise<void> {
    if (this.#ended) return Promise.reject(died("it had ended before"));
    const id = ++this.#lastCall;
    return new Promise((resolve, reject) => {
      const cancel = (): void => this.#cancel(id);
      const settle = (finish: () => void): void => {
        signal?.removeEventListener("abort", cancel);
        this.#calls.get(id)?.heard?.();
        this.#calls.delete(id);
        finish();
      };
      this.#calls.set(id, {
        resolve: () => settle(resolve),
        reject: (error) => settle(() => reject(error)),
        heard: undefined,
      });
      signal?.addEventListener("abort", cancel, { once: true });
      if (emit !== undefined) this.#emits.set(command.node, emit);
      try {
        this.#post(this.#complete(command, id));
      } catch (error) {
        // Functions in metadata, for one.
        settle(() =>
          reject(toTransportError(error, "SERIALIZATION_ERROR", "it cannot be copied into a worker")),
        );
      }
    });
  }

  /** End the worker; calls under way reject with `ABORTED`. Idempotent. */
  close(): void {
    this.#end(new TransportError("ABORTED", "The worker of the pipeline was ended"));
  }

  #complete(command: CallOf<Calls>, call: number): WorkerCommand {
    if (command.type !== "open") return { ...command, call };
    const { clock } = this.#options;
    const sharedMs = this.#worker?.sharedNow() ?? 0;
    const relation = { sharedMs, localMs: clock.now(), wallMs: clock.wallNow(), rate: clock.rate ?? 1 };
    return { ...command, call, clock: relation };
  }

  #attach(worker: MediaWorker): void {
    this.#worker = worker;
    if (this.#ended) worker.terminate();
  }

  #hear(report: WorkerReport): void {
    if (this.#ended) return;
    switch (report.type) {
      case "ready":
        return this.#begin();
      case "heard":
        return this.#calls.get(report.call)?.heard?.();
      case "log":
        return this.#options.log[report.level](report.message, report.fields);
      case "output":
        return this.#emit(report);
      case "done": {
        const call = this.#calls.get(report.call);
        return report.error === undefined ? call?.resolve() : call?.reject(unpackError(report.error));
      }
    }
  }

  #emit({ node, output, value }: Extract<WorkerReport, { type: "output" }>): void {
    const taken = (): void => {
      if (!this.#ended) this.#post({ type: "taken", output });
    };
    void this.#emits.get(node)?.(value).then(taken);
  }

  #cancel(id: number): void {
    const call = this.#calls.get(id);
    if (call === undefined || this.#ended) return;
    const { clock } = this.#options;
    call.heard = clock.setTimer(clock.now() + HEARD_TIMEOUT_MS, () => {
      this.#fail(new Error(`it did not answer within ${HEARD_TIMEOUT_MS} ms after an input was given up`));
    });
    this.#post({ type: "cancel", call: id });
  }

  #fail(error: unknown): void {
    if (this.#ended) return;
    this.#end(died(describeError(error), error));
    this.#options.ended();
  }

  #end(error: TransportError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#worker?.terminate();
    this.#refuse(error);
    for (const call of [...this.#calls.values()]) call.reject(error);
    this.#emits.clear();
  }

  #post(command: WorkerCommand): void {
    this.#worker?.post(command);
  }
}

function died(why: string, cause?: unknown): TransportError {
  return new TransportError("PIPELINE_ERROR", `The worker of the pipeline died: ${why}`, {
    details: { reason: "WORKER_DIED" },
    suggestion: "The next input starts another worker, in which its nodes begin anew.",
    cause,
  });
}
