// What exists while a transport runs, from start() to shutdown(): signaling, the mesh and what is sent. Made anew by
// every start().
import { PEER_PROTOCOL_VERSION } from "../channels/control.ts";
import type { HelloFields } from "../channels/control.ts";
import { opusLookaheadSamples } from "../codecs/opus-packet.ts";
import type { ConfigOptions, WebRtcTransportConfig } from "../config/config.ts";
import { TransportError } from "../errors/errors.ts";
import { pixelsOf } from "../config/resolution.ts";
import type { MediaEngine } from "../media/engine/engine.ts";
import { openEngine } from "../media/engine/open-engine.ts";
import type { OpenMedia } from "../peer/live-link.ts";
import type { VideoParts } from "../peer/video-link.ts";
import type { NodeFactory } from "../pipeline/node.ts";
import type { Platform } from "../platform/platform.ts";
import type { AnnounceResult, Capability, SignalingChannel } from "../platform/signaling-channel.ts";
import { limited } from "../runtime/call.ts";
import type { CallOptions } from "../runtime/call.ts";
import type { Emitter } from "../runtime/emitter.ts";
import { uuid4 } from "../runtime/ids.ts";
import type { ScopedLogger } from "../runtime/logger.ts";
import { SignalingClient } from "../signaling/signaling.ts";
import type { SyncOptions } from "../sync/sync-config.ts";
import { AlignedReaders } from "./aligned-readers.ts";
import { ControlDesk, withoutSessions } from "./control-desk.ts";
import type { ControlHandlers } from "./control-desk.ts";
import type { TransportEvents, TransportState } from "./events.ts";
import type { FrameReaders } from "./frame-readers.ts";
import { loadMedia } from "./load-media.ts";
import { loadPipelines } from "./load-pipelines.ts";
import { loadVideo } from "./load-video.ts";
import type { LoadedVideo } from "./load-video.ts";
import { Mesh } from "./mesh.ts";
import type { OutgoingAudio } from "./outgoing-audio.ts";
import { Outbox, requireChannels } from "./outbox.ts";
import type { PictureReaders } from "./picture-readers.ts";
import type { SessionRoom } from "./session-room.ts";
import { SpeakerWatch } from "./speaker-watch.ts";
import type { VideoRoom } from "./video-room.ts";

/** Joining includes loading the codec, the socket and the announcement. */
const JOIN_TIMEOUT_MS = 20_000;

/** What a {@link TransportRun} stands on and reports to. */
export interface TransportRunOptions {
  platform: Platform;
  config: WebRtcTransportConfig;
  localId: string;
  log: ScopedLogger;
  emitter: Emitter<TransportEvents>;
  readers: FrameReaders;
  pictureReaders: PictureReaders;
  /** Sent to every peer in place of samples; null: none. */
  track: object | null;
  /** Of the transport, for those who ask how it is. */
  state: () => TransportState;
}

/** What receives and sends audio; loaded when first needed. */
interface Media {
  readonly engine: MediaEngine;
  readonly openMedia: OpenMedia;
  readonly outgoing: OutgoingAudio;
  readonly aligned: AlignedReaders;
  readonly speakers: SpeakerWatch;
}

/** What {@link TransportRun.join} makes. */
interface Parts {
  readonly mesh: Mesh;
  readonly outbox: Outbox;
  readonly control: ControlDesk;
  /** Undefined when media is disabled. */
  readonly media: Media | undefined;
  /** Undefined when video is disabled, or there can be none here. */
  readonly video: VideoRoom | undefined;
}

/** See the header. {@link TransportRun.join} first; its parts exist from then on. */
export class TransportRun {
  readonly #options: TransportRunOptions;
  readonly #signaling: SignalingChannel;
  readonly #forgetSignaling: () => void;
  #parts: Parts | undefined;
  #closed = false;
  #sessions: SessionRoom | undefined;
  #openingSessions: Promise<SessionRoom> | undefined;

