// One node at work: its queue, one input at a time, further tries and failures. It knows no other node; what it emits goes
// to whoever runs the pipeline. Nothing here rejects or throws.
//
// A node whose time is up gets its signal and a moment to come back. One that does not is left alone: what it still emits
// for that input is dropped and counted, and as it never works on two inputs at a time, those that follow are skipped,
// counted and told of once, until it is done. So a node that hangs for ever holds up nobody, neither others nor the end.
import { TransportError } from "../errors/errors.ts";
import { limited } from "../runtime/call.ts";
import type { RuntimeData, TransportData } from "../runtime/data.ts";
import type { Clock } from "../runtime/time.ts";
import { HoldTime } from "./hold-time.ts";
import type { NodeExecution } from "./manifest.ts";
import { NodeAttempt, SETTLE_MS } from "./node-attempt.ts";
import type { Failure, NodeWork } from "./node-attempt.ts";
import { NodeBreaker } from "./node-breaker.ts";
import { formatError, nodeBusy, nodeError, nodeOff, nodeTimeout } from "./node-errors.ts";
import type { ErrorPlace } from "./node-errors.ts";
import { NodeCounters } from "./node-metrics.ts";
import type { NodeMetrics } from "./node-metrics.ts";
import type { Kind, PipelineNode } from "./node.ts";
import { WaitingQueue } from "./waiting-queue.ts";

/** What a {@link NodeRun} stands on. */
export interface NodeRunOptions {
  readonly nodeId: string;
  /** Initialized. */
  readonly node: PipelineNode;
  readonly accepts: readonly Kind[];
  readonly execution: NodeExecution;
  readonly clock: Clock;
  /** What is wrong with the format of an input; undefined when nothing is. */
  misfit(data: RuntimeData): string | undefined;
  /** Hand on an output. @returns what to wait for until it has found room; it never rejects */
  deliver(output: TransportData): Promise<unknown> | undefined;
  /** Told of every error. @returns what to wait for before the next input; it never rejects */
  onError(error: TransportError): Promise<unknown> | undefined;
}

/** Time for flush(), ms. */
const FLUSH_MS = 30_000;
/** Time for close(), ms. */
const CLOSE_MS = 5_000;
const CLOSE_WHEN_ABORTED_MS = 400;
/** Wait before the first further try, ms; doubled each time. */
const RETRY_MS = 100;

/** Parameters of a `process` that takes a signal. */
const SIGNAL_PARAMETERS = 3;

const DONE = Promise.resolve();

/** See the header. */
export class NodeRun {
  readonly nodeId: string;
  readonly counters = new NodeCounters();
  readonly #options: NodeRunOptions;
  readonly #accepts: ReadonlySet<Kind>;
  readonly #queue = new WaitingQueue<TransportData>();
  readonly #breaker = new NodeBreaker();
  readonly #holds = new HoldTime();
  readonly #working: Promise<void>;
  #execution: NodeExecution;
  /** For calls of a node that does not ask for a signal; making one takes longer than all the rest. */
  #controller = new AbortController();
  /** The last call of the node; it may be over. */
  #attempt: NodeAttempt | undefined;
  /** Whether skipped inputs have been told of since the last that was not. */
  #toldSkipping = false;
  #ended = false;
  #aborted = false;
  #closing: Promise<void> | undefined;
  /** Ends the wait for room. */
  #resume: (() => void) | undefined;
  /** Ends the wait before a further try. */
  #wake: (() => void) | undefined;
  #idle = false;
  readonly #onIdle: (() => void)[] = [];

  constructor(options: NodeRunOptions) {
    this.#options = options;
    this.nodeId = options.nodeId;
    this.#execution = options.execution;
    this.#accepts = new Set(options.accepts);
    this.#working = this.#work();
  }

  /** Whether inputs of this kind come here. */
  accepts(kind: Kind): boolean {
    return this.#accepts.has(kind);
  }

  /** Limits from the next input on. */
  setExecution(execution: NodeExecution): void {
    this.#execution = execution;
  }

