// One call of a node's process() or flush(): what it emits, how long it may take, and what becomes of it when its time is
// up or the pipeline is aborted. The time that its outputs wait for room is not counted.
import { nodeTimeout, outputFault } from "./node-errors.ts";
import type { ErrorPlace } from "./node-errors.ts";
import type { HoldTime } from "./hold-time.ts";
import type { Emit } from "./node.ts";
import type { TransportData } from "../runtime/data.ts";
import type { Clock } from "../runtime/time.ts";

/** What a {@link NodeAttempt} stands on. */
export interface NodeAttemptOptions {
  readonly place: ErrorPlace;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly holds: HoldTime;
  /** Its signal is the node's. */
  readonly controller: AbortController;
  /** Takes what is emitted. */
  emit(output: TransportData): Promise<void>;
  /** Told of what is emitted after the call has failed or was given up; it goes nowhere. */
  emittedLate(): void;
  /** Told once how long it took, ms. */
  took(ms: number): void;
}

/** What a call ended in. */
export interface Failure {
  readonly error: unknown;
}

/** The work of a call. */
export type NodeWork = (emit: Emit, signal: AbortSignal) => void | Promise<void>;

/** After its signal a node may take this long to come back, ms. */
export const SETTLE_MS = 100;
/** A call whose outputs wait is looked at no more often than this, ms. */
const HELD_CHECK_MS = 100;
/** Less is not waited for, ms: times are sums of fractions. */
const LEAST_MS = 0.001;

const DONE = Promise.resolve();

/** See the header. */
export class NodeAttempt {
  readonly #options: NodeAttemptOptions;
  readonly #startMs: number;
  readonly #heldBeforeMs: number;
  #emitted = 0;
  #fault: Failure | undefined;
  /** What ended it from outside. */
  #ending: Failure | undefined;
  #late = false;
  #returned = false;
  #finished = false;
  #resolve: ((failure: Failure | undefined) => void) | undefined;
  #cancelTimer: (() => void) | undefined;

  constructor(options: NodeAttemptOptions) {
    const { clock, holds } = options;
    this.#options = options;
    this.#startMs = clock.now();
    this.#heldBeforeMs = holds.totalMs(this.#startMs);
  }

  /** Outputs so far. */
  get emitted(): number {
    return this.#emitted;
  }

  /** Given up, and the node is still at it. */
  get stuck(): boolean {
    return this.#finished && !this.#returned;
  }

  /** Call once. @returns what went wrong, undefined for nothing; at once if the node did it at once */
  run(work: NodeWork): Failure | undefined | Promise<Failure | undefined> {
    let result;
    try {
      result = work((output) => this.#emit(output), this.#options.controller.signal);
    } catch (error) {
      return this.#return({ error });
    }
    if (!isPromiseLike(result)) return this.#return(undefined);
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#arm(this.#options.timeoutMs);
      result.then(
        () => this.#return(undefined),
        (error: unknown) => this.#return({ error }),
      );
    });
  }

  /** End it from outside: its signal fires with `reason`, and what it emits is dropped. */
  end(failure: Failure, reason: unknown): void {
    if (this.#returned || this.#ending !== undefined) return;
    this.#ending = failure;
    this.#late = true;
    this.#options.controller.abort(reason);
    const { clock } = this.#options;
    this.#cancelTimer?.();
    this.#cancelTimer = clock.setTimer(clock.now() + SETTLE_MS, () => this.#finish(failure));
  }

  #emit(output: TransportData): Promise<void> {
    if (this.#late) {
      this.#options.emittedLate();
      return DONE;
    }
    const fault = outputFault(output);
    if (fault !== undefined) {
      // Nobody may be waiting for this promise: the call as a whole fails.
      this.#fault ??= { error: fault };
      return DONE;
    }
    this.#emitted++;
    return this.#options.emit(output);
  }

  #return(thrown: Failure | undefined): Failure | undefined {
    this.#returned = true;
    const failure = this.#ending ?? thrown ?? this.#fault;
    if (failure !== undefined) this.#late = true;
    this.#finish(failure);
    return failure;
  }

  #finish(failure: Failure | undefined): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#cancelTimer?.();
    this.#options.took(this.#elapsedMs());
    this.#resolve?.(failure);
  }

  #elapsedMs(): number {
    const { clock, holds } = this.#options;
    const nowMs = clock.now();
    return Math.max(0, nowMs - this.#startMs - (holds.totalMs(nowMs) - this.#heldBeforeMs));
  }

  #arm(ms: number): void {
    const { clock } = this.#options;
    this.#cancelTimer = clock.setTimer(clock.now() + ms, () => this.#check());
  }

  #check(): void {
    const { timeoutMs, holds, place } = this.#options;
    const leftMs = timeoutMs - this.#elapsedMs();
    if (leftMs > LEAST_MS) return this.#arm(holds.held ? Math.max(leftMs, HELD_CHECK_MS) : leftMs);
    const error = nodeTimeout(place, timeoutMs);
    this.end({ error }, error);
  }
}

function isPromiseLike(value: void | Promise<void>): value is Promise<void> {
  return typeof (value as Promise<void> | undefined)?.then === "function";
}
