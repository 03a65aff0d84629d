// The second native connection to a peer, which carries its video and nothing else. It is negotiated over the `control`
// channel of the first one and lives no longer than that; while it is wanted and not there, it is tried again.
import type { VideoSignal } from "../channels/video-signals.ts";
import type { ConfigOptions, WebRtcTransportConfig } from "../config/config.ts";
import type { ErrorCode } from "../errors/codes.ts";
import { TransportError, toTransportError } from "../errors/errors.ts";
import { VideoMedia } from "../media/video/video-media.ts";
import type { VideoMediaOptions } from "../media/video/video-media.ts";
import type { SinkDemand } from "../media/video/video-sink.ts";
import type { IceServer, LinkStatistics, PeerLink, Platform } from "../platform/platform.ts";
import type { VideoCodecName } from "../platform/video-codecs.ts";
import { uuid4 } from "../runtime/ids.ts";
import type { SyncedVideoFrame } from "../sync/sync-types.ts";
import { Connector } from "./connector.ts";
import type { Live, LiveReports, Signals } from "./connector.ts";

/** Between attempts lies this at first, and twice as much after each that failed, ms. */
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 10_000;

/** Where the estimate of a new path begins: most carry it, and probes find more within a second, kbit/s. */
const START_KBPS = 500;

/** The same where only loss and round trips are told: from below it would take a minute. */
const UNTOLD_START_KBPS = 1500;

/** What a {@link VideoLink} tells. */
export interface VideoLinkEvents extends Pick<
  VideoMediaOptions,
  "onFrame" | "onSenderReport" | "onSent" | "onDemand"
> {
  /** Video goes through this from now on. */
  onUp(media: VideoMedia): void;
  /** It does not any more. */
  onDown(media: VideoMedia): void;
  onFault(error: TransportError): void;
}

/** What a {@link VideoLink} stands on. */
export interface VideoLinkOptions extends VideoLinkEvents {
  platform: Platform;
  config: WebRtcTransportConfig;
  localId: string;
  remoteId: string;
  iceServers: IceServer[];
  /** What we can both send and receive, in order of preference; not empty. */
  codecs: readonly VideoCodecName[];
  /** What the other side says it can receive, codecs of audio among them. */
  theirCodecs: readonly string[];
  /** To the other side. @throws TransportError while the channel cannot take it */
  signal: (signal: VideoSignal) => void;
}

/** Who is told of the video of all peers. No callback may throw. */
export interface VideoListener {
  /**
   * A coded picture, in its turn.
   * @param media the link it came by; undefined when that is down by now
   */
  picture(peerId: string, picture: SyncedVideoFrame, media: VideoMedia | undefined): void;
  /** Video can be sent to a peer from now on. */
  up(media: VideoMedia): void;
  /** It cannot any more. */
  down(media: VideoMedia): void;
  /** What a peer, or the path to it, wants of whoever encodes for it. */
  demand(peerId: string, demand: SinkDemand): void;
}

/** What a link to a peer needs to have video; it is loaded apart from what every page needs. */
export interface VideoParts {
  /** What can be both sent and received, in order of preference; not empty. */
  readonly codecs: readonly VideoCodecName[];
  readonly openLink: (options: VideoLinkOptions) => VideoLink;
  readonly listener: VideoListener;
}

/** Nothing changes what two peers can code; the side that finds it out ends the attempt as one it rejects. */
const FINAL: readonly ErrorCode[] = ["CODEC_MISMATCH", "PEER_REJECTED"];

/** See the header. */
export class VideoLink {
  readonly #options: VideoLinkOptions;
  readonly #connector: Connector<VideoLive>;
  #active: VideoLive | undefined;
  #retryMs = FIRST_RETRY_MS;
  #cancelRetry: (() => void) | undefined;
  #started = false;
  #closed = false;
  /** A failure has been told, and nothing has worked since: attempts go on in silence. */
  #told = false;

