// One running pipeline with the peers that feed it and get its outputs: the door of a session. Every input waits its
// turn here; what a session holds ends with it.
import { TransportError } from "../errors/errors.ts";
import type { ManifestSource } from "../pipeline/manifest.ts";
import type { Kind } from "../pipeline/node.ts";
import { limited } from "../runtime/call.ts";
import type { TransportData } from "../runtime/data.ts";
import { isId } from "../runtime/ids.ts";
import type { Clock } from "../runtime/time.ts";
import { checkInput } from "./input-check.ts";
import type { QualityTier } from "./quality-tiers.ts";
import type { OutputRoute, RoutingPolicy } from "./routing.ts";
import type { SessionMetrics } from "./session-counters.ts";
import type { SessionEvent, SessionEventBody, SessionState } from "./session-events.ts";
import { SessionFlow } from "./session-flow.ts";
import type { Deliver, SessionExecution } from "./session-flow.ts";
import { SessionRecorder } from "./session-recorder.ts";
import { SessionRouter } from "./session-router.ts";

/** What a pipeline tells the session that runs it. */
export interface ExecutionListener {
  /** An output; the pipeline is to go on when what it returns has settled. */
  readonly onOutput: (output: TransportData) => void | Promise<void>;
  readonly onError: (error: TransportError) => void;
}

/** What a {@link StreamSession} stands on. */
export interface StreamSessionOptions<Valid, NodeFigures> {
  sessionId: string;
  clock: Clock;
  /** As it was given; recordings hold it. */
  manifest: ManifestSource;
  /** Check a manifest that another one is to be replaced by. @throws TransportError `INVALID_MANIFEST` */
  validate(manifest: ManifestSource): Valid;
  /** Check the manifest and start the pipeline. */
  open(manifest: ManifestSource, listener: ExecutionListener): Promise<SessionExecution<Valid, NodeFigures>>;
  deliver: Deliver;
  /** The quality a peer can take now; undefined while nothing is known. Routes with a tier go by it. */
  tierOf?: ((peerId: string) => QualityTier | undefined) | undefined;
  /** Told of everything; what it throws disturbs nobody. */
  onEvent(event: SessionEvent): void;
}

/** Longest time for what is under way when a session closes, ms. */
const CLOSE_MS = 30_000;

/** Longest time for a pipeline to end at once, ms; the rest of the second that `abort()` may take is ours. */
const ABORT_MS = 900;

/** See the header; `WebRtcTransport.stream()` makes one. */
export class StreamSession<Valid = unknown, NodeFigures = unknown> {
  readonly sessionId: string;
  readonly #options: StreamSessionOptions<Valid, NodeFigures>;
  readonly #router: SessionRouter;
  readonly #flow: SessionFlow<Valid, NodeFigures>;
  readonly #recorders = new Set<SessionRecorder>();
  #manifest: ManifestSource;
  #state: SessionState = "created";
  /** Reconfigurations, one after the other. */
  #changes: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;
  /** Fires when there is no use in waiting for what is under way. */
  readonly #hurry = new AbortController();
  #aborting: Promise<void> | undefined;

