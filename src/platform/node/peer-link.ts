// One native peer connection behind the port. A wall: no exception enters a native callback, no native call is made
// in a state it aborts in, and nothing native is let go before it has closed. Each of these would end the process.
import type { DataChannel, PeerConnection } from "node-datachannel";
import { TransportError, toTransportError } from "../../errors/errors.ts";
import type { Clock } from "../../runtime/time.ts";
import { OFFERED_CAPTURE_TIME_ID } from "../capture-time-extension.ts";
import { checkVideoLink, describedAgreement, offeredVideo } from "../video-description.ts";
import type { DescribedVideo } from "../video-description.ts";
import type { PacketVideoPort, VideoLinkOptions } from "../video-link.ts";
import type {
  ChannelOptions,
  ChannelPort,
  IceCandidate,
  LinkState,
  LinkStatistics,
  PacketAudioPort,
  PeerLink,
  PeerLinkEvents,
  PeerLinkOptions,
} from "../platform.ts";
import { AudioTrack } from "./audio-track.ts";
import { NodeDataChannel } from "./data-channel.ts";
import { contained, guarded, readOr } from "./guard.ts";
import { collectGarbage } from "./garbage.ts";
import { openConnection } from "./native-connection.ts";
import { readAnswer, readOffer } from "./negotiated-media.ts";
import type { AgreedAudio, RemoteMedia } from "./negotiated-media.ts";
import type { TrackHost } from "./packet-track.ts";
import { RemoteCandidates } from "./remote-candidates.ts";
import { joinLines, sdpError, withoutCandidates } from "./session-description.ts";
import type { Direction } from "./session-description.ts";
import { VideoTrack } from "./video-track.ts";

/** Payload type of Opus in our own offers; the number browsers use. */
const OPUS_PAYLOAD_TYPE = 111;

/** The first section's mid in our own offers; the native side numbers the next one `1`. */
const FIRST_MID = "0";

/** Audio of our own offers. */
const OFFERED_AUDIO: AgreedAudio = {
  mid: FIRST_MID,
  payloadType: OPUS_PAYLOAD_TYPE,
  direction: "sendrecv",
  captureTimeId: OFFERED_CAPTURE_TIME_ID,
};

/** How long `close` waits for the native side; measured closes take less than 10 ms. */
const CLOSE_TIMEOUT_MS = 1_000;

/** Channels a foreign peer may open in-band; ours need four. */
const MAX_INBAND_CHANNELS = 32;

/** Everything native that is not closed: an unreferenced live connection crashes the process when collected. */
const live = new Set<NodePeerLink>();

/** Video in a description of ours. */
interface PlacedVideo {
  mid: string;
  direction: Direction;
  described: DescribedVideo;
}

type Phase = "new" | "offered" | "answering" | "stable" | "spoiled";

/**
 * One link over node-datachannel. It negotiates once, as offerer or as answerer: another exchange needs another link,
 * as the native side cannot restart ICE. A description that the native side refuses spoils the link.
 */
export class NodePeerLink implements PeerLink {
  readonly #name: string;
  readonly #connection: PeerConnection;
  readonly #clock: Clock;
  readonly #events: PeerLinkEvents;
  readonly #channels = new Map<string, NodeDataChannel>();
  readonly #inband = new Set<NodeDataChannel>();
  readonly #candidates: RemoteCandidates;
  readonly #audio: AudioTrack | undefined;
  readonly #video: VideoTrack | undefined;
  readonly #videoOptions: VideoLinkOptions | undefined;
  readonly #closed: Promise<void>;
  #resolveClosed: () => void = () => undefined;
  #phase: Phase = "new";
  #state: LinkState = "new";
  #closing = false;
  /** Native objects that have not reported their end: the connection, its track, its channels. */
  #unclosed = 1;
  /** Whether a channel must be collected before the process can end. */
  #lost = false;
  /** Whether the other side has refused the medium. */
  #refused = false;
  #offer = "";
  /** Where candidates of the one bundled transport belong; known before the first of them comes. */
  #transportMid = FIRST_MID;
  #transportIndex = 0;
  readonly #withheld: string[] = [];

  /** @throws TransportError `CONNECTION_FAILED` when the native side refuses the options, `INVALID_DATA` when we do */
  constructor(options: PeerLinkOptions, clock: Clock, events: PeerLinkEvents) {
    this.#name = options.name;
    this.#clock = clock;
    this.#events = events;
    checkVideoLink(options);
    this.#audio = options.audio && new AudioTrack(options.audio);
    this.#video = options.video && new VideoTrack(options.video);
    this.#videoOptions = options.video;
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#connection = openConnection(options, this.#report);
    this.#candidates = new RemoteCandidates(this.#connection, this.#report);
    live.add(this);
    this.#listen();
    try {
      for (const channel of options.channels) this.#openChannel(channel);
    } catch (error) {
      void this.close();
      throw toTransportError(error, "CONNECTION_FAILED", `${options.name}: no data channel`);
    }
  }

  get state(): LinkState {
    return this.#closing ? "closed" : this.#state;
  }

