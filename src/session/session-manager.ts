// All sessions of a transport: makes them, finds them, ends them, and tells them of peers that come back or leave. Ids
// of nodes and streams belong to their session; here everything is named `sessionId/...`.
import { TransportError, toTransportError } from "../errors/errors.ts";
import type { ManifestSource } from "../pipeline/manifest.ts";
import { limited } from "../runtime/call.ts";
import { uuid4 } from "../runtime/ids.ts";
import type { Clock } from "../runtime/time.ts";
import type { QualityTier } from "./quality-tiers.ts";
import type { SessionMetrics } from "./session-counters.ts";
import type { SessionEvent } from "./session-events.ts";
import type { Deliver, SessionExecution } from "./session-flow.ts";
import { StreamSession } from "./stream-session.ts";
import type { ExecutionListener } from "./stream-session.ts";

/** Who runs pipelines; a `PipelineRunner`. */
export interface SessionPipelines<Valid, NodeFigures> {
  /** @throws TransportError `INVALID_MANIFEST` with all faults */
  validate(manifest: ManifestSource): Valid;
  /** @throws TransportError `INVALID_MANIFEST`, or why it cannot be started */
  open(
    manifest: ManifestSource,
    listener: ExecutionListener & { readonly sessionId: string },
  ): Promise<SessionExecution<Valid, NodeFigures>>;
}

/** What a {@link SessionManager} stands on. */
export interface SessionManagerOptions<Valid, NodeFigures> {
  clock: Clock;
  randomBytes(length: number): Uint8Array;
  pipelines: SessionPipelines<Valid, NodeFigures>;
  deliver: Deliver;
  /** The quality a peer of a session can take now; undefined while nothing is known. Routes with a tier go by it. */
  tierOf?: ((peerId: string, sessionId: string) => QualityTier | undefined) | undefined;
  onEvent(event: SessionEvent): void;
  /** Sessions at a time, 1 to 64. Default 10. */
  maxSessions?: number | undefined;
}

const DEFAULT_SESSIONS = 10;
const MAX_SESSIONS = 64;
const UUID_BYTES = 16;

/** How long sessions may finish what is under way when all are closed, ms. */
const DRAIN_MS = 1_000;

/** See the header. */
export class SessionManager<Valid = unknown, NodeFigures = unknown> {
  readonly #options: SessionManagerOptions<Valid, NodeFigures>;
  readonly #maxSessions: number;
  /** Those whose pipelines are being started among them. */
  readonly #sessions = new Map<string, StreamSession<Valid, NodeFigures>>();
  #closed = false;

  /** @throws TransportError `INVALID_CONFIG` for a `maxSessions` out of range */
  constructor(options: SessionManagerOptions<Valid, NodeFigures>) {
    const { maxSessions = DEFAULT_SESSIONS } = options;
    if (!(Number.isInteger(maxSessions) && maxSessions >= 1 && maxSessions <= MAX_SESSIONS)) {
      const message = `maxSessions must be a whole number from 1 to ${MAX_SESSIONS}, not ${String(maxSessions)}`;
      throw new TransportError("INVALID_CONFIG", message);
    }
    this.#options = options;
    this.#maxSessions = maxSessions;
  }

