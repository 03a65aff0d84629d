// The sessions of a transport while it runs: pipelines get what peers send, and what comes out goes to the peers that
// routes name, each in the quality that it can take. Loaded with the first pipeline.
import type { WebRtcTransportConfig } from "../config/config.ts";
import { toTransportError, TransportError } from "../errors/errors.ts";
import type { ManifestSource } from "../pipeline/manifest.ts";
import type { NodeFactory } from "../pipeline/node.ts";
import type { NodeMetrics } from "../pipeline/node-metrics.ts";
import { PipelineRunner } from "../pipeline/runner.ts";
import type { ValidManifest } from "../pipeline/validate-manifest.ts";
import type { Platform } from "../platform/platform.ts";
import type { RuntimeData, TransportData } from "../runtime/data.ts";
import type { Emitter } from "../runtime/emitter.ts";
import type { ScopedLogger } from "../runtime/logger.ts";
import type { OutputTarget } from "../session/deliveries.ts";
import { DEFAULT_TIERS } from "../session/quality-tiers.ts";
import type { SessionEvent } from "../session/session-events.ts";
import { SessionManager } from "../session/session-manager.ts";
import type { StreamSession } from "../session/stream-session.ts";
import type { AlignedReaders } from "./aligned-readers.ts";
import type { ControlHandlers } from "./control-desk.ts";
import type { TransportEvents } from "./events.ts";
import type { FrameReaders } from "./frame-readers.ts";
import type { Mesh } from "./mesh.ts";
import type { Outbox } from "./outbox.ts";
import { PeerTiers } from "./peer-tiers.ts";
import type { PictureReaders } from "./picture-readers.ts";
import { alignedAudio, liveAudio, livePictures, SessionFeed } from "./session-feed.ts";
import type { SessionAudioFormat } from "./session-feed.ts";
import { checkStreamOptions } from "./stream-options.ts";
import type { StreamOptions } from "./stream-options.ts";
import type { VideoRoom } from "./video-room.ts";

/** A session of a transport. */
export type TransportSession = StreamSession<ValidManifest, NodeMetrics>;

/** What a {@link SessionRoom} stands on. */
export interface SessionRoomOptions {
  platform: Platform;
  config: WebRtcTransportConfig;
  log: ScopedLogger;
  emitter: Emitter<TransportEvents>;
  mesh: Mesh;
  outbox: Outbox;
  readers: FrameReaders;
  /** Undefined when audio is disabled. */
  aligned: AlignedReaders | undefined;
  pictureReaders: PictureReaders;
  /** Undefined when there is no video. */
  video: VideoRoom | undefined;
  /** Of the program, registered so far. */
  factories: readonly NodeFactory[];
}

/** What goes with a session. */
interface Held {
  readonly session: TransportSession;
  readonly feed: SessionFeed;
  readonly tiers: PeerTiers;
  /** Who takes part when connected. */
  readonly peers: "all" | readonly string[];
}

/** See the header. */
export class SessionRoom {
  readonly runner: PipelineRunner;
  readonly #options: SessionRoomOptions;
  readonly #manager: SessionManager<ValidManifest, NodeMetrics>;
  readonly #held = new Map<string, Held>();
  readonly #unsubscribe: (() => void)[];

