// The half of the public class that runs pipelines. What they are made of is loaded with the first of them.
import { TransportError } from "../errors/errors.ts";
import type { ManifestSource } from "../pipeline/manifest.ts";
import type { NodeFactory } from "../pipeline/node.ts";
import { abortError } from "../runtime/call.ts";
import type { CallOptions } from "../runtime/call.ts";
import type { RuntimeData, TransportData } from "../runtime/data.ts";
import type { TransportRun } from "./run.ts";
import type { SessionRoom, TransportSession } from "./session-room.ts";
import type { StreamOptions } from "./stream-options.ts";

/** See the header; `WebRtcTransport` is one. */
export class PipelineTransport {
  readonly #factories: NodeFactory[] = [];
  readonly #run: () => TransportRun;

  /** @param run what runs now; throws `NOT_STARTED` or `ALREADY_SHUTDOWN` */
  protected constructor(run: () => TransportRun) {
    this.#run = run;
  }

  /**
   * Add a type of node for the pipelines that begin from now on; the last one of a name counts.
   * @throws TransportError `INVALID_DATA` naming what is wrong with it, from here or from the first pipeline
   */
  registerNode(factory: NodeFactory): void {
    this.#factories.push(factory);
    this.#loaded()?.runner.registry.register(factory);
  }

  /**
   * Run one input through a pipeline of its own, without peers.
   *
   * @param manifest JSON or YAML text, or an object; see docs/nodes.md
   * @param options `timeoutMs`: default 30 s
   * @returns its first output
   * @throws TransportError `INVALID_MANIFEST` with all faults in `details.issues`; `PIPELINE_ERROR` with the `nodeId` of
   *   the node that failed, or with `details.reason` `NO_OUTPUT`; `NODE_TIMEOUT`, `OPERATION_TIMEOUT`, `ABORTED`
   */
  async execute(
    manifest: ManifestSource,
    input: TransportData | RuntimeData,
    options: CallOptions = {},
  ): Promise<TransportData> {
    return (await this.#sessions(options)).runner.execute(manifest, input, options);
  }

  /** {@link execute}, as the seed names it. */
  executeUnary(
    manifest: ManifestSource,
    input: TransportData | RuntimeData,
    options: CallOptions = {},
  ): Promise<TransportData> {
    return this.execute(manifest, input, options);
  }

  /**
   * Run inputs through a pipeline of its own, without peers: outputs come as they are made, and end when all inputs have
   * gone through. Nothing is dropped; a reader who is slow holds the inputs up. An error of a node is thrown once by
   * `next()`, and the iteration can go on.
   *
   * @throws TransportError as {@link execute}
   */
  executeStreaming(
    manifest: ManifestSource,
    inputs: AsyncIterable<TransportData | RuntimeData> | Iterable<TransportData | RuntimeData>,
    options: CallOptions = {},
  ): AsyncIterableIterator<TransportData> {
    this.#run();
    let stream: Promise<AsyncIterableIterator<TransportData>> | undefined;
    const open = (): Promise<AsyncIterableIterator<TransportData>> =>
      (stream ??= this.#sessions(options).then(({ runner }) => runner.stream(manifest, inputs, options)));
    // No generator: that would end with the first error of a node.
    const iterator: AsyncIterableIterator<TransportData> = {
      [Symbol.asyncIterator]: () => iterator,
      next: async () => (await open()).next(),
      return: async () => (await (await open()).return?.()) ?? { done: true, value: undefined },
    };
    return iterator;
  }

  /**
   * Start a session: a pipeline that gets what peers send, and whose outputs go to peers. Audio and pictures come with the
   * time of their capture on this host's clock; metadata `source_peer` says whose they are. By default everybody who is
   * connected, or will be, takes part, and every output goes to all of them, but for those with `target_peer` in their
   * metadata; `setRouting()` says otherwise.
   *
   * @example
   * const session = await transport.stream({
   *   version: "v1",
   *   metadata: { name: "conference" },
   *   nodes: [{ id: "mix", node_type: "AudioMixer" }],
   * });
   * @throws TransportError `INVALID_MANIFEST` with all faults in `details.issues`; `SESSION_CREATION_FAILED` beyond
   *   `maxSessions`, or when a node cannot be made; `INVALID_DATA` for an option, `NOT_STARTED`, `ALREADY_SHUTDOWN`
   */
  async stream(
    manifest: ManifestSource,
    options: StreamOptions & CallOptions = {},
  ): Promise<TransportSession> {
    return (await this.#sessions(options)).open(manifest, options);
  }

  /** {@link stream}. @returns the session's id, for {@link getSession} */
  async createSession(manifest: ManifestSource, options: StreamOptions & CallOptions = {}): Promise<string> {
    return (await this.stream(manifest, options)).sessionId;
  }

  /** @throws TransportError `SESSION_NOT_FOUND` */
  getSession(sessionId: string): TransportSession {
    return this.#requireLoaded(sessionId).get(sessionId);
  }

  /** Sessions that have not ended, oldest first. */
  listSessions(): TransportSession[] {
    return this.#loaded()?.list() ?? [];
  }

  /**
   * End a session at once, within a second.
   *
   * @param options `closePeers`: also disconnect its peers that no other session has. Default true
   * @throws TransportError `SESSION_NOT_FOUND`
   */
  async terminateSession(
    sessionId: string,
    { closePeers = true }: { closePeers?: boolean } = {},
  ): Promise<void> {
    const unshared = await this.#requireLoaded(sessionId).terminate(sessionId);
    if (!closePeers) return;
    const { mesh } = this.#run();
    await Promise.all(unshared.map((peerId) => mesh.disconnect(peerId, "user_requested")));
  }

  async #sessions({ signal }: CallOptions): Promise<SessionRoom> {
    const run = this.#run();
    if (signal?.aborted === true) throw abortError(signal, "the pipeline");
    return run.openSessions(this.#factories);
  }

  #loaded(): SessionRoom | undefined {
    try {
      return this.#run().sessions;
    } catch {
      return undefined;
    }
  }

  #requireLoaded(sessionId: string): SessionRoom {
    const room = this.#run().sessions;
    if (room !== undefined) return room;
    throw new TransportError("SESSION_NOT_FOUND", `there is no session ${String(sessionId)}`, {
      sessionId: String(sessionId),
    });
  }
}
