// The door to one remote peer: turns the negotiation machine, carries out what it asks on native connections
// and over signaling, and settles those who wait for the connection.
import type { HelloFields } from "../channels/control.ts";
import type { ConfigOptions, TurnServers, WebRtcTransportConfig } from "../config/config.ts";
import { TransportError, describeError, toTransportError } from "../errors/errors.ts";
import type { LiveAudioFrame, MediaEngine } from "../media/engine/engine.ts";
import type { IceCandidate, IceServer, Platform } from "../platform/platform.ts";
import { limited } from "../runtime/call.ts";
import type { CallOptions } from "../runtime/call.ts";
import type { DataChannelMessage, RuntimeData } from "../runtime/data.ts";
import type { SyncState } from "../sync/sync-types.ts";
import { Driver } from "../runtime/driver.ts";
import { uuid4 } from "../runtime/ids.ts";
import type {
  CandidateMessage,
  DescriptionMessage,
  DisconnectedMessage,
  SignalingChannel,
} from "../platform/signaling-channel.ts";
import { LiveLink } from "./live-link.ts";
import { Negotiation } from "./negotiation.ts";
import type {
  EndReason,
  NegotiationCounters,
  NegotiationInput,
  NegotiationOutput,
  NegotiationState,
} from "./negotiation-io.ts";

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
  hello: HelloFields;
  /** Undefined when audio is disabled. */
  engine: MediaEngine | undefined;
}

interface Entry {
  live: LiveLink | undefined;
  closed: boolean;
  /** Native calls of one connection run one after the other. */
  chain: Promise<void>;
}

interface Waiter {
  resolve: () => void;
  reject: (error: TransportError) => void;
}

/** Connection to one remote peer, through any number of native connections over time. */
export class PeerConnection {
  readonly #options: PeerConnectionOptions;
  readonly #events: PeerConnectionEvents;
  readonly #negotiation: Negotiation;
  readonly #driver: Driver<NegotiationInput, NegotiationOutput>;
  readonly #entries = new Map<string, Entry>();
  readonly #closing = new Set<Promise<void>>();
  #waiters: Waiter[] = [];
  #active: { connectionId: string; live: LiveLink; connectedAt: number } | undefined;

