// One native connection to a peer with what runs over it: data channels and media, and the other connection, for video,
// that goes with it. Owns their life; decides nothing about negotiation.
import { PeerChannels, CONTROL_CHANNEL, dataChannelOptions } from "../channels/data-channel.ts";
import type { ControlRefusal } from "../channels/data-channel.ts";
import type { ControlMessage } from "../channels/control-actions.ts";
import type { HelloFields } from "../channels/control.ts";
import { SYNC_CHANNEL, SyncChannel } from "../channels/sync-channel.ts";
import type { ConfigOptions, WebRtcTransportConfig } from "../config/config.ts";
import { toTransportError } from "../errors/errors.ts";
import type { TransportError } from "../errors/errors.ts";
import type { PeerMedia, PeerMediaOptions } from "../media/media.ts";
import type { VideoMedia } from "../media/video/video-media.ts";
import type { LiveAudioFrame } from "../media/engine/engine.ts";
import type {
  IceCandidate,
  IceServer,
  LinkState,
  LinkStatistics,
  PeerLink,
  PeerLinkOptions,
  Platform,
} from "../platform/platform.ts";
import type { DataChannelMessage, RuntimeData } from "../runtime/data.ts";
import type { SyncState } from "../sync/sync-types.ts";
import type { VideoLink, VideoParts } from "./video-link.ts";

/** How often the native side is asked for its figures; getStats costs a browser about a millisecond. */
const STATISTICS_INTERVAL_MS = 1_000;

/** Answers a control action over the connection it came by. @throws TransportError as `PeerChannels.sendControl` */
export type AnswerControl = (message: ControlMessage) => void;

/** What a live link tells the peer connection. */
export interface LiveLinkEvents {
  candidate(candidate: IceCandidate): void;
  state(state: LinkState): void;
  /** Connected, with the control channel open where there is one. */
  ready(): void;
  frame(frame: LiveAudioFrame): void;
  /** The peer's capture times have become better or worse known. */
  syncState(state: SyncState): void;
  message(message: DataChannelMessage): void;
  data(data: RuntimeData): void;
  /** As `PeerChannelsOptions.onControl`. */
  control(message: ControlMessage, answer: AnswerControl): ControlRefusal | undefined;
  fault(error: TransportError): void;
}

/** Makes what a link's media goes through; it is loaded apart from what every page needs. */
export type OpenMedia = (options: Omit<PeerMediaOptions, "engine">) => PeerMedia;

/** What a {@link LiveLink} is made of. */
export interface LiveLinkOptions {
  platform: Platform;
  config: WebRtcTransportConfig;
  localId: string;
  remoteId: string;
  iceServers: IceServer[];
  hello: HelloFields;
  /** Undefined when media is disabled. */
  openMedia: OpenMedia | undefined;
  /** Undefined when there is no video. */
  video: VideoParts | undefined;
}

/** See the header; made for each attempt, closed once. */
export class LiveLink {
  readonly link: PeerLink;
  readonly channels: PeerChannels | undefined;
  readonly media: PeerMedia | undefined;
  readonly sync: SyncChannel | undefined;
  #video: VideoLink | undefined;
  #statistics: LinkStatistics | undefined;
  #videoStatistics: LinkStatistics | undefined;
  #cancelStatistics: (() => void) | undefined;
  #controlOpen = false;
  #ready = false;
  #closed = false;
  readonly #options: LiveLinkOptions;
  readonly #events: LiveLinkEvents;

