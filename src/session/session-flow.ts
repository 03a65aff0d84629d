// How data moves through a session: inputs into the pipeline one by one, outputs to readers and to peers, and who waits
// for whom on the way. The asynchronous side of the router; it knows nothing of states.
import { TransportError, toTransportError } from "../errors/errors.ts";
import type { Kind } from "../pipeline/node.ts";
import type { TransportData } from "../runtime/data.ts";
import { Driver } from "../runtime/driver.ts";
import type { Clock } from "../runtime/time.ts";
import type { DeliveriesInput, DeliveriesOutput, OutputTarget } from "./deliveries.ts";
import { OutputReaders } from "./output-readers.ts";
import type { SessionInput } from "./session-inputs.ts";
import type { SessionRouter } from "./session-router.ts";

/** What a session asks of the pipeline it runs. */
export interface SessionExecution<Valid, NodeFigures> {
  /** Hand in an input; resolves when the pipeline has taken it. */
  send(input: TransportData): Promise<void>;
  /** Whether a first node takes inputs of this kind. */
  accepts(kind: Kind): boolean;
  /** Finish what has been handed in. */
  close(): Promise<void>;
  /** End at once. */
  abort(reason?: unknown): Promise<void> | void;
  reconfigure(manifest: Valid): Promise<void>;
  /** Figures of its nodes, by id. */
  metrics(): { readonly nodes: Readonly<Record<string, NodeFigures>> };
}

/**
 * Send an output to peers. @returns why, for each peer that has not been reached; what it rejects with counts for all
 */
export type Deliver = (
  output: TransportData,
  target: OutputTarget,
) => Promise<ReadonlyMap<string, TransportError>>;

/** What a {@link SessionFlow} stands on. */
export interface SessionFlowOptions {
  readonly clock: Clock;
  readonly router: SessionRouter;
  readonly deliver: Deliver;
  /** An input is handed to the pipeline. */
  readonly onInput: (input: SessionInput) => void;
  /** The pipeline has refused an input. */
  readonly onError: (error: TransportError) => void;
  readonly onUnrouted: (outputId: string) => void;
  readonly onFailed: (failure: DeliveriesOutput & { readonly type: "failed" }) => void;
}

interface Settler {
  resolve(): void;
  reject(error: TransportError): void;
}

/** See the header. */
export class SessionFlow<Valid, NodeFigures> {
  readonly readers: OutputReaders;
  readonly #options: SessionFlowOptions;
  readonly #driver: Driver<DeliveriesInput, DeliveriesOutput>;
  #execution: SessionExecution<Valid, NodeFigures> | undefined;
  /** Inputs that wait for room, by ticket. */
  readonly #senders = new Map<number, Settler>();
  /** Who made outputs that wait with many others, by ticket. */
  readonly #crowd = new Map<number, () => void>();
  #nextTicket = 1;
  #pumping = false;
  #stopped = false;
  /** Told when inputs or deliveries may have run out. */
  #whenIdle: (() => void) | undefined;

  constructor(options: SessionFlowOptions) {
    this.#options = options;
    this.readers = new OutputReaders(options.router.outputs);
    this.#driver = new Driver(options.router.deliveries, options.clock, (output) => this.#effect(output));
  }

  get execution(): SessionExecution<Valid, NodeFigures> | undefined {
    return this.#execution;
  }

  start(execution: SessionExecution<Valid, NodeFigures>): void {
    this.#execution = execution;
  }