  get channels(): ReadonlyMap<string, ChannelPort> {
    return this.#channels;
  }

  get audio(): PacketAudioPort | undefined {
    return this.#refused ? undefined : this.#audio;
  }

  get video(): PacketVideoPort | undefined {
    return this.#refused ? undefined : this.#video;
  }

  async createOffer(): Promise<string> {
    this.#enter("new", "createOffer");
    if (this.#audio === undefined && this.#video === undefined && this.#channels.size === 0) {
      throw sdpError("there is nothing to offer, neither media nor a data channel");
    }
    const video = this.#videoOptions && offeredVideo(this.#videoOptions.codecs);
    this.#attach(
      "offer",
      OFFERED_AUDIO,
      video && { mid: FIRST_MID, direction: "sendrecv", described: video },
    );
    this.#offer = joinLines(withoutCandidates(this.#complete(this.#describe("offer", "stable"), video)));
    this.#phase = "offered";
    return this.#offer;
  }

  async createAnswer(offerSdp: string): Promise<string> {
    this.#enter("new", "createAnswer");
    const offer = readOffer(offerSdp, {
      audio: this.#audio !== undefined,
      data: this.#channels.size > 0,
      video: this.#videoOptions?.codecs,
    });
    this.#phase = "answering";
    const described = offer.video && describedAgreement(offer.video.agreement);
    this.#attach("answer", offer.audio, offer.video && described && { ...offer.video, described });
    this.#acceptRemote(offer, "offer");
    const native = this.#describe("answer", "have-remote-offer");
    const sdp = offer.completeAnswer(this.#complete(native, described));
    this.#agree(offer);
    return sdp;
  }

  async acceptAnswer(answerSdp: string): Promise<void> {
    this.#enter("offered", "acceptAnswer");
    const answer = readAnswer(answerSdp, this.#offer);
    this.#acceptRemote(answer, "answer");
    this.#agree(answer);
    for (const candidate of this.#withheld.splice(0))
      guarded(this.#report, () => this.#emitCandidate(candidate))();
  }

  async addCandidate(candidate: IceCandidate): Promise<void> {
    this.#candidates.add(candidate);
  }

  async statistics(): Promise<LinkStatistics> {
    const native = this.#connection;
    const pair = this.#closing ? null : readOr(null, () => native.getSelectedCandidatePair());
    const rttMs = this.#closing ? -1 : readOr(-1, () => native.rtt());
    const track = (this.#audio ?? this.#video)?.packets;
    return {
      bytesSent: readOr(0, () => native.bytesSent()) + (track?.bytesSent ?? 0),
      bytesReceived: readOr(0, () => native.bytesReceived()) + (track?.bytesReceived ?? 0),
      rttMs: rttMs < 0 || pair === null ? null : rttMs,
      localCandidate: pair?.local.candidate ?? null,
      remoteCandidate: pair?.remote.candidate ?? null,
      availableOutgoingBps: null,
      // RTP and RTCP are made above the port.
      audioOut: null,
      audioOutRemote: null,
      audioInRemote: null,
      video: null,
    };
  }

  close(): Promise<void> {
    if (!this.#closing) this.#shut();
    return this.#closed;
  }

  /** Faults go to the caller's listener; a listener that throws is contained by whoever called. */
  readonly #report = (error: unknown): void => contained(() => this.#events.fault(error));

  #listen(): void {
    const connection = this.#connection;
    connection.onStateChange(guarded(this.#report, (state) => this.#changeState(state as LinkState)));
    connection.onLocalCandidate(
      guarded(this.#report, (candidate) => this.#emitCandidate(candidate.replace(/^a=/, ""))),
    );
    connection.onGatheringStateChange(
      guarded(this.#report, (state) => {
        if (state === "complete") this.#emitCandidate("");
      }),
    );
    connection.onDataChannel(guarded(this.#report, (channel) => this.#adopt(channel)));
    connection.onTrack(
      guarded(this.#report, (track) => {
        // Cannot happen, as the native side is shown sections with a track of ours alone. If it did, two tracks
        // would put the whole process at the other side's mercy.
        track.onClosed(guarded(this.#report, () => setImmediate(() => contained(() => track.close()))));
        this.#shut();
        throw new TransportError("MEDIA_TRACK_ERROR", `${this.#name}: a second track appeared`);
      }),
    );
  }

  /** Declare the track of the link, if the description that is being made has a place for it. */
  #attach(type: "offer" | "answer", audio: AgreedAudio | undefined, video: PlacedVideo | undefined): void {
    const host: TrackHost = {
      connection: this.#connection,
      clock: this.#clock,
      events: this.#events,
      report: this.#report,
      released: this.#released,
    };
    try {
      if (this.#audio !== undefined && audio !== undefined) this.#audio.attach(audio, host);
      else if (this.#video === undefined || video === undefined) return;
      else this.#video.attach(video.mid, video.direction, video.described, host);
    } catch (error) {
      throw this.#spoil(error, type);
    }
    this.#unclosed++;
  }

  /** The native side's description, with all that is to be said of video. */
  #complete(native: string, video: DescribedVideo | undefined): string {
    if (video === undefined || this.#video === undefined) return native;
    return joinLines(this.#video.complete(native.split("\r\n"), video));
  }

  #openChannel(options: ChannelOptions): void {
    const { label, id, ordered, maxRetransmits } = options;
    const native = this.#connection.createDataChannel(label, {
      negotiated: true,
      id,
      unordered: !ordered,
      ...(maxRetransmits === undefined ? {} : { maxRetransmits }),
    });
    const onOpen = (): void => undefined;
    this.#channels.set(
      label,
      new NodeDataChannel(native, label, false, this.#report, onOpen, this.#released),
    );
    this.#unclosed++;
  }

  #adopt(native: DataChannel): void {
    const announce = guarded(this.#report, () => {
      if (!this.#closing) this.#events.channel(channel);
    });
    const channel: NodeDataChannel = new NodeDataChannel(
      native,
      native.getLabel(),
      true,
      this.#report,
      () => setImmediate(announce),
      (lost) => {
        this.#inband.delete(channel);
        this.#released(lost);
      },
    );
    this.#inband.add(channel);
    this.#unclosed++;
    if (this.#closing) return channel.end();
    if (this.#inband.size <= MAX_INBAND_CHANNELS) return;
    this.#shut();
    throw new TransportError(
      "LIMIT_EXCEEDED",
      `${this.#name}: more than ${MAX_INBAND_CHANNELS} in-band channels`,
    );
  }

  /** Refuse calls in the wrong phase: some of them abort the process in the native side. */
  #enter(phase: Phase, call: string): void {
    if (this.#closing)
      throw new TransportError("CONNECTION_FAILED", `${this.#name}: ${call} on a closed link`);
    if (this.#phase !== phase) throw sdpError(`${call} does not fit a link that is ${this.#phase}`);
  }

  /** Make the native side write its description; it aborts unless asked in the right state with some media. */
  #describe(type: "offer" | "answer", signalingState: string): string {
    const connection = this.#connection;
    const ready = readOr("", () => connection.signalingState()) === signalingState;
    if (!ready) throw this.#spoil(new Error(`its signaling state is not ${signalingState}`), type);
    connection.setLocalDescription(type);
    const description = connection.localDescription();
    if (description === null) throw this.#spoil(new Error("there is no local description"), type);
    return description.sdp;
  }

  #acceptRemote(remote: RemoteMedia, type: "offer" | "answer"): void {
    try {
      this.#connection.setRemoteDescription(remote.nativeSdp, type);
    } catch (error) {
      throw this.#spoil(error, type);
    }
    this.#transportMid = remote.transportMid;
    this.#transportIndex = remote.transportIndex;
    this.#candidates.start(remote);
  }

  #agree(remote: RemoteMedia): void {
    this.#phase = "stable";
    this.#refused = remote.audio === undefined && remote.video === undefined;
    if (remote.audio !== undefined) this.#audio?.agree(remote.audio);
    if (remote.video !== undefined) this.#video?.agree(remote.video);
  }

  #spoil(error: unknown, type: string): TransportError {
    this.#phase = "spoiled";
    return toTransportError(error, "SDP_ERROR", `${this.#name}: ${type} refused`);
  }

  #emitCandidate(candidate: string): void {
    if (this.#closing) return;
    // Withheld until the answer is taken: checks of an answerer that knows our address may connect us while the native
    // side is still taking its description, before the fingerprint is in place, and the handshake would fail.
    if (this.#phase === "offered") {
      this.#withheld.push(candidate);
      return;
    }
    this.#events.candidate({ candidate, sdpMid: this.#transportMid, sdpMLineIndex: this.#transportIndex });
  }

  #changeState(state: LinkState): void {
    if (state === this.#state || this.#state === "closed") return;
    if (state === "closed") return this.#finish();
    if (this.#closing) return;
    this.#state = state;
    this.#events.state(state);
  }

  /** Start closing. The connection closes its track and channels, and each reports its end; until then it is kept. */
  #shut(): void {
    this.#closing = true;
    this.#candidates.end();
    this.#audio?.packets.end();
    this.#video?.packets.end();
    for (const channel of [...this.#channels.values(), ...this.#inband]) channel.end();
    const timer = setTimeout(this.#resolveClosed, CLOSE_TIMEOUT_MS);
    void this.#closed.then(() => clearTimeout(timer));
    contained(() => this.#connection.close());
  }

  /** One native object has closed; the last one ends the link. */
  readonly #released = (lost = false): void => {
    this.#lost ||= lost;
    if (--this.#unclosed > 0) return;
    // Not at once: the native side still uses the object when this callback has returned.
    setImmediate(() => {
      live.delete(this);
      if (this.#lost) collectGarbage();
      this.#resolveClosed();
    });
  };

  /** The native connection has closed, by our wish, the other side's, or after a failure. */
  #finish(): void {
    if (!this.#closing) this.#shut();
    this.#state = "closed";
    guarded(this.#report, () => this.#events.state("closed"))();
    this.#released();
  }
}