  constructor(options: SessionRoomOptions) {
    this.#options = options;
    const { platform, config, log, factories, emitter } = options;
    this.runner = new PipelineRunner({
      clock: platform.clock,
      logger: log,
      startWorker: platform.startPipelineWorker,
    });
    for (const factory of factories) this.runner.registry.register(factory);
    this.#manager = new SessionManager<ValidManifest, NodeMetrics>({
      clock: platform.clock,
      randomBytes: (length) => platform.randomBytes(length),
      maxSessions: config.maxSessions,
      pipelines: {
        validate: (manifest) => this.runner.validate(manifest),
        open: (manifest, listener) => this.runner.open(manifest, listener),
      },
      deliver: (output, target) => this.#deliver(output, target),
      tierOf: (peerId, sessionId) => this.#held.get(sessionId)?.tiers.tierOf(peerId),
      onEvent: (event) => this.#event(event),
    });
    this.#unsubscribe = [
      emitter.on("peerConnected", ({ peerId }) => this.#peerConnected(peerId)),
      emitter.on("peerDisconnected", ({ peerId }) => this.#manager.peerLeft(peerId)),
      emitter.on("data", ({ peerId, data }) => this.#data(peerId, data)),
    ];
  }

  /** @throws as `WebRtcTransport.stream` */
  async open(manifest: ManifestSource, options: StreamOptions): Promise<TransportSession> {
    checkStreamOptions(options);
    const { platform, video, mesh } = this.#options;
    const { peers = "all", tiers: definitions = DEFAULT_TIERS } = options;
    const tiers = new PeerTiers({
      tiers: definitions,
      nowMs: () => platform.clock.now(),
      bandwidthKbps: (peerId) => video?.bandwidthKbps(peerId),
      lossRate: (peerId) => video?.lossRate(peerId),
      maxVideo: (peerId) => mesh.maxVideo(peerId),
    });
    const session = await this.#manager.create(manifest);
    const feed = this.#feed(session, options.audio ?? {});
    this.#held.set(session.sessionId, { session, feed, tiers, peers });
    const present = peers === "all" ? this.#connected() : peers;
    try {
      for (const peerId of present) session.attachPeer(peerId);
    } catch (error) {
      await session.abort(error);
      throw error;
    }
    feed.refresh();
    return session;
  }

  /** @throws TransportError `SESSION_NOT_FOUND` */
  get(sessionId: string): TransportSession {
    return this.#manager.get(sessionId);
  }

  list(): TransportSession[] {
    return [...this.#manager.list()];
  }

  /** @returns peers that no other session has. @throws TransportError `SESSION_NOT_FOUND` */
  terminate(sessionId: string): Promise<readonly string[]> {
    return this.#manager.terminate(sessionId);
  }

  /** What peers may ask of sessions, where `authorizeControl` lets them. */
  get handlers(): ControlHandlers {
    return {
      reconfigure: (sessionId, manifest) => this.get(sessionId).reconfigure(manifest),
      pause: (sessionId) => this.get(sessionId).pause(),
      resume: (sessionId) => this.get(sessionId).resume(),
      status: (sessionId = "") => {
        const session = this.get(sessionId);
        return { state: session.state, activeNodes: Object.keys(session.metrics().nodes) };
      },
    };
  }

  /** End all sessions; those that do not finish within a second by force. Never rejects. */
  async close(): Promise<void> {
    for (const off of this.#unsubscribe) off();
    for (const { feed } of this.#held.values()) feed.close();
    await this.#manager.closeAll();
  }

  #feed(session: TransportSession, format: SessionAudioFormat): SessionFeed {
    const { readers, aligned, pictureReaders, video } = this.#options;
    const audio =
      format.aligned === true ? aligned && alignedAudio(aligned, format) : liveAudio(readers, format);
    return new SessionFeed({
      session,
      openAudio: aligned && audio,
      openPictures:
        video && ((peerId, signal) => livePictures(pictureReaders.open({ kind: "video", peerId, signal }))),
      onFault: (error) => this.#fault(error),
    });
  }

  #connected(): string[] {
    return this.#options.mesh.peers().flatMap(({ active, remoteId }) => (active ? [remoteId] : []));
  }

  #peerConnected(peerId: string): void {
    for (const { session, peers } of this.#held.values()) {
      if (!isOpen(session) || !(peers === "all" || peers.includes(peerId))) continue;
      session.attachPeer(peerId);
    }
  }

  #data(peerId: string, data: RuntimeData): void {
    for (const { session } of this.#held.values()) {
      if (!session.accepts(data.type)) continue;
      session.receive(peerId, { data, metadata: {} }).catch((error: unknown) => {
        this.#fault(toTransportError(error, "INVALID_DATA", `data of "${peerId}" for a session`, { peerId }));
      });
    }
  }

  async #deliver(
    { data, metadata }: TransportData,
    { peers, tier }: OutputTarget,
  ): Promise<ReadonlyMap<string, TransportError>> {
    const held = this.#held.get(metadata["session_id"] ?? "");
    // Peers move among the forms of one source, and each form keeps its encoder. Without tiers an output may be one peer's
    // picture now and another's next, each for other peers: those are told apart by whom they go to.
    const form = tier && {
      key: [metadata["session_id"], metadata["output_id"], tier].join("/"),
      maxKbps: held?.tiers.kbpsOf(tier),
    };
    try {
      const { failedPeers } = await this.#options.outbox.broadcast(data, { only: peers }, form);
      const failures = new Map(failedPeers.map(({ peerId, error }) => [peerId, error]));
      const connected = new Set(this.#connected());
      for (const peerId of peers) {
        if (connected.has(peerId) || failures.has(peerId)) continue;
        failures.set(
          peerId,
          new TransportError("PEER_NOT_CONNECTED", `peer "${peerId}" is not connected`, { peerId }),
        );
      }
      return failures;
    } catch (error) {
      const failure = toTransportError(error, "INTERNAL_ERROR", "sending an output");
      return new Map(peers.map((peerId) => [peerId, failure]));
    }
  }

  #event(event: SessionEvent): void {
    const held = this.#held.get(event.sessionId);
    if (event.type === "peerDetached") held?.tiers.release(event.peerId);
    if (event.type === "stateChange" && event.state === "closed") {
      held?.feed.close();
      this.#held.delete(event.sessionId);
    } else {
      held?.feed.refresh();
    }
    this.#options.emitter.emit("sessionEvent", event);
  }

  #fault(error: TransportError): void {
    this.#options.emitter.emit("error", error);
  }
}

function isOpen({ state }: TransportSession): boolean {
  return state === "active" || state === "paused";
}