  /** Let an input in, in its turn. @throws TransportError `SEND_BUFFER_FULL` */
  async offer(peerId: string | undefined, input: TransportData): Promise<void> {
    const { router, clock } = this.#options;
    const offer = router.inputs.offer(peerId, input, clock.now());
    if (offer.type === "refused") {
      throw new TransportError("SEND_BUFFER_FULL", `too many inputs of peer "${peerId}" wait already`, {
        ...(peerId === undefined ? {} : { peerId }),
      });
    }
    if (offer.type !== "waiting") return this.pump();
    return new Promise((resolve, reject) => this.#senders.set(offer.ticket, { resolve, reject }));
  }

  /** Hand on what may go on. */
  pump(): void {
    if (!this.#pumping) void this.#pump();
  }

  /** An output of the pipeline. @returns when whoever made it is to go on; undefined for at once */
  output(output: TransportData): void | Promise<void> {
    if (this.#stopped) return;
    const { router, onUnrouted } = this.#options;
    const kept = this.readers.present || !router.populated;
    const { value, targets, unrouted } = router.route(output, kept);
    if (unrouted !== undefined) onUnrouted(unrouted);
    const waits: Promise<void>[] = [];
    if (targets.length > 0) {
      const wait = this.#send(value, targets);
      if (wait !== undefined) waits.push(wait);
    }
    const wait = kept ? this.readers.push(value) : undefined;
    if (wait !== undefined) waits.push(wait);
    if (waits.length > 0) return Promise.all(waits).then(() => undefined);
  }

  /** Tell deliveries of a change among the peers. */
  notify(change: DeliveriesInput & { readonly type: "release" | "recovered" }): void {
    this.#driver.handle(change);
  }

  /** Finish what has been handed in, to the last delivery. */
  async drain(): Promise<void> {
    const { inputs, deliveries } = this.#options.router;
    this.pump();
    await this.#until(() => inputs.length === 0 && !this.#pumping);
    await this.#execution?.close();
    await this.#until(() => deliveries.length === 0);
  }

  /** Drop everything, counted; whoever waits for room is told `error`. Nothing moves any more. */
  stop(error: TransportError): void {
    this.#stopped = true;
    const { inputs, outputs } = this.#options.router;
    for (const ticket of inputs.clear()) this.#settle(ticket, error);
    outputs.clear();
    this.#driver.handle({ type: "clear" });
    this.end();
  }

  /** No output follows. */
  end(): void {
    this.#stopped = true;
    this.#driver.close();
    this.readers.end();
    for (const resolve of this.#crowd.values()) resolve();
    this.#crowd.clear();
    this.#whenIdle?.();
  }

  async #pump(): Promise<void> {
    const { router, onInput, onError } = this.#options;
    this.#pumping = true;
    for (let input = router.inputs.take(); input !== undefined; input = router.inputs.take()) {
      for (const ticket of router.inputs.admitted()) this.#settle(ticket);
      onInput(input);
      try {
        await this.#execution?.send(input.value);
      } catch (error) {
        if (!this.#stopped)
          onError(toTransportError(error, "PIPELINE_ERROR", "the pipeline refused an input"));
      }
    }
    this.#pumping = false;
    this.#whenIdle?.();
  }

  #send(value: TransportData, targets: readonly OutputTarget[]): Promise<void> | undefined {
    const ticket = this.#nextTicket++;
    let resolve: (() => void) | undefined;
    let settled = false;
    this.#crowd.set(ticket, () => {
      settled = true;
      resolve?.();
    });
    this.#driver.handle({ type: "output", ticket, value, targets });
    return settled ? undefined : new Promise((done) => (resolve = done));
  }

  #effect(output: DeliveriesOutput): void {
    switch (output.type) {
      case "deliver":
        void this.#deliver(output.id, output.value, { peers: output.peers, tier: output.tier });
        break;
      case "room":
        this.#crowd.get(output.ticket)?.();
        this.#crowd.delete(output.ticket);
        break;
      case "failed":
        this.#options.onFailed(output);
        break;
      case "idle":
        this.#whenIdle?.();
    }
  }

  async #deliver(id: number, value: TransportData, target: OutputTarget): Promise<void> {
    let failures: ReadonlyMap<string, TransportError>;
    try {
      failures = await this.#options.deliver(value, target);
    } catch (cause) {
      const error = toTransportError(cause, "INTERNAL_ERROR", "an output could not be sent");
      failures = new Map(target.peers.map((peerId) => [peerId, error]));
    }
    this.#driver.handle({ type: "settled", id, failures });
  }

  async #until(isIdle: () => boolean): Promise<void> {
    while (!isIdle() && !this.#stopped) {
      await new Promise<void>((resolve) => (this.#whenIdle = resolve));
    }
  }

  #settle(ticket: number, error?: TransportError): void {
    const sender = this.#senders.get(ticket);
    this.#senders.delete(ticket);
    if (error === undefined) sender?.resolve();
    else sender?.reject(error);
  }
}
