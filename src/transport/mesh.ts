// The mesh while the transport runs: who is in the room, the connection to each peer, and the signals between
// them. Made by start(), ended by shutdown().
import type { ControlMessage } from "../channels/control-actions.ts";
import type { HelloFields } from "../channels/control.ts";
import type { ControlRefusal } from "../channels/data-channel.ts";
import type { ConfigOptions, WebRtcTransportConfig } from "../config/config.ts";
import { TransportError, toTransportError } from "../errors/errors.ts";
import type { LiveAudioFrame } from "../media/engine/engine.ts";
import type { EndReason } from "../peer/negotiation-io.ts";
import type { AnswerControl, OpenMedia } from "../peer/live-link.ts";
import { PeerConnection } from "../peer/peer-connection.ts";
import { PeerManager } from "../peer/peer-manager.ts";
import type { VideoParts } from "../peer/video-link.ts";
import { QualityWatch } from "../peer/quality-watch.ts";
import type { ConnectionQualityMetrics } from "../peer/quality.ts";
import type { Platform } from "../platform/platform.ts";
import { limited } from "../runtime/call.ts";
import type { CallOptions } from "../runtime/call.ts";
import type { Emitter } from "../runtime/emitter.ts";
import { isId } from "../runtime/ids.ts";
import type { ScopedLogger } from "../runtime/logger.ts";
import type {
  AnnounceResult,
  DescriptionMessage,
  PeerEntry,
  PeerLeftReason,
  SignalingChannel,
} from "../platform/signaling-channel.ts";
import type { TransportEvents } from "./events.ts";

/** After this, disconnecting no longer waits for the native side. */
const DISCONNECT_TIMEOUT_MS = 2_000;

/** What a {@link Mesh} stands on and reports to. */
export interface MeshOptions {
  platform: Platform;
  config: WebRtcTransportConfig;
  localId: string;
  /** What the next connection tells of us. */
  hello: () => HelloFields;
  signaling: SignalingChannel;
  /** Undefined when media is disabled. */
  openMedia: OpenMedia | undefined;
  /** Undefined when there is no video. */
  video: VideoParts | undefined;
  log: ScopedLogger;
  emitter: Emitter<TransportEvents>;
  onFrame(frame: LiveAudioFrame): void;
  /** A word of the other program. @returns why it was dropped */
  onControl(peerId: string, message: ControlMessage, answer: AnswerControl): ControlRefusal | undefined;
  /** The connection to a peer that was up is no more. */
  onEnded(peerId: string): void;
  /** Sent to every peer in place of samples; null: none. */
  track: object | null;
  /** A peer is no longer held. */
  onReleased(peerId: string): void;
}

/** See the header. */
export class Mesh {
  /** Who else is in the room, connected or not, as far as signaling has told. */
  readonly room = new Map<string, PeerEntry>();
  readonly #options: MeshOptions;
  readonly #manager: PeerManager<PeerConnection>;
  readonly #watches = new Map<PeerConnection, QualityWatch>();
  readonly #unsubscribe: (() => void)[];
  #track: object | null;
  #closed = false;

  /** Listens from now on, so that nothing said between announcement and `enter` is lost. */
  constructor(options: MeshOptions) {
    this.#options = options;
    this.#track = options.track;
    this.#manager = new PeerManager(options.config);
    this.#unsubscribe = this.#subscribe(options.signaling);
  }

