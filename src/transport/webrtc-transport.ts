// The public class: a room's worth of peers, media and messages. It checks what the caller passes; its life cycle is in
// transport-life.ts, what exists while it runs in run.ts.
import { changeConfig, resolveConfig, validateConfig } from "../config/config.ts";
import type { ConfigOptions, WebRtcTransportConfig, WebRtcTransportOptions } from "../config/config.ts";
import { TransportError, toTransportError } from "../errors/errors.ts";
import type { EndReason } from "../peer/negotiation-io.ts";
import type { PeerConnection } from "../peer/peer-connection.ts";
import type { ConnectionQualityMetrics } from "../peer/quality.ts";
import type { Platform } from "../platform/platform.ts";
import { abortError } from "../runtime/call.ts";
import type { CallOptions } from "../runtime/call.ts";
import type { ControlAction, ControlReplies } from "../runtime/control-action.ts";
import type { AudioFrame, DataChannelMessage, PictureFrame, RuntimeData } from "../runtime/data.ts";
import { Emitter } from "../runtime/emitter.ts";
import { uuid4 } from "../runtime/ids.ts";
import { ScopedLogger, consoleLogger } from "../runtime/logger.ts";
import type { PeerEntry } from "../platform/signaling-channel.ts";
import type { AlignedBlock } from "../sync/aligned-blocks.ts";
import type { AlignedFrameOptions, AlignedFrames, AlignedReaders } from "./aligned-readers.ts";
import type { BroadcastOptions, BroadcastStats } from "./broadcast.ts";
import type { PeerInfo, TransportEvents, TransportState } from "./events.ts";
import type { FlushOptions } from "./outbox.ts";
import type { FlushResult } from "./outgoing-audio.ts";
import { FrameReaders } from "./frame-readers.ts";
import type { FrameOptions } from "./frame-readers.ts";
import { PipelineTransport } from "./pipeline-transport.ts";
import { PictureReaders } from "./picture-readers.ts";
import type { PictureOptions } from "./picture-readers.ts";
import { peerInfo, peerStats } from "./stats.ts";
import type { VideoRoom } from "./video-room.ts";
import type { TransportStats } from "./stats.ts";
import { TransportLife } from "./transport-life.ts";

/**
 * Joins a room, connects to up to 10 peers, sends and receives audio, pictures and messages, and runs pipelines over them.
 *
 * @example
 * await using transport = new WebRtcTransport({ signalingUrl, room: "demo", networkMode: "lan" });
 * await transport.start();
 * for await (const frame of transport.frames()) console.log(frame.peerId, frame.samples.length);
 */
export class WebRtcTransport extends PipelineTransport {
  readonly #platform: Platform;
  readonly #config: WebRtcTransportConfig;
  readonly #emitter: Emitter<TransportEvents>;
  readonly #log: ScopedLogger;
  readonly #peerId: string;
  readonly #readers = new FrameReaders();
  readonly #pictureReaders = new PictureReaders(() => this.#life.run?.video?.readersChanged());
  readonly #life: TransportLife;