  constructor(options: PeerConnectionOptions, events: PeerConnectionEvents) {
    this.#options = options;
    this.#events = events;
    const { localId, remoteId, config } = options;
    this.#negotiation = new Negotiation({
      localId,
      remoteId,
      iceTimeoutMs: () => config.iceTimeoutSecs * 1000,
    });
    this.#driver = new Driver(this.#negotiation, options.platform.clock, (output) => this.#effect(output));
  }

  get remoteId(): string {
    return this.#options.remoteId;
  }

  get state(): NegotiationState {
    return this.#negotiation.state;
  }

  /** Whether nothing is connected and nothing under way. */
  get idle(): boolean {
    return this.#negotiation.idle;
  }

  /** What was dropped in negotiation and why. */
  get counters(): Readonly<NegotiationCounters> {
    return this.#negotiation.counters;
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
    this.#driver.handle({ type: "connect", connectionId: this.#newId(), requestId: this.#newId() });
    return limited(
      work,
      platform.clock,
      `connectPeer("${remoteId}")`,
      { ...options, timeoutMs: options.timeoutMs ?? Infinity },
      // The last caller to give up takes the attempt with it, unless the other side began it.
      () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        if (this.#waiters.length === 0 && this.#active === undefined && this.#negotiation.offering) {
          this.#driver.handle({ type: "disconnect", reason: "user_requested" });
        }
      },
    );
  }

  receiveOffer(message: DescriptionMessage): void {
    this.#driver.handle({ type: "offer", ...exchangeOf(message), sdp: message.sdp });
  }

  receiveAnswer(message: DescriptionMessage): void {
    this.#driver.handle({ type: "answer", ...exchangeOf(message), sdp: message.sdp });
  }

  receiveCandidate(message: CandidateMessage): void {
    const { candidate, sdpMid, sdpMLineIndex, usernameFragment } = message;
    this.#driver.handle({
      type: "candidate",
      ...exchangeOf(message),
      candidate: { candidate, sdpMid, sdpMLineIndex, usernameFragment },
    });
  }

  receiveDisconnect(message: DisconnectedMessage): void {
    this.#driver.handle({
      type: "remote-disconnect",
      connectionId: message.connectionId,
      reason: message.reason,
    });
  }

  /** The peer has left the room: nothing it had with us is of use any more. */
  receiveLeft(reason: EndReason): void {
    this.#driver.handle({ type: "remote-disconnect", connectionId: null, reason });
  }

  /** Hand changed options to the live connections; what concerns attempts is read from the configuration. */
  configure(options: ConfigOptions): void {
    const { audioBitrateKbps } = options;
    for (const { live } of this.#entries.values()) {
      live?.configure(options);
      const port = live?.link.audio;
      if (audioBitrateKbps === undefined || port?.level !== "track") continue;
      port.setBitrate(audioBitrateKbps).catch((error: unknown) => {
        this.#events.fault(toTransportError(error, "MEDIA_TRACK_ERROR", "changing the bitrate"));
      });
    }
  }

  /** End everything with this peer and tell it; resolves when the native side has let go. */
  async disconnect(reason: EndReason): Promise<void> {
    this.#driver.handle({ type: "disconnect", reason });
    await this.settled();
  }

  /** Resolves when every native connection that was told to close has closed. */
  async settled(): Promise<void> {
    await Promise.all(this.#closing);
  }

  /** Stop for good after `disconnect`: no timer is left. */
  dispose(): void {
    this.#driver.close();
  }

  // --- effects

  #effect(output: NegotiationOutput): void {
    switch (output.type) {
      case "open-link":
        return this.#open(output.connectionId);
      case "create-offer":
        return this.#native(output.connectionId, async (live) => {
          const sdp = await live.link.createOffer();
          this.#driver.handle({ type: "local-offer", connectionId: output.connectionId, sdp });
        });
      case "create-answer":
        return this.#native(output.connectionId, async (live) => {
          const sdp = await live.link.createAnswer(output.sdp);
          this.#driver.handle({ type: "local-answer", connectionId: output.connectionId, sdp });
        });
      case "accept-answer":
        return this.#native(output.connectionId, async (live) => {
          await live.link.acceptAnswer(output.sdp);
          this.#driver.handle({ type: "answer-accepted", connectionId: output.connectionId });
        });
      case "add-candidate":
        return this.#native(output.connectionId, (live) => live.link.addCandidate(output.candidate));
      case "send-offer":
      case "send-answer":
        return this.#sendDescription(output);
      case "send-candidate":
        return this.#sendCandidate(output.candidate, output);
      case "send-disconnect":
        return this.#options.signaling.sendDisconnect(
          this.#options.remoteId,
          output.reason,
          output.connectionId,
        );
      case "close-link":
        return this.#close(output.connectionId);
      case "state":
        return this.#events.stateChange(output.state);
      case "connected":
        return this.#connected(output.connectionId);
      case "failed":
        return this.#failed(output);
      case "ended":
        this.#active = undefined;
        return this.#events.ended(output.reason);
    }
  }

  #open(connectionId: string): void {
    const entry: Entry = { live: undefined, closed: false, chain: Promise.resolve() };
    this.#entries.set(connectionId, entry);
    const { config, platform, localId, remoteId, hello, engine } = this.#options;
    const input = (event: NegotiationInput): void => this.#driver.handle(event);
    entry.chain = iceServersOf(config).then((iceServers) => {
      if (entry.closed) return;
      entry.live = new LiveLink(
        { platform, config, localId, remoteId, iceServers, hello, engine },
        {
          candidate: (candidate) => input({ type: "local-candidate", connectionId, candidate }),
          state: (state) => input({ type: "link-state", connectionId, state }),
          ready: () => input({ type: "ready", connectionId }),
          frame: (frame) => this.#events.frame(frame),
          syncState: (state) => {
            if (entry.live === this.active?.live) this.#events.syncState(state);
          },
          message: (message) => this.#events.message(message),
          data: (data) => this.#events.data(data),
          fault: (error) => this.#events.fault(error),
        },
      );
    });
    entry.chain = entry.chain.catch((error: unknown) => this.#attemptFailed(connectionId, error));
  }

  // Run a native call after those before it; whatever goes wrong ends the attempt, not the process.
  #native(connectionId: string, call: (live: LiveLink) => Promise<void>): void {
    const entry = this.#entries.get(connectionId);
    if (entry === undefined) return;
    entry.chain = entry.chain
      .then(() => (entry.live === undefined || entry.closed ? undefined : call(entry.live)))
      .catch((error: unknown) => {
        if (!entry.closed) this.#attemptFailed(connectionId, error);
      });
  }

  #attemptFailed(connectionId: string, error: unknown): void {
    const { code } = toTransportError(error, "CONNECTION_FAILED", "native connection");
    this.#driver.handle({ type: "attempt-failed", connectionId, code, message: describeError(error) });
  }

  #sendDescription(output: Extract<NegotiationOutput, { type: "send-offer" | "send-answer" }>): void {
    const { signaling, remoteId } = this.#options;
    const { connectionId, requestId, sdp } = output;
    const exchange = { requestId, connectionId, link: LINK };
    const sent =
      output.type === "send-offer"
        ? signaling.sendOffer(remoteId, sdp, exchange)
        : signaling.sendAnswer(remoteId, sdp, exchange);
    sent.then(
      () => this.#driver.handle({ type: "description-forwarded", connectionId }),
      (error: unknown) => this.#attemptFailed(connectionId, error),
    );
  }

  #sendCandidate(candidate: IceCandidate, exchange: { connectionId: string; requestId: string }): void {
    const { signaling, remoteId } = this.#options;
    const { connectionId, requestId } = exchange;
    signaling.sendIceCandidate(
      remoteId,
      {
        candidate: candidate.candidate,
        sdpMid: candidate.sdpMid,
        sdpMLineIndex: candidate.sdpMLineIndex,
        usernameFragment: candidate.usernameFragment ?? null,
      },
      { requestId, connectionId, link: LINK },
    );
  }

  #close(connectionId: string): void {
    const entry = this.#entries.get(connectionId);
    if (entry === undefined) return;
    entry.closed = true;
    this.#entries.delete(connectionId);
    // A link that is still being opened closes as soon as it exists.
    const closed = (entry.live === undefined ? entry.chain : Promise.resolve())
      .then(() => entry.live?.close())
      .catch((error: unknown) =>
        this.#events.fault(toTransportError(error, "CONNECTION_FAILED", "closing a connection")),
      );
    this.#closing.add(closed);
    void closed.then(() => this.#closing.delete(closed));
  }

  #connected(connectionId: string): void {
    const live = this.#entries.get(connectionId)?.live;
    if (live === undefined) return;
    this.#active = { connectionId, live, connectedAt: this.#options.platform.clock.wallNow() };
    for (const waiter of this.#waiters.splice(0)) waiter.resolve();
    this.#events.connected(connectionId);
  }

  #failed({ code, message }: Extract<NegotiationOutput, { type: "failed" }>): void {
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