  /** Starts nothing yet. */
  constructor(options: StreamSessionOptions<Valid, NodeFigures>) {
    const { sessionId, clock, deliver, tierOf } = options;
    this.sessionId = sessionId;
    this.#options = options;
    this.#manifest = options.manifest;
    this.#router = new SessionRouter({ sessionId, tierOf });
    this.#flow = new SessionFlow({
      clock,
      router: this.#router,
      deliver,
      onInput: (input) => {
        for (const recorder of this.#recorders) recorder.write(input);
      },
      onError: (error) => this.#nodeError(error),
      onUnrouted: (outputId) => this.#tell({ type: "unrouted", outputId }),
      onFailed: ({ peerId, error, suspended }) =>
        this.#tell({ type: "deliveryFailed", peerId, error, suspended }),
    });
  }

  /**
   * Start the pipeline, once; nothing else is to be asked of a session before it has resolved, but to end.
   * @throws TransportError `INVALID_MANIFEST`, or why the pipeline cannot be started: the session has ended then;
   *   `SESSION_CLOSED` when it was ended meanwhile
   */
  async start(): Promise<void> {
    let execution: SessionExecution<Valid, NodeFigures>;
    try {
      execution = await this.#options.open(this.#manifest, {
        onOutput: (output) => this.#flow.output(output),
        onError: (error) => this.#nodeError(error),
      });
    } catch (error) {
      await this.abort(error);
      throw error;
    }
    if (this.#ending) {
      await execution.abort();
      throw this.#closedError();
    }
    this.#flow.start(execution);
    this.#enter("active");
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Whether inputs are worked on: neither paused nor ended. */
  isActive(): boolean {
    return this.#state === "active";
  }

  /** Whether a first node of the pipeline takes inputs of this kind; `reconfigure` may change it. */
  accepts(kind: Kind): boolean {
    return this.#flow.execution?.accepts(kind) === true;
  }

  /** Peers whose data is an input, and which outputs can go to; in the order in which they were attached. */
  get peers(): readonly string[] {
    return this.#router.attached;
  }

  /**
   * Make what this peer sends an input of the pipeline, and let outputs go to it. Once is enough.
   * @throws TransportError `INVALID_DATA` for what is no peer id, `SESSION_CLOSED`
   */
  attachPeer(peerId: string): void {
    this.#requireOpen();
    if (!isId(peerId)) {
      const expected = "1 to 64 letters, digits, '_' or '-'";
      throw new TransportError("INVALID_DATA", `peerId must be ${expected}, not ${String(peerId)}`);
    }
    if (!this.#router.attach(peerId)) return;
    // Outputs have somebody to go to: the pipeline no longer waits for a program that does not read.
    if (!this.#flow.readers.present) this.#flow.readers.release();
    this.#tell({ type: "peerAttached", peerId });
  }

  /** The opposite; what has come from the peer still goes through the pipeline. Changes nothing where it is not attached. */
  detachPeer(peerId: string): void {
    if (!this.#router.detach(peerId)) return;
    this.#flow.notify({ type: "release", peerId });
    this.#tell({ type: "peerDetached", peerId });
  }

  /** The connection to a peer has come back: its place and all routes are as before. */
  peerReconnected(peerId: string): void {
    if (!this.#router.has(peerId)) return;
    this.#flow.notify({ type: "recovered", peerId });
    this.#tell({ type: "peerReconnected", peerId });
  }

  /**
   * Say who gets outputs from now on; routes stay as they are when left out.
   * @throws TransportError `INVALID_DATA` naming what is wrong with the policy or a route, `SESSION_CLOSED`
   */
  setRouting(policy: RoutingPolicy, routes?: readonly OutputRoute[]): void {
    this.#requireOpen();
    this.#router.setRouting(policy, routes);
  }

  /** `setRouting("selective", routes)`. */
  configureSelectiveRouting(routes: readonly OutputRoute[]): void {
    this.setRouting("selective", routes);
  }

  /**
   * Hand in data of the program; resolves when it has its place in the queue of inputs, which may take until the
   * pipeline has worked on others. A `source_peer` in its metadata is kept. Media while paused is dropped, counted.
   *
   * @throws TransportError `INVALID_DATA`, also for a kind that the pipeline does not take; `SESSION_CLOSED`
   */
  async sendInput(input: TransportData): Promise<void> {
    this.#requireOpen();
    checkInput(input);
    if (!this.accepts(input.data.type)) {
      const message = `no first node of this pipeline takes ${input.data.type}`;
      throw new TransportError("INVALID_DATA", message, { sessionId: this.sessionId });
    }
    return this.#flow.offer(undefined, input);
  }

  /**
   * Take what an attached peer has sent. Media resolves at once: the oldest is dropped where there is too much; other
   * data when there is room for it. A kind that the pipeline does not take is dropped, counted; so is everything when the
   * session ends, and nothing is taken from peers that are not attached.
   *
   * @throws TransportError `SEND_BUFFER_FULL` when 1024 inputs or 32 MiB of this peer wait already; `INVALID_DATA`
   */
  async receive(peerId: string, input: TransportData): Promise<void> {
    if (this.#ending || !this.#router.has(peerId)) return;
    try {
      checkInput(input);
    } catch (error) {
      this.#router.counters.refused(peerId);
      throw error;
    }
    if (this.accepts(input.data.type)) return this.#flow.offer(peerId, input);
    this.#router.counters.refused(peerId, input.data.type);
  }

  /**
   * The next output; null when the session has ended and all have been read. Rejects once with each error of a node, in
   * its place among the outputs, and goes on.
   *
   * Outputs are kept for the program while no peer is attached, and from its first `recvOutput()` or `outputs()` on: 64
   * of them. Then audio and pictures make room by dropping the oldest, counted; everything else makes the pipeline wait.
   * What is routed to peers goes to them besides.
   *
   * @throws TransportError `PIPELINE_ERROR` or `NODE_TIMEOUT` with `nodeId` and `details.sequence`
   */
  recvOutput(): Promise<TransportData | null> {
    return this.#flow.readers.receive();
  }

  /**
   * The outputs as they come, kept as for {@link recvOutput}, up to the end of the session. Errors of nodes are left to
   * the event `nodeError`. Several iterations share the outputs.
   */
  outputs(): AsyncIterableIterator<TransportData> {
    return this.#flow.readers.iterate();
  }

  /** Drop media that comes, counted, and let other input wait; what came before goes on. @throws TransportError `SESSION_CLOSED` */
  async pause(): Promise<void> {
    this.#requireOpen();
    if (this.#state === "paused") return;
    this.#router.inputs.pause();
    this.#enter("paused");
  }

  /** The opposite. @throws TransportError `SESSION_CLOSED` */
  async resume(): Promise<void> {
    this.#requireOpen();
    if (this.#state !== "paused") return;
    this.#router.inputs.resume();
    this.#enter("active");
    this.#flow.pump();
  }

  /**
   * Run another manifest from now on, without losing peers, routes or inputs.
   * @throws TransportError `INVALID_MANIFEST`, and nothing has changed; `SESSION_CLOSED`; why it cannot be started
   */
  async reconfigure(manifest: ManifestSource): Promise<void> {
    this.#requireOpen();
    const valid = this.#options.validate(manifest);
    const change = this.#changes.then(async () => {
      this.#requireOpen();
      await this.#flow.execution?.reconfigure(valid);
      this.#manifest = manifest;
      this.#tell({ type: "reconfigured" });
    });
    this.#changes = change.catch(() => undefined);
    return change;
  }

  /** What it has done so far. */
  metrics(): SessionMetrics<NodeFigures> {
    const { counters, inputs, outputs, deliveries } = this.#router;
    return Object.freeze({
      ...counters.snapshot(),
      sessionId: this.sessionId,
      state: this.#state,
      queuedInputs: inputs.length,
      queuedOutputs: outputs.length,
      queuedDeliveries: deliveries.length,
      nodes: this.#flow.execution?.metrics().nodes ?? {},
    });
  }

  /**
   * Record what enters the pipeline from now on, in its order and with its times of arrival: bytes for `readRecording`,
   * a chunk for the beginning and one for each input. A `sink` that throws ends the recording, not the session.
   *
   * @returns a function that completes the recording; the end of the session does so too
   * @throws TransportError `SESSION_CLOSED`; `SERIALIZATION_ERROR` where the manifest has values that JSON has not
   */
  record(sink: (chunk: Uint8Array) => void): () => void {
    this.#requireOpen();
    const { clock } = this.#options;
    const recorder = new SessionRecorder(sink, clock.now(), (error) => {
      this.#recorders.delete(recorder);
      this.#tell({ type: "recordingFailed", error });
    });
    recorder.begin({ sessionId: this.sessionId, startedAtMs: clock.wallNow(), manifest: this.#manifest });
    if (!recorder.ended) this.#recorders.add(recorder);
    return () => {
      this.#recorders.delete(recorder);
      recorder.end();
    };
  }

  /**
   * End when everything under way is finished: inputs that have been handed in, the pipeline, deliveries. Outputs can
   * still be read then. After 30 s as {@link abort}. Idempotent, never rejects.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** End now: queues are dropped, counted, and waiting calls reject with `SESSION_CLOSED`. Within a second; never rejects. */
  abort(reason?: unknown): Promise<void> {
    if (this.#state === "closed") return Promise.resolve();
    this.#aborting ??= this.#abort(reason);
    return this.#aborting;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    if (this.#aborting !== undefined) return this.#aborting;
    this.#enter("closing");
    this.#router.inputs.resume();
    this.#router.outputs.close();
    this.#flow.readers.release();
    const drained = this.#changes.then(() => this.#flow.drain());
    try {
      await limited(drained, this.#options.clock, "close()", {
        timeoutMs: CLOSE_MS,
        signal: this.#hurry.signal,
      });
    } catch (error) {
      return this.abort(error);
    }
    if (this.#aborting !== undefined) return this.#aborting;
    this.#flow.end();
    this.#finish();
  }

  async #abort(reason: unknown): Promise<void> {
    this.#enter("closing");
    this.#flow.stop(this.#closedError(reason));
    this.#hurry.abort(reason);
    const end = async (): Promise<void> => this.#flow.execution?.abort(reason);
    const ended = end();
    try {
      await limited(ended, this.#options.clock, "abort()", { timeoutMs: ABORT_MS });
    } catch {
      // The pipeline has been told to end and does not: whatever it still makes goes nowhere.
    }
    this.#finish();
  }

  #finish(): void {
    for (const recorder of this.#recorders) recorder.end();
    this.#recorders.clear();
    this.#enter("closed");
  }

  #nodeError(error: TransportError): void {
    if (this.#state === "closed") return;
    this.#router.counters.error();
    this.#flow.readers.fail(error);
    this.#tell({ type: "nodeError", error });
  }

  get #ending(): boolean {
    return this.#state === "closing" || this.#state === "closed";
  }

  #requireOpen(): void {
    if (this.#ending) throw this.#closedError();
  }

  #closedError(cause?: unknown): TransportError {
    const { sessionId } = this;
    return new TransportError("SESSION_CLOSED", `session ${sessionId} has ended`, { sessionId, cause });
  }

  #enter(state: SessionState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#tell({ type: "stateChange", state });
  }

  #tell(event: SessionEventBody): void {
    try {
      this.#options.onEvent({ ...event, sessionId: this.sessionId });
    } catch {
      // Whoever listens has an emitter that reports what listeners throw; nothing of it may end the session.
    }
  }
}