  /**
   * No network is touched before `start()`.
   *
   * @param platform the runtime; the package's entry points for Node and browsers supply theirs
   * @throws TransportError `INVALID_CONFIG` with every fault in `details.issues`
   */
  constructor(options: WebRtcTransportOptions, platform: Platform) {
    super(() => this.#life.requireRun());
    this.#config = resolveConfig(options);
    const { warnings } = validateConfig(this.#config);
    if (this.#config.bindAddress !== undefined && !platform.canBind) {
      throw new TransportError("NOT_SUPPORTED", "bindAddress: browsers choose their addresses themselves");
    }
    this.#platform = platform;
    this.#peerId = this.#config.peerId ?? `peer-${uuid4(platform.randomBytes(16))}`;
    const logger = this.#config.logger ?? consoleLogger(console);
    this.#log = new ScopedLogger(logger, this.#config.logLevel, { peerId: this.#peerId });
    this.#emitter = new Emitter((error, event) => {
      const wrapped = toTransportError(error, "INTERNAL_ERROR", `a listener of "${String(event)}" threw`);
      this.#log.error(wrapped.message);
      // A throwing listener of `error` itself is only logged: it would be called again for ever.
      if (event !== "error") this.#emitter.emit("error", wrapped);
    });
    for (const message of warnings) this.#log.warn(message);
    this.#life = new TransportLife({
      platform,
      config: this.#config,
      localId: this.#peerId,
      log: this.#log,
      emitter: this.#emitter,
      readers: this.#readers,
      pictureReaders: this.#pictureReaders,
    });
  }

  /** Own id: the configured one, or `peer-<uuid>`. */
  get peerId(): string {
    return this.#peerId;
  }

  /** Where it is in its life; `stateChange` tells every change. */
  get state(): TransportState {
    return this.#life.state;
  }

  /**
   * Subscribe to an event; see {@link TransportEvents}. A throwing listener disturbs nobody.
   * @returns a function that ends the subscription
   */
  on<Name extends keyof TransportEvents>(
    event: Name,
    listener: (value: TransportEvents[Name]) => void,
  ): () => void {
    return this.#emitter.on(event, listener);
  }

  /** As `on`, for one event. */
  once<Name extends keyof TransportEvents>(
    event: Name,
    listener: (value: TransportEvents[Name]) => void,
  ): () => void {
    return this.#emitter.once(event, listener);
  }

  /**
   * Connect to signaling and join the room; with `autoConnect`, begin to connect to everybody in it. Resolves
   * when announced. Concurrent calls share one start; a stopped transport may start again.
   *
   * @throws TransportError `ALREADY_STARTED`, `SIGNALING_ERROR`, `UNAUTHORIZED`, `PEER_ID_TAKEN`,
   *   `LIMIT_EXCEEDED` (room full), `VERSION_UNSUPPORTED`, `OPERATION_TIMEOUT`, `ABORTED`
   */
  start(options: CallOptions = {}): Promise<void> {
    return this.#life.start(options);
  }

  /**
   * Leave the room, tell every peer, close everything. Never rejects, may be called at any time and again;
   * resolves within 5 s. Nothing keeps the process alive afterwards.
   */
  shutdown(): Promise<void> {
    return this.#life.shutdown();
  }

  /** `shutdown()` at the end of `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  /**
   * Connect to a peer of the room; at once when connected, shared when under way.
   *
   * @returns the peer's id once media and control channel are up
   * @throws TransportError `INVALID_DATA` (no id, or the own one), `PEER_NOT_FOUND`, `PEER_REJECTED`,
   *   `MAX_PEERS_EXCEEDED`, `SDP_ERROR`, `CODEC_MISMATCH`, `OPERATION_TIMEOUT`, `NAT_TRAVERSAL_FAILED`,
   *   `CONNECTION_FAILED`, `ABORTED`
   */
  async connectPeer(peerId: string, options: CallOptions = {}): Promise<string> {
    const { mesh } = this.#life.requireRun();
    if (options.signal?.aborted === true) throw abortError(options.signal, `connectPeer("${peerId}")`);
    await mesh.connect(peerId, options);
    return peerId;
  }

  /**
   * End the connection to a peer and tell it so. Repeating it is harmless; no reconnection follows.
   *
   * @throws TransportError `INVALID_DATA`, `PEER_NOT_FOUND` for an id never seen here
   */
  async disconnectPeer(peerId: string, reason: EndReason = "user_requested"): Promise<void> {
    await this.#life.requireRun().mesh.disconnect(peerId, reason);
  }

  /** The connected peers; with `all`, those that are still connecting too. */
  listPeers(options: { all?: boolean } = {}): PeerInfo[] {
    const infos = (this.#life.run?.mesh.peers() ?? []).map((peer) => this.#info(peer));
    return options.all === true ? infos : infos.filter(({ connectionId }) => connectionId !== null);
  }

  /** @throws TransportError `PEER_NOT_FOUND` unless the peer is connected or connecting */
  getPeer(peerId: string): PeerInfo {
    return this.#info(this.#life.requireRun().mesh.getPeer(peerId));
  }

  /**
   * How good the connection to a peer is, at most a second old; the event `metrics` brings every change.
   *
   * @throws TransportError `PEER_NOT_FOUND` for a peer that is not here, `PEER_NOT_CONNECTED` while it is connecting
   */
  getConnectionMetrics(peerId: string): ConnectionQualityMetrics {
    const { mesh } = this.#life.requireRun();
    const metrics = mesh.metrics(mesh.getPeer(peerId));
    if (metrics !== undefined) return metrics;
    throw new TransportError("PEER_NOT_CONNECTED", `peer "${peerId}" is not connected yet`, { peerId });
  }

  /** Who else is in the room, connected or not, as far as signaling has told. */
  listRoom(): PeerEntry[] {
    return [...(this.#life.run?.mesh.room.values() ?? [])];
  }

  /**
   * Send audio (to the peer's track) or other data (on the `data` channel) to one peer. Audio of any rate and
   * length is queued up to 200 ms beyond real time; after that the send waits. Do not change the samples
   * before it settles.
   *
   * @throws TransportError `INVALID_DATA`, `PEER_NOT_FOUND`, `PEER_NOT_CONNECTED`, `TRACK_NOT_FOUND`,
   *   `MEDIA_TRACK_ERROR`, `ENCODING_ERROR`, `DATA_CHANNEL_NOT_AVAILABLE`, `MESSAGE_TOO_LARGE`,
   *   `SEND_BUFFER_FULL`, `SERIALIZATION_ERROR`, `ABORTED`
   */
  async sendToPeer(peerId: string, data: RuntimeData, options: CallOptions = {}): Promise<void> {
    return this.#life.requireRun().outbox.sendToPeer(peerId, data, options);
  }

  /**
   * Send to every connected peer, or to those that `only` and `exclude` leave. Audio is encoded once for all.
   * The failure of one peer touches no other.
   *
   * @throws TransportError `NO_PEERS_CONNECTED`, `INVALID_DATA`, `ENCODING_ERROR`, `ABORTED`
   */
  async broadcast(data: RuntimeData, options: BroadcastOptions & CallOptions = {}): Promise<BroadcastStats> {
    return this.#life.requireRun().outbox.broadcast(data, options);
  }

  /**
   * Drop the outgoing audio that is queued (barge-in), for all peers. Its first `fadeMs` still leave, fading out. Sends
   * that wait resolve: what they handed in was dropped on purpose, so end its producer before. The next send begins
   * anew at its own time.
   *
   * @returns up to which `timestampUs` audio is heard, and how much is not; the most when peers were sent different audio
   * @throws TransportError `TRACK_NOT_FOUND`, `INVALID_DATA` (fadeMs), `MEDIA_TRACK_ERROR` (no audio), `ABORTED`
   */
  async flush(streamId = "default", options: FlushOptions & CallOptions = {}): Promise<FlushResult> {
    return this.#life.requireRun().outbox.flush(streamId, options);
  }

  /**
   * Wait until all outgoing audio that is queued has left, or was flushed. Without `timeoutMs` as long as that takes.
   *
   * @throws TransportError `TRACK_NOT_FOUND`, `MEDIA_TRACK_ERROR` (no audio), `OPERATION_TIMEOUT`, `ABORTED`,
   *   `ALREADY_SHUTDOWN`
   */
  async drain(streamId = "default", options: CallOptions = {}): Promise<void> {
    return this.#life.requireRun().outbox.drain(streamId, options);
  }

  /**
   * Send a message on the `data` channel; resolves when it is handed over.
   *
   * @throws TransportError `PEER_NOT_FOUND`, `PEER_NOT_CONNECTED`, `DATA_CHANNEL_NOT_AVAILABLE`,
   *   `MESSAGE_TOO_LARGE`, `SEND_BUFFER_FULL`, `SERIALIZATION_ERROR`, `INVALID_DATA`, `ABORTED`
   */
  async sendDataChannelMessage(
    peerId: string,
    message: DataChannelMessage,
    options: CallOptions = {},
  ): Promise<void> {
    return this.#life.requireRun().outbox.sendMessage(peerId, message, options);
  }

  /**
   * Ask a peer for an action, or tell it something. What it refuses, see `authorizeControl`, comes back with `ok: false`;
   * `custom` has no reply: null as soon as it is handed over.
   *
   * @throws TransportError as {@link sendDataChannelMessage}, and `OPERATION_TIMEOUT` without a reply within 10 s
   */
  async sendControl<Action extends ControlAction>(
    peerId: string,
    action: Action,
    options: CallOptions = {},
  ): Promise<ControlReplies[Action["type"]]> {
    return this.#life.requireRun().control.send(peerId, action, options);
  }

  /**
   * Decoded audio of all peers, or of one, from now on, in frames of `frameMs` at `sampleRate`. Each reader has its own
   * queue of 200 ms per peer; the oldest frames are dropped when the program is slower, and the next frame says what is
   * missing. A frame's times are those of its first sample, its quality the worst of its parts (from `received` over
   * `fec`, `plc` and `cng` to `silence`). Ends with `shutdown()`, or when `signal` fires.
   *
   * @throws TransportError `INVALID_DATA` naming the option that is wrong
   */
  frames(options?: FrameOptions): AsyncIterableIterator<AudioFrame>;
  /**
   * Decoded pictures of all peers, or of one, from the next keyframe on, which is asked for. Four of each peer wait for
   * a reader; the oldest are dropped when the program is slower, and `missingBefore` tells. Nothing is decoded that
   * nobody reads.
   *
   * @throws TransportError `INVALID_DATA` naming the option that is wrong, `MEDIA_TRACK_ERROR` without video
   */
  frames(options: PictureOptions): AsyncIterableIterator<PictureFrame>;
  frames(
    options: FrameOptions | PictureOptions = {},
  ): AsyncIterableIterator<AudioFrame> | AsyncIterableIterator<PictureFrame> {
    if (options.kind !== "video") {
      this.#life.requireRun();
      return this.#readers.open(options);
    }
    this.#requireVideo();
    return this.#pictureReaders.open(options);
  }

  /**
   * Ask a peer for a keyframe; it is asked no more often than it can answer.
   *
   * @throws TransportError `MEDIA_TRACK_ERROR` without video, or while there is no video connection to the peer
   */
  requestKeyframe(peerId: string): void {
    this.#requireVideo().requestKeyframe(peerId);
  }

  /**
   * The audio of all peers on one clock: blocks that begin and end at the same instants, from now on, one every
   * `frameMs`, gaps filled and marked. Made of decoded audio that was neither stretched nor resampled to playout's pace;
   * delays nobody's live frames. A block leaves when all are there, or `maxAlignDelayMs` after its end; up to half a
   * second of blocks waits for the program, then the oldest go. Ends with `shutdown()`, or when `signal` fires.
   *
   * @throws TransportError `NOT_STARTED`, `ALREADY_SHUTDOWN`, `INVALID_CONFIG`, `MEDIA_TRACK_ERROR` when audio is disabled
   */
  alignedFrames(options: AlignedFrameOptions = {}): AsyncIterableIterator<AlignedBlock> {
    return this.#requireAligned().open(options);
  }

  /**
   * The next row of live frames that were captured together, at most one of each peer; empty while none may leave.
   * Rows are collected from the first call on; when nobody takes them, the oldest frames go.
   *
   * @param options `windowMs`: how far a frame may lie behind the first of its row, 0 to 100. Default 100
   * @throws TransportError as {@link alignedFrames}
   */
  collectAlignedFrames({ windowMs = 100 }: { windowMs?: number } = {}): AlignedFrames {
    return this.#requireAligned().collect(windowMs);
  }

  /**
   * Send a native audio track, e.g. the microphone's MediaStreamTrack, as it is, to all present and later
   * peers, in place of what `sendToPeer` and `broadcast` send; `null` ends that. Browsers only.
   *
   * @throws TransportError `NOT_SUPPORTED` in Node, `MEDIA_TRACK_ERROR` when a peer's connection refuses it
   */
  async useTrack(track: object | null): Promise<void> {
    if (this.#platform.name !== "browser") {
      throw new TransportError("NOT_SUPPORTED", "useTrack: native tracks exist in browsers only", {
        suggestion: "Send samples with sendToPeer() or broadcast().",
      });
    }
    this.#life.track = track;
    await this.#life.run?.mesh.useTrack(track);
  }

  /**
   * Change options while running, all or nothing; live connections follow within a second, `iceTimeoutSecs`
   * applies from the next attempt on.
   *
   * @throws TransportError `INVALID_CONFIG` with every fault in `details.issues`
   */
  configure(options: ConfigOptions): void {
    changeConfig(this.#config, options);
    this.#life.run?.configure(options);
  }

  /** One frozen snapshot of every counter, per peer. */
  stats(): TransportStats {
    const timestamp = this.#platform.clock.wallNow();
    const { run } = this.#life;
    return Object.freeze({
      timestamp,
      peerId: this.#peerId,
      state: this.state,
      mediaHost: run?.mediaHost ?? null,
      video: run?.video?.outgoingStats ?? null,
      peers: Object.freeze(
        (run?.mesh.peers() ?? []).map((peer) =>
          peerStats(peer, timestamp, run?.video?.decodingStats(peer.remoteId) ?? null),
        ),
      ),
    });
  }

  #info(peer: PeerConnection): PeerInfo {
    const mesh = this.#life.run?.mesh;
    return peerInfo(peer, mesh?.room.get(peer.remoteId), mesh?.metrics(peer));
  }

  #requireVideo(): VideoRoom {
    const { video } = this.#life.requireRun();
    if (video !== undefined) return video;
    throw new TransportError("MEDIA_TRACK_ERROR", "video.enabled is false, or there is no codec here");
  }

  #requireAligned(): AlignedReaders {
    const { aligned } = this.#life.requireRun();
    if (aligned !== undefined) return aligned;
    throw new TransportError("MEDIA_TRACK_ERROR", "audio.enabled is false");
  }
}