  constructor(options: VideoLinkOptions) {
    this.#options = options;
    const { platform, config, localId, remoteId } = options;
    this.#connector = new Connector<VideoLive>(
      {
        clock: platform.clock,
        localId,
        remoteId,
        iceTimeoutMs: () => config.iceTimeoutSecs * 1000,
        signals: this.#signals(),
        open: (reports) => Promise.resolve(new VideoLive(options, reports)),
      },
      {
        stateChange: () => undefined,
        connected: (live) => this.#connected(live),
        failed: (code, message) => {
          this.#tell(code, `video connection to "${remoteId}": ${message}`);
          if (!FINAL.includes(code)) this.#retry();
        },
        ended: () => {
          this.#down();
          this.#retry();
        },
        fault: (error) =>
          options.onFault(toTransportError(error, "CONNECTION_FAILED", "closing a video connection")),
      },
    );
  }

  /** The channel takes signals from now on. */
  start(): void {
    if (this.#started || this.#closed) return;
    this.#started = true;
    const { codecs, theirCodecs, remoteId } = this.#options;
    const theirs = theirCodecs.filter((name) => name !== "opus");
    if (theirs.length > 0 && !codecs.some((name) => theirs.includes(name))) {
      const text = `no video with "${remoteId}": it has ${theirs.join(", ")}, we have ${codecs.join(", ")}`;
      return this.#tell("CODEC_MISMATCH", text);
    }
    // One side is enough, and its name tells which: where both offer, one of them does so in vain.
    if (this.#offers) this.#connect();
  }

  /** What goes both ways; undefined while there is no connection. */
  get media(): VideoMedia | undefined {
    return this.#active?.media;
  }

  /** What the native side counts; undefined while there is no connection, or one that is going. Never rejects. */
  async statistics(): Promise<LinkStatistics | undefined> {
    return this.#active?.link.statistics().catch(() => undefined);
  }

  /** Take a word of the other side. */
  receive(signal: VideoSignal): void {
    if (this.#closed) return;
    switch (signal.kind) {
      case "offer":
      case "answer": {
        const { kind, sdp, connectionId, requestId } = signal;
        return this.#connector.handle({ type: kind, sdp, connectionId, requestId });
      }
      case "candidate": {
        const { candidate, connectionId, requestId } = signal;
        return this.#connector.handle({ type: "candidate", candidate, connectionId, requestId });
      }
      case "disconnect": {
        const { connectionId, reason } = signal;
        return this.#connector.handle({ type: "remote-disconnect", connectionId, reason });
      }
    }
  }

  /** Change settings of the running connection; a later one reads them from the configuration. */
  configure(options: ConfigOptions): void {
    for (const { media } of this.#connector.lives) media?.configure(options);
  }

  /** Idempotent; resolves when the native side has let go. */
  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#cancelRetry?.();
      this.#connector.handle({ type: "disconnect", reason: "user_requested" });
      this.#down();
      this.#connector.dispose();
    }
    await this.#connector.settled();
  }

  get #offers(): boolean {
    return this.#options.localId < this.#options.remoteId;
  }

  #connect(): void {
    const newId = (): string => uuid4(this.#options.platform.randomBytes(16));
    this.#connector.handle({ type: "connect", connectionId: newId(), requestId: newId() });
  }

  #retry(): void {
    if (this.#closed || !this.#offers || this.#cancelRetry !== undefined) return;
    const { clock } = this.#options.platform;
    this.#cancelRetry = clock.setTimer(clock.now() + this.#retryMs, () => {
      this.#cancelRetry = undefined;
      this.#connect();
    });
    this.#retryMs = Math.min(LAST_RETRY_MS, 2 * this.#retryMs);
  }

  #tell(code: ErrorCode, message: string): void {
    if (this.#told || this.#closed) return;
    this.#told = true;
    this.#options.onFault(new TransportError(code, message, { peerId: this.#options.remoteId }));
  }

  #connected(live: VideoLive): void {
    this.#down();
    this.#retryMs = FIRST_RETRY_MS;
    this.#told = false;
    this.#active = live;
    if (live.media !== undefined) this.#options.onUp(live.media);
  }

  #down(): void {
    const media = this.#active?.media;
    this.#active = undefined;
    if (media !== undefined) this.#options.onDown(media);
  }

  #signals(): Signals {
    const options = this.#options;
    const sendOr = (word: VideoSignal): void => {
      try {
        options.signal(word);
      } catch (error) {
        // The main connection is going: this one goes with it.
        if (!this.#closed)
          options.onFault(toTransportError(error, "DATA_CHANNEL_ERROR", "negotiating video"));
      }
    };
    // Async, so that what the channel refuses is a rejection.
    return {
      sendOffer: async (sdp, ids) => options.signal({ kind: "offer", sdp, ...ids }),
      sendAnswer: async (sdp, ids) => options.signal({ kind: "answer", sdp, ...ids }),
      sendCandidate: (candidate, ids) => sendOr({ kind: "candidate", candidate, ...ids }),
      sendDisconnect: (reason, connectionId) => sendOr({ kind: "disconnect", reason, connectionId }),
    };
  }
}