  /**
   * Start a session of its own for a manifest.
   * @throws TransportError `INVALID_MANIFEST`; `SESSION_CREATION_FAILED` when there are too many or the pipeline cannot
   *   be started; `SESSION_CLOSED` after {@link closeAll}
   */
  async create(manifest: ManifestSource): Promise<StreamSession<Valid, NodeFigures>> {
    this.#requireOpen();
    if (this.#sessions.size >= this.#maxSessions) {
      const message = `there are ${this.#maxSessions} sessions already`;
      throw new TransportError("SESSION_CREATION_FAILED", message, {
        details: { maxSessions: this.#maxSessions },
      });
    }
    const session = this.#make(uuid4(this.#options.randomBytes(UUID_BYTES)), manifest);
    this.#sessions.set(session.sessionId, session);
    try {
      await session.start();
      return session;
    } catch (error) {
      throw creationError(error, session.sessionId);
    }
  }

  /** @throws TransportError `SESSION_NOT_FOUND` */
  get(sessionId: string): StreamSession<Valid, NodeFigures> {
    const session = this.#sessions.get(sessionId);
    if (session !== undefined && session.state !== "created") return session;
    throw new TransportError("SESSION_NOT_FOUND", `there is no session ${String(sessionId)}`, {
      sessionId: String(sessionId),
    });
  }

  /** Sessions that have been started and have not ended, oldest first. */
  list(): readonly StreamSession<Valid, NodeFigures>[] {
    return [...this.#sessions.values()].filter(({ state }) => state !== "created");
  }

  /**
   * End a session at once, within a second.
   * @returns its peers that are in no other session
   * @throws TransportError `SESSION_NOT_FOUND`
   */
  async terminate(sessionId: string): Promise<readonly string[]> {
    const session = this.get(sessionId);
    const { peers } = session;
    await session.abort(new TransportError("SESSION_CLOSED", "the session was terminated", { sessionId }));
    const shared = new Set(this.list().flatMap((other) => other.peers));
    return peers.filter((peerId) => !shared.has(peerId));
  }

  /** A peer is gone for good: no session has it any more. */
  peerLeft(peerId: string): void {
    for (const session of this.list()) session.detachPeer(peerId);
  }

  /** The connection to a peer has come back. */
  peerReconnected(peerId: string): void {
    for (const session of this.list()) session.peerReconnected(peerId);
  }

  /** Metrics by `sessionId`, and those of its nodes by `sessionId/nodeId`. A snapshot. */
  metrics(): {
    readonly sessions: Readonly<Record<string, SessionMetrics<NodeFigures>>>;
    readonly nodes: Readonly<Record<string, NodeFigures>>;
  } {
    const all = this.list().map((session) => session.metrics());
    const nodes = all.flatMap(({ sessionId, nodes: own }) =>
      Object.entries(own).map(([nodeId, figures]) => [`${sessionId}/${nodeId}`, figures] as const),
    );
    return Object.freeze({
      sessions: Object.freeze(Object.fromEntries(all.map((metrics) => [metrics.sessionId, metrics]))),
      nodes: Object.freeze(Object.fromEntries(nodes)),
    });
  }

  /** End all sessions, those that do not finish within a second by force; no others can be made. Never rejects. */
  async closeAll(): Promise<void> {
    this.#closed = true;
    await Promise.all(Array.from(this.#sessions.values(), (session) => this.#end(session)));
  }

  #make(sessionId: string, manifest: ManifestSource): StreamSession<Valid, NodeFigures> {
    const { clock, pipelines, deliver, tierOf } = this.#options;
    return new StreamSession<Valid, NodeFigures>({
      sessionId,
      clock,
      manifest,
      validate: (source) => pipelines.validate(source),
      open: (source, listener) => pipelines.open(source, { ...listener, sessionId }),
      deliver,
      tierOf: tierOf && ((peerId) => tierOf(peerId, sessionId)),
      onEvent: (event) => this.#event(event),
    });
  }

  #event(event: SessionEvent): void {
    if (event.type === "stateChange" && event.state === "closed") this.#sessions.delete(event.sessionId);
    this.#options.onEvent(event);
  }

  async #end(session: StreamSession<Valid, NodeFigures>): Promise<void> {
    try {
      await limited(session.close(), this.#options.clock, "close()", { timeoutMs: DRAIN_MS });
    } catch {
      // It has had its time.
      await session.abort();
    }
  }

  #requireOpen(): void {
    if (this.#closed) throw new TransportError("SESSION_CLOSED", "the transport is shutting down");
  }
}

function creationError(error: unknown, sessionId: string): TransportError {
  const cause = toTransportError(error, "INTERNAL_ERROR", "the pipeline could not be started");
  if (cause.code === "INVALID_MANIFEST" || cause.code === "SESSION_CLOSED") return cause;
  return new TransportError("SESSION_CREATION_FAILED", cause.message, {
    sessionId,
    nodeId: cause.nodeId,
    suggestion: cause.suggestion,
    cause,
  });
}
