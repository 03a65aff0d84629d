// Inputs through a pipeline as an async iterator: bounded on both sides, and nothing is dropped.
import { TransportError, toTransportError } from "../errors/errors.ts";
import { abortError } from "../runtime/call.ts";
import type { CallOptions } from "../runtime/call.ts";
import type { TransportData } from "../runtime/data.ts";
import type { Clock } from "../runtime/time.ts";
import type { PipelineExecution, PipelineExecutionOptions } from "./execution.ts";
import { toTransportData } from "./transport-data.ts";
import type { PipelineInput } from "./transport-data.ts";
import { WaitingQueue } from "./waiting-queue.ts";

/** What a {@link PipelineStream} stands on. */
export interface PipelineStreamOptions {
  readonly open: (
    callbacks: Pick<PipelineExecutionOptions, "onOutput" | "onError">,
  ) => Promise<PipelineExecution>;
  readonly inputs: AsyncIterable<PipelineInput> | Iterable<PipelineInput>;
  readonly clock: Clock;
  readonly call: CallOptions;
}

/** What `next()` has to tell. */
type Item = { readonly output: TransportData } | { readonly error: unknown };

/** See the header. */
export class PipelineStream implements AsyncIterableIterator<TransportData> {
  readonly #options: PipelineStreamOptions;
  readonly #items = new WaitingQueue<Item>();
  /** Calls of `next()` wait for each other. */
  #turn: Promise<unknown> = Promise.resolve();
  #started = false;
  #execution: PipelineExecution | undefined;
  #iterator: AsyncIterator<PipelineInput> | Iterator<PipelineInput> | undefined;
  /** Said once, in front of all else, when the stream is cut off. */
  #cut: { readonly error: unknown } | undefined;
  #over = false;
  #settle: () => void = () => undefined;

  constructor(options: PipelineStreamOptions) {
    this.#options = options;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<TransportData, undefined>> {
    if (!this.#started) this.#start();
    const result = this.#turn.then(() => this.#next());
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async return(): Promise<IteratorResult<TransportData, undefined>> {
    this.#started = true;
    await this.#end(new TransportError("ABORTED", "The reader of the stream has left"));
    return { done: true, value: undefined };
  }

  async #next(): Promise<IteratorResult<TransportData, undefined>> {
    const item = await this.#items.shift();
    const cut = this.#cut;
    if (cut !== undefined) {
      this.#cut = undefined;
      throw cut.error;
    }
    if (item === undefined) return { done: true, value: undefined };
    if ("error" in item) throw item.error;
    return { done: false, value: item.output };
  }

  #start(): void {
    this.#started = true;
    const { clock, call } = this.#options;
    const { signal, timeoutMs = Infinity } = call;
    const abort = (): void => this.#cutOff(abortError(signal as AbortSignal, "stream()"));
    if (signal?.aborted === true) return abort();
    signal?.addEventListener("abort", abort, { once: true });
    const late = (): void =>
      this.#cutOff(new TransportError("OPERATION_TIMEOUT", `stream() took longer than ${timeoutMs} ms`));
    const cancel = timeoutMs === Infinity ? undefined : clock.setTimer(clock.now() + timeoutMs, late);
    this.#settle = () => {
      signal?.removeEventListener("abort", abort);
      cancel?.();
    };
    this.#run().then(
      () => this.#finish(),
      (error: unknown) => this.#cutOff(error),
    );
  }

  async #run(): Promise<void> {
    const { open, inputs } = this.#options;
    const execution = await open({
      onOutput: (output) => this.#put({ output }),
      onError: (error) => this.#put({ error }),
    });
    this.#execution = execution;
    if (this.#over) return execution.abort();
    try {
      await this.#feed(execution, inputs);
    } catch (error) {
      if (!this.#over)
        await this.#put({
          error: toTransportError(error, "INVALID_DATA", "The inputs of the stream failed"),
        });
    }
    // A reader may take as long as it likes.
    await execution.close({ timeoutMs: Infinity });
  }

  async #feed(execution: PipelineExecution, inputs: PipelineStreamOptions["inputs"]): Promise<void> {
    const iterator =
      Symbol.asyncIterator in inputs ? inputs[Symbol.asyncIterator]() : inputs[Symbol.iterator]();
    this.#iterator = iterator;
    for (;;) {
      const next = await iterator.next();
      if (next.done === true) break;
      if (this.#over) return;
      try {
        await execution.send(toTransportData(next.value));
      } catch (error) {
        if (this.#over) return;
        await this.#put({ error });
      }
    }
    this.#iterator = undefined;
  }

  async #put(item: Item): Promise<void> {
    await this.#items.push(item);
  }

  /** All has been said. */
  #finish(): void {
    this.#over = true;
    this.#settle();
    this.#items.close();
  }

  /** End now; `next()` rejects once with the reason. */
  #cutOff(error: unknown): void {
    if (this.#over) return;
    this.#cut = { error };
    void this.#end(error);
  }

  async #end(reason: unknown): Promise<void> {
    if (this.#over && this.#execution?.closed !== false) return;
    this.#over = true;
    this.#settle();
    this.#items.clear();
    const iterator = this.#iterator;
    this.#iterator = undefined;
    leave(iterator);
    await this.#execution?.abort(reason);
  }
}

/** Tell the inputs that nobody reads on. They may be waiting for the next one, so nobody waits for them. */
function leave(iterator: AsyncIterator<PipelineInput> | Iterator<PipelineInput> | undefined): void {
  const leaving = async (): Promise<unknown> => iterator?.return?.();
  leaving().catch(() => undefined);
}
