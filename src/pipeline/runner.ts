// Runs manifests: one input to one output, a stream through, or a pipeline that stays open. Every run has its own nodes.
import { TransportError } from "../errors/errors.ts";
import type { Platform } from "../platform/platform.ts";
import { limited } from "../runtime/call.ts";
import type { CallOptions } from "../runtime/call.ts";
import type { TransportData } from "../runtime/data.ts";
import { ScopedLogger } from "../runtime/logger.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Clock } from "../runtime/time.ts";
import { PipelineExecution } from "./execution.ts";
import type { PipelineExecutionOptions } from "./execution.ts";
import { PipelineStream } from "./pipeline-stream.ts";
import type { ManifestSource } from "./manifest.ts";
import { builtInRegistry } from "./nodes/built-in-nodes.ts";
import type { NodeRegistry } from "./registry.ts";
import { toTransportData } from "./transport-data.ts";
import type { PipelineInput } from "./transport-data.ts";
import { validateManifest } from "./validate-manifest.ts";
import type { ValidManifest } from "./validate-manifest.ts";

/** What a {@link PipelineRunner} stands on. */
export interface PipelineRunnerOptions {
  clock: Clock;
  /** Node types by name; the library's own when absent. */
  registry?: NodeRegistry | undefined;
  /** Where nodes write to; nothing is logged without it. */
  logger?: Logger | undefined;
  /** How a thread for nodes is started; without it they all run in this one. */
  startWorker?: Platform["startPipelineWorker"] | undefined;
}

/** How a pipeline is opened. */
export interface OpenPipelineOptions extends Pick<PipelineExecutionOptions, "onOutput" | "onError"> {
  /** What its nodes are told they belong to, and log lines say; `run-1`, `run-2` and so on when absent. */
  sessionId?: string | undefined;
}

/** Longest time from the input to the output of {@link PipelineRunner.execute}, ms. */
const EXECUTE_TIMEOUT_MS = 30_000;

const nothing = (): void => undefined;
const SILENT: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** See the header. It holds nothing that must be closed. */
export class PipelineRunner {
  /** The node types that manifests may name: those of the library and those that are registered here. */
  readonly registry: NodeRegistry;
  readonly #options: PipelineRunnerOptions;
  readonly #log: ScopedLogger;
  #runs = 0;

  constructor(options: PipelineRunnerOptions) {
    this.#options = options;
    this.registry = options.registry ?? builtInRegistry();
    const { logger = SILENT } = options;
    this.#log = logger instanceof ScopedLogger ? logger : new ScopedLogger(logger, "debug", {});
  }

  /**
   * Check a manifest against the node types as they are now.
   *
   * @throws TransportError `INVALID_MANIFEST` with all faults in `details.issues`
   */
  validate(source: ManifestSource): ValidManifest {
    return validateManifest(source, this.registry);
  }

  /**
   * Run one input through a pipeline of its own.
   *
   * @returns the first output; the others are dropped. The pipeline is drained and flushed first
   * @throws TransportError (as rejection) `INVALID_MANIFEST`; `INVALID_DATA`; what a node failed with, `PIPELINE_ERROR`
   * or `NODE_TIMEOUT`, even if there was an output; `PIPELINE_ERROR` with `details.reason` `NO_OUTPUT`;
   * `OPERATION_TIMEOUT` after 30 s; `ABORTED`
   */
  async execute(
    source: ManifestSource,
    input: PipelineInput,
    options: CallOptions = {},
  ): Promise<TransportData> {
    const valid = this.validate(source);
    const data = toTransportData(input);
    const cancelled = new AbortController();
    return limited(
      this.#execute(valid, data, cancelled.signal),
      this.#options.clock,
      "execute()",
      { signal: options.signal, timeoutMs: options.timeoutMs ?? EXECUTE_TIMEOUT_MS },
      () => cancelled.abort(),
    );
  }

  /**
   * Run inputs through one pipeline. Begins with the first `next()`; whoever does not read on holds the inputs back, and
   * nothing is dropped. An error of a node, or an input that no node accepts, makes `next()` reject once, after which the
   * outputs go on. Ends when the inputs have ended and the pipeline is drained; `return()` aborts it.
   *
   * @param options `timeoutMs` is for the whole stream: without limit when absent
   * @throws TransportError `INVALID_MANIFEST` at once; `next()` rejects besides with `ABORTED` or `OPERATION_TIMEOUT`, and
   * with what the inputs threw, and ends
   */
  stream(
    source: ManifestSource,
    inputs: AsyncIterable<PipelineInput> | Iterable<PipelineInput>,
    options: CallOptions = {},
  ): AsyncIterableIterator<TransportData> {
    const valid = this.validate(source);
    return new PipelineStream({
      open: (callbacks) => this.#open(valid, callbacks),
      inputs,
      clock: this.#options.clock,
      call: options,
    });
  }

  /**
   * Open a pipeline that stays: it must be closed or aborted.
   *
   * @throws TransportError (as rejection) `INVALID_MANIFEST`; `PIPELINE_ERROR` or `NODE_TIMEOUT` of a node that cannot
   * start
   */
  async open(source: ManifestSource, options: OpenPipelineOptions): Promise<PipelineExecution> {
    const valid = this.validate(source);
    for (const warning of valid.warnings) this.#log.warn(warning);
    return this.#open(valid, options);
  }

  #open(
    valid: ValidManifest,
    { sessionId, onOutput, onError }: OpenPipelineOptions,
  ): Promise<PipelineExecution> {
    const { clock, startWorker } = this.#options;
    const id = sessionId ?? `run-${++this.#runs}`;
    return PipelineExecution.open(valid, {
      ...{ sessionId: id, clock, startWorker, onOutput, onError },
      log: this.#log.with({ sessionId: id }),
    });
  }

  async #execute(valid: ValidManifest, input: TransportData, cancelled: AbortSignal): Promise<TransportData> {
    let first: TransportData | undefined;
    let failure: TransportError | undefined;
    const execution = await this.#open(valid, {
      onOutput: (output) => void (first ??= output),
      onError: (error) => void (failure ??= error),
    });
    const abort = (): void => void execution.abort();
    cancelled.addEventListener("abort", abort, { once: true });
    if (cancelled.aborted) abort();
    try {
      await execution.send(input);
    } catch (error) {
      await execution.abort(error);
      throw error;
    }
    await execution.close({ timeoutMs: Infinity });
    if (failure !== undefined) throw failure;
    if (first !== undefined) return first;
    throw new TransportError("PIPELINE_ERROR", "The pipeline has made no output of this input", {
      details: { reason: "NO_OUTPUT" },
      suggestion: "Check that the nodes emit for inputs of this kind.",
    });
  }
}
