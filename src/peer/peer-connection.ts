// The door to one remote peer: its connection is negotiated over signaling, and those who wait for it are told. What runs
// over it is the live link's business.
import type { ControlRefusal } from "../channels/data-channel.ts";
import type { ControlMessage } from "../channels/control-actions.ts";
import type { HelloFields } from "../channels/control.ts";
import type { ConfigOptions, TurnServers, WebRtcTransportConfig } from "../config/config.ts";
import type { ErrorCode } from "../errors/codes.ts";
import { TransportError, toTransportError } from "../errors/errors.ts";
import type { LiveAudioFrame } from "../media/engine/engine.ts";
import type { IceServer, Platform } from "../platform/platform.ts";
import { limited } from "../runtime/call.ts";
import type { CallOptions } from "../runtime/call.ts";
import type { DataChannelMessage, RuntimeData } from "../runtime/data.ts";
import type { SyncState } from "../sync/sync-types.ts";
import { uuid4 } from "../runtime/ids.ts";
import type {
  CandidateMessage,
  DescriptionMessage,
  DisconnectedMessage,
  SignalingChannel,
} from "../platform/signaling-channel.ts";
import { Connector } from "./connector.ts";
import type { LiveReports, Signals } from "./connector.ts";
import { LiveLink } from "./live-link.ts";
import type { AnswerControl, OpenMedia } from "./live-link.ts";
import type { VideoParts } from "./video-link.ts";
import type { EndReason, NegotiationCounters, NegotiationState } from "./negotiation-io.ts";

/** The only link name so far; a second native connection of the same two peers would have its own. */
const LINK = "media";

/** What a {@link PeerConnection} tells the mesh. */
export interface PeerConnectionEvents {
  stateChange(state: NegotiationState): void;
  connected(connectionId: string): void;
  /** An attempt failed. */
  failed(error: TransportError): void;
  /** A connection that was up is no more. */
  ended(reason: EndReason): void;
  frame(frame: LiveAudioFrame): void;
  /** The peer's capture times have become better or worse known. */
  syncState(state: SyncState): void;
  message(message: DataChannelMessage): void;
  data(data: RuntimeData): void;
  /** As `PeerChannelsOptions.onControl`. */
  control(message: ControlMessage, answer: AnswerControl): ControlRefusal | undefined;
  /** Something the peer sent, or a native call, went wrong; the connection lives. */
  fault(error: TransportError): void;
}

/** What a {@link PeerConnection} stands on. */
export interface PeerConnectionOptions {
  platform: Platform;
  signaling: SignalingChannel;
  /** Read at each attempt, so that `configure()` reaches the next one. */
  config: WebRtcTransportConfig;
  localId: string;
  remoteId: string;
  /** Asked at each attempt, so that `configure()` reaches the next one. */
  hello: () => HelloFields;
  /** Undefined when media is disabled. */
  openMedia: OpenMedia | undefined;
  /** Undefined when there is no video. */
  video: VideoParts | undefined;
}

interface Waiter {
  resolve: () => void;
  reject: (error: TransportError) => void;
}

/** Connection to one remote peer, through any number of native connections over time. */
export class PeerConnection {
  readonly #options: PeerConnectionOptions;
  readonly #events: PeerConnectionEvents;
  readonly #connector: Connector<LiveLink>;
  #waiters: Waiter[] = [];
  #active: { connectionId: string; live: LiveLink; connectedAt: number } | undefined;