  /** Add an input; see {@link WaitingQueue.push}. */
  push(input: TransportData): boolean | Promise<boolean> {
    if (!this.#queue.closed) this.#idle = false;
    return this.#queue.push(input);
  }

  metrics(): NodeMetrics {
    return this.counters.snapshot(this.#queue.size);
  }

  /** Resolves when no input waits or is under way and all it emitted has found room. */
  settled(): Promise<void> {
    return this.#idle ? DONE : new Promise((resolve) => this.#onIdle.push(resolve));
  }

  /** Work off what waits, flush the node, and wait until all it emitted has found room. */
  async finish(): Promise<void> {
    this.#queue.close();
    await this.#working;
    if (!this.#aborted && this.#attempt?.stuck !== true) await this.#flush();
    this.#ended = true;
  }

  /** Close the node, once; an error of it is told, and it has 5 s for it. */
  close(): Promise<void> {
    this.#ended = true;
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Forget what waits, signal the node and close it. Resolves within 600 ms whatever the node does. */
  async abort(reason: unknown): Promise<void> {
    if (!this.#aborted) {
      this.#aborted = true;
      this.#ended = true;
      this.counters.dropped += this.#queue.clear();
      this.#attempt?.end({ error: reason }, reason);
      this.#resume?.();
      this.#wake?.();
    }
    // It ends by itself unless somebody who was told of an error does not come back.
    await this.#within(this.#working, 2 * SETTLE_MS);
    await this.#within(this.close(), CLOSE_WHEN_ABORTED_MS);
  }

  async #work(): Promise<void> {
    for (;;) {
      let input = this.#queue.take();
      if (input === undefined) {
        this.#rest();
        input = await this.#queue.shift();
      }
      if (input === undefined || this.#aborted) break;
      const handling = this.#handle(input);
      if (handling !== undefined) await handling;
      if (this.#holds.held) await this.#room();
    }
    this.#rest();
  }

  #rest(): void {
    this.#idle = true;
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  #handle(input: TransportData): Promise<void> | undefined {
    this.counters.inputs++;
    const place: ErrorPlace = { nodeId: this.nodeId, sequence: input.sequence };
    if (this.#isSkipping(place)) return undefined;
    const misfit = this.#options.misfit(input.data);
    if (misfit !== undefined) return void this.#failed(formatError(place, misfit));
    const work: NodeWork = (emit, signal) => this.#options.node.process(input, emit, signal);
    const outcome = this.#try(place, work);
    if (outcome instanceof Promise) return outcome.then((failure) => this.#conclude(place, failure, work));
    return this.#conclude(place, outcome, work);
  }

  /** Whether the node cannot take an input now; says so once. */
  #isSkipping(place: ErrorPlace): boolean {
    const offMs = this.#breaker.tripped ? this.#breaker.remainingMs(this.#options.clock.now()) : 0;
    if (offMs <= 0 && this.#attempt?.stuck !== true) {
      this.#toldSkipping = false;
      return false;
    }
    this.counters.skipped++;
    if (!this.#toldSkipping) {
      this.#toldSkipping = true;
      this.#tell(offMs > 0 ? nodeOff(place, offMs) : nodeBusy(place));
    }
    return true;
  }

  #conclude(place: ErrorPlace, failure: Failure | undefined, work: NodeWork): Promise<void> | undefined {
    if (failure === undefined) this.#breaker.succeeded();
    else if (this.#mayTryAgain(failure, 0)) return this.#tryAgain(place, failure, work);
    else if (!this.#aborted) this.#failed(nodeError(place, failure.error));
    return undefined;
  }

  /** An input of which something has come out is not worked on again, its outputs would be doubled. */
  #mayTryAgain({ error }: Failure, tries: number): boolean {
    if (this.#aborted || tries >= this.#execution.maxRetries) return false;
    const { stuck = false, emitted = 0 } = this.#attempt ?? {};
    return error instanceof TransportError && error.retryable && !stuck && emitted === 0;
  }

  async #tryAgain(place: ErrorPlace, first: Failure, work: NodeWork): Promise<void> {
    let failure: Failure | undefined = first;
    for (let tries = 0; failure !== undefined && this.#mayTryAgain(failure, tries); tries++) {
      await this.#sleep(RETRY_MS * 2 ** tries);
      if (this.#aborted) return;
      this.counters.retries++;
      failure = await this.#try(place, work);
    }
    if (failure === undefined) this.#breaker.succeeded();
    else if (!this.#aborted) this.#failed(nodeError(place, failure.error));
  }

  async #flush(): Promise<void> {
    const { node } = this.#options;
    if (node.flush === undefined) return;
    const place: ErrorPlace = { nodeId: this.nodeId };
    const failure = await this.#try(place, (emit) => node.flush?.(emit), FLUSH_MS);
    if (failure !== undefined && !this.#aborted) {
      this.counters.errors++;
      this.#tell(nodeError(place, failure.error, "failed to flush"));
    }
    if (this.#holds.held) await this.#room();
  }

  async #close(): Promise<void> {
    const { node, clock } = this.#options;
    const place: ErrorPlace = { nodeId: this.nodeId };
    const closing = async (): Promise<void> => node.close?.();
    try {
      await limited(closing(), clock, "close()", { timeoutMs: CLOSE_MS }, undefined, () =>
        nodeTimeout(place, CLOSE_MS, "close"),
      );
    } catch (error) {
      this.counters.errors++;
      this.#tell(nodeError(place, error, "failed to close"));
    }
  }

  #failed(error: TransportError): void {
    this.counters.errors++;
    this.#breaker.failed(this.#options.clock.now());
    this.#tell(error);
  }

  #tell(error: TransportError): void {
    const wait = this.#options.onError(error);
    if (wait !== undefined) void this.#hold(wait);
  }

  /** Let the node work once. */
  #try(
    place: ErrorPlace,
    work: NodeWork,
    timeoutMs = this.#execution.timeoutMs,
  ): Failure | undefined | Promise<Failure | undefined> {
    const attempt = new NodeAttempt({
      place,
      timeoutMs,
      clock: this.#options.clock,
      holds: this.#holds,
      controller: this.#controllerForCall(),
      emit: this.#emit,
      emittedLate: this.#emittedLate,
      took: this.#took,
    });
    this.#attempt = attempt;
    return attempt.run(work);
  }

  /** A node that listens to its signal gets one of its own, as it may never stop listening. */
  #controllerForCall(): AbortController {
    if (this.#options.node.process.length >= SIGNAL_PARAMETERS) return new AbortController();
    if (this.#controller.signal.aborted) this.#controller = new AbortController();
    return this.#controller;
  }

  readonly #emit = (output: TransportData): Promise<void> => {
    if (this.#ended) {
      this.counters.late++;
      return DONE;
    }
    this.counters.outputs++;
    const wait = this.#options.deliver(output);
    return wait === undefined ? DONE : this.#hold(wait);
  };

  readonly #emittedLate = (): void => {
    this.counters.late++;
  };

  readonly #took = (ms: number): void => this.counters.took(ms);

  /** Let the next input wait for this. */
  #hold(wait: Promise<unknown>): Promise<void> {
    const { clock } = this.#options;
    this.#holds.begin(clock.now());
    return wait.then(() => {
      if (this.#holds.end(clock.now())) this.#resume?.();
    });
  }

  /** Until nothing it gave out waits any more, or the pipeline is aborted. */
  #room(): Promise<void> {
    if (this.#aborted) return DONE;
    return new Promise((resolve) => (this.#resume = resolve));
  }

  async #sleep(ms: number): Promise<void> {
    const { clock } = this.#options;
    let cancel: (() => void) | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      cancel = clock.setTimer(clock.now() + ms, resolve);
    });
    cancel?.();
  }

  async #within(work: Promise<void>, timeoutMs: number): Promise<void> {
    // What does not end in time is left to itself.
    await limited(work, this.#options.clock, "abort()", { timeoutMs }).catch(() => undefined);
  }
}