  constructor(options: TransportRunOptions) {
    this.#options = options;
    const { platform, config, log, emitter } = options;
    this.#signaling =
      config.signaling ?? new SignalingClient({ url: config.signalingUrl, platform, logger: log });
    this.#forgetSignaling = this.#signaling.on("stateChange", (state) =>
      emitter.emit("signalingStateChange", state),
    );
  }

  /** @throws Error before {@link join} */
  get mesh(): Mesh {
    return this.#joined().mesh;
  }

  /** @throws Error before {@link join} */
  get outbox(): Outbox {
    return this.#joined().outbox;
  }

  /** @throws Error before {@link join} */
  get control(): ControlDesk {
    return this.#joined().control;
  }

  /** Where received media is worked on; undefined when media is disabled. */
  get mediaHost(): MediaEngine["host"] | undefined {
    return this.#parts?.media?.engine.host;
  }

  /** Undefined when video is disabled, or there can be none here. */
  get video(): VideoRoom | undefined {
    return this.#parts?.video;
  }

  /** Undefined when audio is disabled. @throws Error before {@link join} */
  get aligned(): AlignedReaders | undefined {
    return this.#options.config.audio.enabled ? this.#joined().media?.aligned : undefined;
  }

  /** Sessions and their pipelines; undefined before the first one. */
  get sessions(): SessionRoom | undefined {
    return this.#sessions;
  }

  /**
   * {@link sessions}, loaded if they are not.
   * @param factories of the program, registered so far
   * @throws TransportError `ALREADY_SHUTDOWN` (as rejection)
   */
  openSessions(factories: readonly NodeFactory[]): Promise<SessionRoom> {
    this.#openingSessions ??= this.#openSessions(factories).catch((error: unknown) => {
      this.#openingSessions = undefined;
      throw error;
    });
    return this.#openingSessions;
  }

  /** Hand changed options to what runs; they were checked before. */
  configure(options: ConfigOptions): void {
    const { mesh, outbox, media, video } = this.#joined();
    const { audioBitrateKbps, jitterBufferSizeMs } = options;
    if (audioBitrateKbps !== undefined) outbox.setBitrate(audioBitrateKbps);
    if (jitterBufferSizeMs !== undefined) media?.engine.configure({ jitterBufferSizeMs });
    video?.configure(options);
    mesh.configure(options);
  }

  /**
   * Load what media needs, connect to signaling, announce. Once.
   * @returns who is in the room
   */
  async join(options: CallOptions): Promise<AnnounceResult> {
    const { platform, config } = this.#options;
    const { clock } = platform;
    const endMs = clock.now() + (options.timeoutMs ?? JOIN_TIMEOUT_MS);
    const limits = () => ({ ...options, timeoutMs: Math.max(0, endMs - clock.now()) });
    // What comes of video is kept in step with audio: the engine that does so serves both.
    const hasMedia = config.audio.enabled || config.video.enabled;
    const loaded = hasMedia ? this.#loadMedia() : undefined;
    const loadedVideo = config.video.enabled ? this.#loadVideo() : undefined;
    const ready = Promise.all([loaded, loadedVideo, this.#signaling.connect(limits())]);
    const [media, video] = await limited(ready, clock, "start()", limits()).catch((error: unknown) => {
      loaded?.then(closeMedia, () => undefined);
      loadedVideo?.then(
        (late) => late?.room.close(),
        () => undefined,
      );
      throw error;
    });
    const { emitter, localId, log, readers, track } = this.#options;
    const instanceId = uuid4(platform.randomBytes(16));
    // The mesh listens before the announcement, so that nothing said after it is lost.
    const mesh: Mesh = new Mesh({
      platform,
      config,
      localId,
      hello: () => this.#hello(instanceId, video?.parts),
      signaling: this.#signaling,
      openMedia: media?.openMedia,
      video: video?.parts,
      log,
      emitter,
      onFrame: (frame) => {
        media?.speakers.hear(frame);
        media?.aligned.push(frame);
        readers.push(frame, clock.now());
      },
      track,
      onControl: (peerId, message, answer) => control.receive(peerId, message, answer),
      onEnded: (peerId) => control.release(peerId),
      onReleased: (peerId) => {
        outbox.release(peerId);
        video?.room.release(peerId);
        media?.aligned.remove(peerId);
        media?.speakers.remove(peerId);
      },
    });
    const outgoing = config.audio.enabled ? media?.outgoing : undefined;
    const outbox = new Outbox({ mesh, clock, outgoing, video: video?.room });
    const control = this.#controlDesk(mesh);
    this.#parts = { mesh, outbox, control, media, video: video?.room };
    return limited(this.#announce(limits(), this.#capabilities(video?.parts)), clock, "start()", limits());
  }

  /** Tell every peer, leave the room, close everything. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#sessions?.close();
    this.#parts?.outbox.close();
    this.#parts?.control.close();
    const media = this.#parts?.media;
    // Readers end first: what the end of the connections makes of the sound is not for them.
    media?.aligned.close();
    media?.speakers.close();
    await this.#parts?.mesh.close();
    this.#parts?.video?.close();
    media?.engine.close();
    await this.#signaling.close();
    this.#forgetSignaling();
  }

  #joined(): Parts {
    if (this.#parts === undefined) throw new Error("the room has not been joined yet");
    return this.#parts;
  }

  async #loadMedia(): Promise<Media> {
    const { platform, config, log } = this.#options;
    const { clock } = platform;
    const wallOffsetMs = clock.wallNow() - clock.now();
    const { maxAlignDelayMs } = config;
    const { codec, AlignedRows, OutgoingAudio, PeerMedia } = await loadMedia();
    const engine = await openEngine({
      config: { channels: config.audio.channels, sync: syncOptions(config), wallOffsetMs },
      clock,
      codec,
      mode: config.mediaEngine,
      startWorker: platform.startMediaWorker,
      onFallback: ({ message }) => log.warn("media runs in this thread, there is no worker", { message }),
    });
    const rows = new AlignedRows({ wallOffsetMs, maxAlignDelayMs });
    const aligned = new AlignedReaders({ engine, rows, maxAlignDelayMs, nowMs: () => clock.now() });
    const { emitter } = this.#options;
    const outgoing = new OutgoingAudio({ clock, audio: config.audio, codec, emitter });
    const openMedia: OpenMedia = (options) => new PeerMedia({ ...options, engine });
    return { engine, openMedia, outgoing, aligned, speakers: new SpeakerWatch(clock, emitter) };
  }

  #loadVideo(): Promise<LoadedVideo | undefined> {
    const { platform, config, emitter, log, pictureReaders } = this.#options;
    return loadVideo({ platform, config, readers: pictureReaders, emitter, log });
  }

  #announce(limits: CallOptions, capabilities: Capability[]): Promise<AnnounceResult> {
    const { authToken, room, userData } = this.#options.config;
    const announcement = {
      peerId: this.#options.localId,
      room: room ?? "default",
      capabilities,
      ...(userData !== undefined && { userData }),
      ...(authToken !== undefined && { authToken }),
    };
    return this.#signaling.announce(announcement, limits);
  }

  async #openSessions(factories: readonly NodeFactory[]): Promise<SessionRoom> {
    const { SessionRoom } = await loadPipelines();
    if (this.#closed) throw new TransportError("ALREADY_SHUTDOWN", "the transport has been shut down");
    const { mesh, outbox, media, video } = this.#joined();
    const { platform, config, log, emitter, readers, pictureReaders } = this.#options;
    const aligned = config.audio.enabled ? media?.aligned : undefined;
    const options = { platform, config, log, emitter, readers, pictureReaders, mesh, outbox };
    this.#sessions = new SessionRoom({ ...options, aligned, video, factories });
    return this.#sessions;
  }

  #handlers(): ControlHandlers {
    const none = withoutSessions(this.#options.state);
    const handlers = (): ControlHandlers => this.#sessions?.handlers ?? none;
    return {
      reconfigure: (sessionId, manifest) => handlers().reconfigure(sessionId, manifest),
      pause: (sessionId) => handlers().pause(sessionId),
      resume: (sessionId) => handlers().resume(sessionId),
      status: (sessionId) => (sessionId === undefined ? none : handlers()).status(sessionId),
    };
  }

  #controlDesk(mesh: Mesh): ControlDesk {
    const { platform, config, emitter, log } = this.#options;
    return new ControlDesk({
      clock: platform.clock,
      randomBytes: (length) => platform.randomBytes(length),
      authorize: config.authorizeControl,
      handlers: this.#handlers(),
      transmit: (peerId, message) =>
        requireChannels(mesh.connected(peerId).live.channels, peerId).sendControl(message),
      onAction: (event) => emitter.emit("control", event),
      onFault: (error) => {
        log.warn(error.message, { code: error.code });
        emitter.emit("error", error);
      },
    });
  }

  #hello(instanceId: string, video: VideoParts | undefined): HelloFields {
    const { platform, config } = this.#options;
    const { resolution, framerateFps } = config.video;
    return {
      protocolVersion: PEER_PROTOCOL_VERSION,
      // A browser encodes by itself, and not for least delay.
      audioLookaheadSamples: opusLookaheadSamples(
        platform.name === "browser" ? "voip" : config.audio.application,
      ),
      instanceId,
      capabilities: this.#capabilities(video),
      codecs: [...(config.audio.enabled ? ["opus"] : []), ...(video?.codecs ?? [])],
      ...(video !== undefined && { maxVideo: { ...pixelsOf(resolution), fps: framerateFps } }),
    };
  }

  #capabilities(video: VideoParts | undefined): Capability[] {
    const { audio, enableDataChannel } = this.#options.config;
    const enabled = { audio: audio.enabled, video: video !== undefined, data: enableDataChannel };
    return (["audio", "video", "data"] as const).filter((capability) => enabled[capability]);
  }
}

function closeMedia({ engine, aligned, speakers }: Media): void {
  aligned.close();
  speakers.close();
  engine.close();
}

function syncOptions(config: WebRtcTransportConfig): SyncOptions {
  return {
    jitterBufferSizeMs: config.jitterBufferSizeMs,
    maxJitterBufferMs: config.maxJitterBufferMs,
    minJitterBufferMs: config.minJitterBufferMs,
    mode: config.jitterBufferMode,
    release: config.jitterRelease,
    enableClockDriftCorrection: config.driftCorrection,
    rtcpIntervalMs: config.rtcpIntervalMs,
  };
}