  /** Take over the list of the room and, with `autoConnect`, connect to everybody in it who may be here. */
  enter({ peers }: AnnounceResult): void {
    this.room.clear();
    for (const entry of peers) this.room.set(entry.peerId, entry);
    if (!this.#options.config.autoConnect) return;
    for (const { peerId } of peers) {
      if (this.#manager.getPeer(peerId) !== undefined) continue;
      this.connect(peerId, {}).catch((error: unknown) => {
        const wrapped = toTransportError(error, "CONNECTION_FAILED", `connecting to "${peerId}"`, { peerId });
        this.#options.log.warn(wrapped.message, { remotePeerId: peerId, code: wrapped.code });
      });
    }
  }

  /** @throws as `WebRtcTransport.connectPeer` */
  async connect(peerId: string, options: CallOptions): Promise<void> {
    this.#checkPeerId(peerId);
    await this.#peer(peerId).connect(options);
  }

  /** @throws as `WebRtcTransport.disconnectPeer` */
  async disconnect(peerId: string, reason: EndReason): Promise<void> {
    this.#checkPeerId(peerId);
    const peer = this.#manager.getPeer(peerId);
    if (peer === undefined && this.#manager.hasSeen(peerId)) return;
    if (peer === undefined) throw peerNotFound(peerId);
    await limited(peer.disconnect(reason), this.#options.platform.clock, `disconnectPeer("${peerId}")`, {
      timeoutMs: DISCONNECT_TIMEOUT_MS,
    });
  }

  /** Every peer that is connected or connecting. */
  peers(): PeerConnection[] {
    return this.#manager.listPeers();
  }

  /** @throws TransportError `PEER_NOT_FOUND` unless the peer is connected or connecting */
  getPeer(peerId: string): PeerConnection {
    const peer = this.#manager.getPeer(peerId);
    if (peer === undefined) throw peerNotFound(peerId);
    return peer;
  }

  /**
   * The connection in use to a peer.
   *
   * @throws TransportError `INVALID_DATA`, `PEER_NOT_FOUND`, `PEER_NOT_CONNECTED`
   */
  connected(peerId: string): NonNullable<PeerConnection["active"]> {
    this.#checkPeerId(peerId);
    const active = this.#manager.getPeer(peerId)?.active;
    if (active !== undefined) return active;
    if (!this.room.has(peerId) && !this.#manager.hasSeen(peerId)) throw peerNotFound(peerId);
    throw new TransportError("PEER_NOT_CONNECTED", `peer "${peerId}" is not connected`, { peerId });
  }

  /** How good the connection to a peer is; undefined unless connected. */
  metrics(peer: PeerConnection): ConnectionQualityMetrics | undefined {
    return this.#watches.get(peer)?.metrics;
  }

  /** The largest picture that a peer takes, as it says; undefined while that is not known. */
  maxVideo(peerId: string): HelloFields["maxVideo"] {
    return this.#manager.getPeer(peerId)?.hello?.maxVideo;
  }

  /** Hand changed options to live connections; their bounds were checked before. */
  configure(options: ConfigOptions): void {
    for (const peer of this.#manager.listPeers()) peer.configure(options);
  }

  /** Send `track` to all present and later peers in place of samples; null ends that. */
  async useTrack(track: object | null): Promise<void> {
    this.#track = track;
    await Promise.all(this.#manager.listPeers().map((peer) => this.#sendTrack(peer)));
  }

  /** Tell every peer, leave the room, close the socket and every connection; idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const { signaling, log } = this.#options;
    const peers = this.#manager.listPeers();
    const disconnected = Promise.all(peers.map((peer) => peer.disconnect("user_requested")));
    // The socket goes last: the disconnects above travel over it.
    await signaling.leave().catch((error: unknown) => {
      log.debug(toTransportError(error, "SIGNALING_ERROR", "leaving the room").message);
    });
    for (const off of this.#unsubscribe) off();
    await signaling.close();
    await disconnected;
  }

  // --- what signaling says

  #subscribe(signaling: SignalingChannel): (() => void)[] {
    const { emitter } = this.#options;
    return [
      signaling.on("peerAnnounced", (entry) => {
        this.room.set(entry.peerId, entry);
        emitter.emit("peerAnnounced", entry);
      }),
      signaling.on("peerLeft", ({ peerId, reason }) => this.#peerLeft(peerId, reason)),
      signaling.on("offer", (message) => this.#offer(message)),
      signaling.on("answer", (message) => this.#manager.getPeer(message.from)?.receiveAnswer(message)),
      signaling.on("iceCandidate", (message) =>
        this.#manager.getPeer(message.from)?.receiveCandidate(message),
      ),
      signaling.on("peerDisconnected", (message) =>
        this.#manager.getPeer(message.from)?.receiveDisconnect(message),
      ),
      signaling.on("reconnected", (result) => this.enter(result)),
    ];
  }

  #peerLeft(peerId: string, reason: PeerLeftReason): void {
    this.room.delete(peerId);
    // A peer that left or was kicked is gone; one that only lost its socket may still be connected to us.
    if (reason === "left" || reason === "kicked")
      this.#manager.getPeer(peerId)?.receiveLeft("user_requested");
    this.#options.emitter.emit("peerLeft", { peerId, reason });
  }

  #offer(message: DescriptionMessage): void {
    if (this.#closed) return;
    try {
      this.#peer(message.from).receiveOffer(message);
    } catch (error) {
      const { code, message: text } = toTransportError(error, "PEER_REJECTED", "offer");
      this.#options.log.info(text, { remotePeerId: message.from, code });
      this.#options.signaling.sendDisconnect(message.from, "rejected", message.connectionId);
    }
  }

  // --- peers

  // The connection to `peerId`, made when there is none and it may be here.
  #peer(peerId: string): PeerConnection {
    const existing = this.#manager.getPeer(peerId);
    if (existing !== undefined) return existing;
    this.#manager.admit(peerId);
    const { platform, signaling, config, localId, hello, openMedia, video, emitter } = this.#options;
    const log = this.#options.log.with({ remotePeerId: peerId });
    const known = new Set<string>();
    const peer = new PeerConnection(
      { platform, signaling, config, localId, remoteId: peerId, hello, openMedia, video },
      {
        stateChange: (state) => {
          log.debug("connection state", { state });
          if (state !== "failed" && state !== "closed") return;
          this.#release(peerId, peer);
          // Its native side may still be closing; the machine has nothing left to do.
          peer.dispose();
        },
        connected: (connectionId) => {
          log.info("connected", { connectionId });
          this.#watch(peer, log);
          this.#sendTrack(peer).catch((error: unknown) => {
            emitter.emit("error", toTransportError(error, "MEDIA_TRACK_ERROR", "useTrack", { peerId }));
          });
          emitter.emit("peerConnected", { peerId, connectionId });
        },
        failed: (error) => {
          log.warn(error.message, { code: error.code });
          this.#release(peerId, peer);
          emitter.emit("peerFailed", { peerId, error });
        },
        ended: (reason) => {
          log.info("disconnected", { reason });
          this.#unwatch(peer);
          this.#options.onEnded(peerId);
          this.#release(peerId, peer);
          emitter.emit("peerDisconnected", { peerId, reason });
        },
        frame: (frame) => this.#options.onFrame(frame),
        syncState: (state) => emitter.emit("syncStateChange", { peerId, state }),
        message: (message) => emitter.emit("dataChannelMessage", { peerId, message }),
        data: (data) => emitter.emit("data", { peerId, data }),
        control: (message, answer) => this.#options.onControl(peerId, message, answer),
        fault: (error) => {
          // A peer that sends garbage all day is logged and told once per kind; the counters have the rest.
          const kind = `${error.code} ${JSON.stringify(error.details?.reason ?? null)}`;
          if (known.has(kind)) return log.debug(error.message, { code: error.code });
          known.add(kind);
          log.warn(error.message, { code: error.code });
          emitter.emit("error", error);
        },
      },
    );
    this.#manager.addPeer(peerId, peer);
    return peer;
  }

  async #sendTrack(peer: PeerConnection): Promise<void> {
    const port = peer.active?.live.link.audio;
    if (port?.level === "track") await port.useTrack(this.#track);
  }

  // One watch goes on when another native connection takes over: what it last said of the quality still stands.
  #watch(peer: PeerConnection, log: ScopedLogger): void {
    if (this.#watches.has(peer)) return;
    const { platform, emitter } = this.#options;
    const peerId = peer.remoteId;
    const watch = new QualityWatch(platform.clock, () => peer.active?.live, {
      metrics: (metrics) => emitter.emit("metrics", { peerId, metrics }),
      qualityChange: (change) => emitter.emit("qualityChange", { peerId, ...change }),
      log: (metrics) => log.info("connection quality", { ...metrics }),
    });
    this.#watches.set(peer, watch);
  }

  #unwatch(peer: PeerConnection): void {
    this.#watches.get(peer)?.close();
    this.#watches.delete(peer);
  }

  // Before the program is told: a listener that connects again must get a connection that has not ended.
  #release(peerId: string, peer: PeerConnection): void {
    if (!peer.idle || this.#manager.getPeer(peerId) !== peer) return;
    this.#manager.removePeer(peerId, peer);
    this.#unwatch(peer);
    this.#options.onReleased(peerId);
  }

  #checkPeerId(peerId: string): void {
    if (!isId(peerId)) {
      throw new TransportError("INVALID_DATA", "peerId: expected 1 to 64 letters, digits, '_' or '-'");
    }
    if (peerId === this.#options.localId) {
      throw new TransportError("INVALID_DATA", `peerId: "${peerId}" is this transport's own id`, { peerId });
    }
  }
}

function peerNotFound(peerId: string): TransportError {
  return new TransportError("PEER_NOT_FOUND", `peer "${peerId}" is not known here`, { peerId });
}