  constructor(options: PeerConnectionOptions, events: PeerConnectionEvents) {
    this.#options = options;
    this.#events = events;
    const { localId, remoteId, config, platform } = options;
    this.#connector = new Connector<LiveLink>(
      {
        clock: platform.clock,
        localId,
        remoteId,
        iceTimeoutMs: () => config.iceTimeoutSecs * 1000,
        signals: this.#signals(),
        open: (reports) => this.#open(reports),
      },
      {
        stateChange: (state) => events.stateChange(state),
        connected: (live, connectionId) => this.#connected(live, connectionId),
        failed: (code, message) => this.#failed(code, message),
        ended: (reason) => {
          this.#active = undefined;
          events.ended(reason);
        },
        fault: (error) => events.fault(toTransportError(error, "CONNECTION_FAILED", "closing a connection")),
      },
    );
  }

  get remoteId(): string {
    return this.#options.remoteId;
  }

  get state(): NegotiationState {
    return this.#connector.state;
  }

  /** Whether nothing is connected and nothing under way. */
  get idle(): boolean {
    return this.#connector.idle;
  }

  /** What the peer has said of itself; undefined unless connected, and until its first message has come. */
  get hello(): HelloFields | undefined {
    return this.#active?.live.channels?.remoteHello;
  }

  /** What was dropped in negotiation and why. */
  get counters(): Readonly<NegotiationCounters> {
    return this.#connector.counters;
  }

  /** The connection that carries traffic; undefined unless connected. `connectedAt` in Unix ms. */
  get active(): { connectionId: string; live: LiveLink; connectedAt: number } | undefined {
    return this.#active;
  }

  /**
   * Connect, or join the attempt under way; at once when connected.
   *
   * @throws TransportError `OPERATION_TIMEOUT`, `NAT_TRAVERSAL_FAILED`, `PEER_NOT_FOUND`, `PEER_REJECTED`,
   *   `SDP_ERROR`, `CODEC_MISMATCH`, `CONNECTION_FAILED`, `ABORTED`
   */
  connect(options: CallOptions): Promise<void> {
    if (this.#active !== undefined) return Promise.resolve();
    let waiter: Waiter | undefined;
    const work = new Promise<void>((resolve, reject) => {
      waiter = { resolve, reject };
      this.#waiters.push(waiter);
    });
    const { remoteId, platform } = this.#options;
    this.#connector.handle({ type: "connect", connectionId: this.#newId(), requestId: this.#newId() });
    return limited(
      work,
      platform.clock,
      `connectPeer("${remoteId}")`,
      { ...options, timeoutMs: options.timeoutMs ?? Infinity },
      // The last caller to give up takes the attempt with it, unless the other side began it.
      () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        if (this.#waiters.length === 0 && this.#active === undefined && this.#connector.offering) {
          this.#connector.handle({ type: "disconnect", reason: "user_requested" });
        }
      },
    );
  }

  receiveOffer(message: DescriptionMessage): void {
    this.#connector.handle({ type: "offer", ...exchangeOf(message), sdp: message.sdp });
  }

  receiveAnswer(message: DescriptionMessage): void {
    this.#connector.handle({ type: "answer", ...exchangeOf(message), sdp: message.sdp });
  }

  receiveCandidate(message: CandidateMessage): void {
    const { candidate, sdpMid, sdpMLineIndex, usernameFragment } = message;
    this.#connector.handle({
      type: "candidate",
      ...exchangeOf(message),
      candidate: { candidate, sdpMid, sdpMLineIndex, usernameFragment },
    });
  }

  receiveDisconnect(message: DisconnectedMessage): void {
    this.#connector.handle({
      type: "remote-disconnect",
      connectionId: message.connectionId,
      reason: message.reason,
    });
  }

  /** The peer has left the room: nothing it had with us is of use any more. */
  receiveLeft(reason: EndReason): void {
    this.#connector.handle({ type: "remote-disconnect", connectionId: null, reason });
  }

  /** Hand changed options to the live connections; what concerns attempts is read from the configuration. */
  configure(options: ConfigOptions): void {
    const { audioBitrateKbps } = options;
    for (const live of this.#connector.lives) {
      live.configure(options);
      const port = live.link.audio;
      if (audioBitrateKbps === undefined || port?.level !== "track") continue;
      port.setBitrate(audioBitrateKbps).catch((error: unknown) => {
        this.#events.fault(toTransportError(error, "MEDIA_TRACK_ERROR", "changing the bitrate"));
      });
    }
  }

  /** End everything with this peer and tell it; resolves when the native side has let go. */
  async disconnect(reason: EndReason): Promise<void> {
    this.#connector.handle({ type: "disconnect", reason });
    await this.settled();
  }

  /** Resolves when every native connection that was told to close has closed. */
  async settled(): Promise<void> {
    await this.#connector.settled();
  }

  /** Stop for good after `disconnect`: no timer is left. */
  dispose(): void {
    this.#connector.dispose();
  }

  #signals(): Signals {
    const { signaling, remoteId } = this.#options;
    return {
      sendOffer: (sdp, ids) => signaling.sendOffer(remoteId, sdp, { ...ids, link: LINK }),
      sendAnswer: (sdp, ids) => signaling.sendAnswer(remoteId, sdp, { ...ids, link: LINK }),
      sendCandidate: ({ candidate, sdpMid, sdpMLineIndex, usernameFragment = null }, ids) =>
        signaling.sendIceCandidate(
          remoteId,
          { candidate, sdpMid, sdpMLineIndex, usernameFragment },
          { ...ids, link: LINK },
        ),
      sendDisconnect: (reason, connectionId) => signaling.sendDisconnect(remoteId, reason, connectionId),
    };
  }

  async #open(reports: LiveReports): Promise<LiveLink> {
    const { config, platform, localId, remoteId, hello, openMedia, video } = this.#options;
    const iceServers = await iceServersOf(config);
    const live: LiveLink = new LiveLink(
      { platform, config, localId, remoteId, iceServers, hello: hello(), openMedia, video },
      {
        candidate: (candidate) => reports.candidate(candidate),
        state: (state) => reports.state(state),
        ready: () => reports.ready(),
        frame: (frame) => this.#events.frame(frame),
        syncState: (state) => {
          if (live === this.#active?.live) this.#events.syncState(state);
        },
        message: (message) => this.#events.message(message),
        data: (data) => this.#events.data(data),
        control: (message, answer) => this.#events.control(message, answer),
        fault: (error) => this.#events.fault(error),
      },
    );
    return live;
  }

  #connected(live: LiveLink, connectionId: string): void {
    this.#active = { connectionId, live, connectedAt: this.#options.platform.clock.wallNow() };
    for (const waiter of this.#waiters.splice(0)) waiter.resolve();
    this.#events.connected(connectionId);
  }

  #failed(code: ErrorCode, message: string): void {
    const { remoteId } = this.#options;
    const error = new TransportError(code, `connection to "${remoteId}": ${message}`, { peerId: remoteId });
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
    this.#events.failed(error);
  }

  #newId(): string {
    return uuid4(this.#options.platform.randomBytes(16));
  }
}

function exchangeOf(message: { connectionId: string; requestId: string }): {
  connectionId: string;
  requestId: string;
} {
  return { connectionId: message.connectionId, requestId: message.requestId };
}

async function iceServersOf(config: WebRtcTransportConfig): Promise<IceServer[]> {
  const stun = config.stunServers.map((url) => ({ urls: [url] }));
  const turn = await turnServersOf(config.turnServers);
  return [...stun, ...turn];
}

async function turnServersOf(servers: TurnServers): Promise<IceServer[]> {
  const list = typeof servers === "function" ? await servers() : servers;
  return list.map(({ urls, username, credential }) => ({
    urls: typeof urls === "string" ? [urls] : urls,
    username,
    credential,
  }));
}