/** One native connection with the video on it. */
class VideoLive implements Live {
  readonly link: PeerLink;
  media: VideoMedia | undefined;
  readonly #options: VideoLinkOptions;
  readonly #reports: LiveReports;
  readonly #ssrc: number;
  readonly #rtxSsrc: number;
  #closed = false;

  constructor(options: VideoLinkOptions, reports: LiveReports) {
    this.#options = options;
    this.#reports = reports;
    const { platform, config, localId, remoteId, iceServers, codecs } = options;
    const { bitrateKbps, minBitrateKbps, framerateFps } = config.video;
    // Never 0: RTCP and SDP treat it as "unknown" in places.
    this.#ssrc = (this.#random() | 1) >>> 0;
    this.#rtxSsrc = (this.#ssrc ^ 2) >>> 0;
    const { networkMode, bindAddress } = config;
    this.link = platform.openPeerLink(
      {
        name: `${localId}->${remoteId} video`,
        iceServers,
        iceTransportPolicy: networkMode === "relay" ? "relay" : "all",
        ...(bindAddress !== undefined && { bindAddress }),
        video: {
          ssrc: this.#ssrc,
          rtxSsrc: this.#rtxSsrc,
          cname: localId,
          codecs,
          bitrateKbps,
          minBitrateKbps,
          framerateFps,
        },
        channels: [],
      },
      {
        candidate: (candidate) => reports.candidate(candidate),
        state: (state) => {
          if (state === "connected") this.#begin();
          reports.state(state);
        },
        rtp: (packet, arrivalMs) => this.media?.receiveRtp(packet, arrivalMs),
        rtcp: (packet, arrivalMs) => this.media?.receiveRtcp(packet, arrivalMs),
        videoFrame: (frame) => this.media?.receiveFrame(frame),
        sentVideo: ({ ssrc, rtpTimestamp, captureMs }) =>
          options.onSent({ ssrc, rtpTimestamp, captureUs: captureMs * 1000 }),
        frame: () => undefined,
        sent: () => undefined,
        channel: (channel) => channel.close(),
        fault: (error) =>
          options.onFault(
            toTransportError(error, "CONNECTION_FAILED", `video connection to ${remoteId}`, {
              peerId: remoteId,
            }),
          ),
      },
    );
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.media?.close();
    await this.link.close();
  }

  /** The port knows what was agreed on only after negotiation. */
  #begin(): void {
    const { platform, config, remoteId, localId } = this.#options;
    const { video: port } = this.link;
    const agreement = port?.agreement;
    if (this.media !== undefined || this.#closed || port === undefined || agreement === undefined) return;
    const { bitrateKbps, minBitrateKbps } = config.video;
    const isTold = agreement.remb || (agreement.transportCc && agreement.transportCcId !== 0);
    const usualKbps = isTold ? START_KBPS : UNTOLD_START_KBPS;
    const startKbps = Math.min(bitrateKbps, Math.max(minBitrateKbps, usualKbps));
    this.media = new VideoMedia({
      peerId: remoteId,
      clock: platform.clock,
      port,
      agreement,
      ssrc: this.#ssrc,
      rtxSsrc: this.#rtxSsrc,
      cname: localId,
      rtcpIntervalMs: config.rtcpIntervalMs,
      random: () => this.#random(),
      rates: { minKbps: minBitrateKbps, startKbps, maxKbps: bitrateKbps },
      onFrame: this.#options.onFrame,
      onSenderReport: this.#options.onSenderReport,
      onSent: this.#options.onSent,
      onDemand: this.#options.onDemand,
      onFault: (error) =>
        this.#options.onFault(toTransportError(error, "MEDIA_TRACK_ERROR", "sending video")),
    });
    this.#reports.ready();
  }

  #random(): number {
    const bytes = this.#options.platform.randomBytes(4);
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  }
}