  constructor(options: LiveLinkOptions, events: LiveLinkEvents) {
    this.#options = options;
    this.#events = events;
    const { platform, config, remoteId, openMedia } = options;
    const random = (): number => {
      const bytes = platform.randomBytes(4);
      return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    };
    // Never 0: RTCP and SDP treat it as "unknown" in places.
    const ssrc = (random() | 1) >>> 0;
    const fault = (error: unknown): void =>
      events.fault(
        toTransportError(error, "CONNECTION_FAILED", `connection to ${remoteId}`, { peerId: remoteId }),
      );
    this.media =
      openMedia === undefined
        ? undefined
        : openMedia({
            peerId: remoteId,
            clock: platform.clock,
            audio: config.audio,
            rtcpIntervalMs: config.rtcpIntervalMs,
            ssrc,
            cname: options.localId,
            randomBytes: (length) => platform.randomBytes(length),
            onFrame: (frame) => events.frame(frame),
            onPicture: (picture) => options.video?.listener.picture(remoteId, picture, this.video),
            onSent: (mark) => this.sync?.sent(mark),
            onSyncState: (state) => events.syncState(state),
            onFault: fault,
          });
    this.sync = config.enableDataChannel
      ? new SyncChannel({
          peerId: remoteId,
          clock: platform.clock,
          rtcpIntervalMs: config.rtcpIntervalMs,
          random: () => random() / 2 ** 32,
          onExchange: (exchange) => this.media?.addClockExchange(exchange),
          onBeacon: (beacon, receivedAtMs) => this.media?.addBeacon(beacon, receivedAtMs),
          onFault: (error) => events.fault(error),
        })
      : undefined;
    this.channels = config.enableDataChannel
      ? new PeerChannels({
          peerId: remoteId,
          clock: platform.clock,
          hello: options.hello,
          onHello: ({ audioLookaheadSamples, capabilities, codecs }) => {
            this.media?.setSenderLookahead(audioLookaheadSamples);
            if (capabilities.includes("video")) this.#openVideo(codecs);
          },
          onVideoSignal: (signal) => this.#video?.receive(signal),
          onControl: (message) => events.control(message, (answer) => this.channels?.sendControl(answer)),
          onMessage: (message) => events.message(message),
          onData: (data) => events.data(data),
          onFault: (error) => events.fault(error),
          onOpen: (label) => {
            if (label === "control") {
              this.#controlOpen = true;
              this.#video?.start();
            }
            this.#checkReady();
          },
          // Browsers notice a closed connection late by its state and at once by its channels.
          onClosed: (label) => {
            if (label === "control" && this.#ready) events.state("closed");
          },
        })
      : undefined;
    try {
      this.link = platform.openPeerLink(linkOptions(options, ssrc), {
        candidate: (candidate) => events.candidate(candidate),
        state: (state) => {
          events.state(state);
          this.#checkReady();
        },
        rtp: (packet, arrivalMs) => this.media?.receiveRtp(packet, arrivalMs),
        rtcp: (packet, arrivalMs) => this.media?.receiveRtcp(packet, arrivalMs),
        frame: (frame) => this.media?.receiveFrame(frame),
        sent: ({ captureMs, ...mark }) =>
          this.sync?.sent({ media: "audio", ...mark, captureUs: captureMs * 1000 }),
        channel: (channel) =>
          channel.label === SYNC_CHANNEL.label ? this.sync?.attach(channel) : this.channels?.adopt(channel),
        fault,
      });
    } catch (error) {
      this.media?.close();
      this.channels?.close();
      this.sync?.close();
      throw error;
    }
    const sync = this.link.channels.get(SYNC_CHANNEL.label);
    if (sync !== undefined) this.sync?.attach(sync);
    for (const label of ["control", "data"] as const) {
      const port = this.link.channels.get(label);
      if (port !== undefined) this.channels?.attach(label, port);
    }
  }

  /** Native figures, at most a second old; undefined before the first. */
  get statistics(): LinkStatistics | undefined {
    return this.#statistics;
  }

  /** The same of the connection for video. */
  get videoStatistics(): LinkStatistics | undefined {
    return this.#videoStatistics;
  }

  /** The peer's video, while its connection is up. */
  get video(): VideoMedia | undefined {
    return this.#video?.media;
  }

  /** Change settings of the running link. */
  configure(options: ConfigOptions): void {
    this.media?.configure(options);
    this.sync?.configure(options);
    this.#video?.configure(options);
  }

  /** Idempotent; resolves when the native side has let go. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelStatistics?.();
    // Goodbyes go over the channels, which close after it.
    const videoClosed = this.#video?.close();
    this.media?.close();
    this.channels?.close();
    this.sync?.close();
    await Promise.all([videoClosed, this.link.close()]);
  }

  #openVideo(theirCodecs: readonly string[]): void {
    const { platform, config, localId, remoteId, iceServers, video } = this.#options;
    const { media, channels } = this;
    if (this.#closed || media === undefined || channels === undefined || video === undefined) return;
    const events = this.#events;
    this.#video = video.openLink({
      platform,
      config,
      localId,
      remoteId,
      iceServers,
      codecs: video.codecs,
      theirCodecs,
      signal: (signal) => channels.sendVideoSignal(signal),
      onFrame: (frame) => media.receivePicture(frame),
      onSenderReport: (report, receivedAtMs) => media.addVideoReport(report, receivedAtMs),
      onSent: (mark) => this.sync?.sent({ media: "video", ...mark }),
      onDemand: (demand) => video.listener.demand(remoteId, demand),
      onUp: (link) => video.listener.up(link),
      onDown: (link) => video.listener.down(link),
      onFault: (error) => events.fault(error),
    });
    // Messages may come before our side of the channel has opened; our hello goes first.
    if (this.#controlOpen) this.#video.start();
  }

  #checkReady(): void {
    if (this.#ready || this.#closed || this.link.state !== "connected") return;
    if (this.channels !== undefined && !this.#controlOpen) return;
    this.#ready = true;
    // The port knows payload type and level only after negotiation.
    if (this.link.audio !== undefined) this.media?.attach(this.link.audio);
    this.#refreshStatistics();
    this.#events.ready();
  }

  #refreshStatistics(): void {
    if (this.#closed) return;
    Promise.all([this.link.statistics(), this.#video?.statistics()]).then(
      ([statistics, videoStatistics]) => {
        this.#statistics = statistics;
        this.#videoStatistics = videoStatistics;
        this.#scheduleStatistics();
      },
      // A link that closes while it is asked has nothing to say; the close is reported by itself.
      () => this.#scheduleStatistics(),
    );
  }

  #scheduleStatistics(): void {
    if (this.#closed) return;
    const { clock } = this.#options.platform;
    this.#cancelStatistics = clock.setTimer(clock.now() + STATISTICS_INTERVAL_MS, () =>
      this.#refreshStatistics(),
    );
  }
}

function linkOptions(options: LiveLinkOptions, ssrc: number): PeerLinkOptions {
  const { config, localId, remoteId, iceServers } = options;
  const { channels, fec, dtx, bitrateKbps } = config.audio;
  return {
    name: `${localId}->${remoteId}`,
    iceServers,
    iceTransportPolicy: config.networkMode === "relay" ? "relay" : "all",
    ...(config.bindAddress !== undefined && { bindAddress: config.bindAddress }),
    ...(config.audio.enabled && { audio: { ssrc, cname: localId, channels, fec, dtx, bitrateKbps } }),
    channels: config.enableDataChannel
      ? [CONTROL_CHANNEL, SYNC_CHANNEL, dataChannelOptions(config.dataChannelMode)]
      : [],
  };
}
