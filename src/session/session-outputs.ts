// Outputs of a session that wait for the program to read them, and errors of nodes among them, in order. Audio and
// pictures make room by dropping the oldest, everything else makes the pipeline wait. Reads no clock.
import type { TransportError } from "../errors/errors.ts";
import type { TransportData } from "../runtime/data.ts";
import { DataQueue } from "./data-queue.ts";
import type { Held, QueueBounds } from "./data-queue.ts";
import type { SessionCounters } from "./session-counters.ts";

/** What can be read next. */
export type NextOutput =
  | { readonly type: "output"; readonly value: TransportData }
  | { readonly type: "error"; readonly error: TransportError };

const MAX_OUTPUTS = 64;

/**
 * At most while the session closes: nobody has to read before `close()` settles, and no more comes than what was in the
 * pipeline.
 */
const MAX_CLOSING_OUTPUTS = 4_096;

/** Errors that nobody has read; the oldest go, all are counted and told as events. */
const MAX_ERRORS = 16;

interface Output extends Held {
  readonly order: number;
}

function bounds(total: number): QueueBounds {
  const { POSITIVE_INFINITY: any } = Number;
  return { audioMs: any, pictures: any, others: any, otherBytes: any, total };
}

/** See the header. */
export class SessionOutputs {
  readonly #counters: SessionCounters;
  #queue = new DataQueue<Output>(bounds(MAX_OUTPUTS));
  readonly #errors: { readonly error: TransportError; readonly order: number }[] = [];
  #nextOrder = 0;
  #capacity = MAX_OUTPUTS;

  constructor(counters: SessionCounters) {
    this.#counters = counters;
  }

  /** Outputs to read. */
  get length(): number {
    return this.#queue.length;
  }

  /** Whether more is here than should be: who made the last output is to wait. */
  get crowded(): boolean {
    return this.#queue.length > this.#capacity;
  }

  /** Append an output. What may not be dropped is kept in any case, and the queue may be {@link crowded} then. */
  push(value: TransportData): void {
    const item = { value, order: this.#nextOrder++ };
    if (this.#queue.offer(item) === "full") this.#queue.push(item);
    for (const { item: dropped, reason } of this.#queue.takeDropped()) {
      this.#counters.dropped(reason, dropped.value.data.type);
    }
  }

  /** Append an error, to be read once. */
  fail(error: TransportError): void {
    this.#errors.push({ error, order: this.#nextOrder++ });
    if (this.#errors.length > MAX_ERRORS) this.#errors.shift();
  }

  /** The oldest output or error. @param errors false to pass over errors, which are forgotten */
  take(errors: boolean): NextOutput | undefined {
    if (!errors) this.#errors.length = 0;
    const [failure] = this.#errors;
    const output = this.#queue.head;
    if (failure !== undefined && failure.order < (output?.order ?? Infinity)) {
      this.#errors.shift();
      return { type: "error", error: failure.error };
    }
    if (output === undefined) return undefined;
    this.#queue.shift();
    return { type: "output", value: output.value };
  }

  /** Make room for everything that is still in the pipeline. */
  close(): void {
    const queue = new DataQueue<Output>(bounds(MAX_CLOSING_OUTPUTS));
    for (const item of this.#queue.clear()) queue.push(item);
    this.#queue = queue;
    this.#capacity = MAX_CLOSING_OUTPUTS;
  }

  /** Drop everything, counted. */
  clear(): void {
    for (const { value } of this.#queue.clear()) this.#counters.dropped("ended", value.data.type);
    this.#errors.length = 0;
  }
}
