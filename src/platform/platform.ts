// The port: all that the library asks of a runtime. Types only. Node, browsers and the simulation implement it
// and enter at different depths on purpose: Node hands over RTP packets, browsers encoded frames and tracks.
import type { Clock, LocalMs, WallMs } from "../runtime/time.ts";
import type { NativeInRemote, NativeOutRemote } from "./remote-reports.ts";
import type { VideoCodecs } from "./video-codecs.ts";
import type {
  EncodedVideoFrame,
  NativeVideo,
  SentVideoMark,
  VideoLinkOptions,
  VideoPort,
} from "./video-link.ts";

/** One runtime: its clock, its sockets, its native peer connections. */
export interface Platform {
  readonly name: "node" | "browser" | "simulated";
  readonly clock: Clock;
  /** Whether `PeerLinkOptions.bindAddress` is obeyed; browsers choose their addresses themselves. */
  readonly canBind: boolean;
  /** Cryptographically random bytes; seeded in the simulation. */
  randomBytes(length: number): Uint8Array;
  /** Start opening a WebSocket; everything that follows is reported through `events`, never thrown. */
  openSocket(url: string, events: SocketEvents): Socket;
  /**
   * Open one native connection to a peer, with all its channels and media declared.
   * @throws TransportError `NOT_SUPPORTED` or `CONNECTION_FAILED` when the runtime cannot make one
   */
  openPeerLink(options: PeerLinkOptions, events: PeerLinkEvents): PeerLink;
  /**
   * Start a thread that runs the media engine's side of a worker; absent where there are none.
   * @throws TransportError `NOT_SUPPORTED` (as rejection) when it cannot be started
   */
  readonly startMediaWorker?: (events: MediaWorkerEvents) => Promise<MediaWorker>;
  /**
   * Start a thread that runs nodes of pipelines; absent where there are none.
   * @throws TransportError `NOT_SUPPORTED` (as rejection) when it cannot be started
   */
  readonly startPipelineWorker?: (events: MediaWorkerEvents) => Promise<MediaWorker>;
  /**
   * Load the codecs of video; absent where there are none. Whoever loads them closes them.
   * @throws TransportError `NOT_SUPPORTED` (as rejection) when they cannot be loaded
   */
  readonly loadVideoCodecs?: () => Promise<VideoCodecs>;
}

/** A thread for the media engine, or for nodes of a pipeline. It keeps no process alive once it has said its first word. */
export interface MediaWorker {
  /** Whether shared memory may be posted to it. */
  readonly sharesMemory: boolean;
  /** Unix ms on the monotonic clock that this thread and the worker read the same. */
  sharedNow(): number;
  /** @param transfer buffers in the message that move instead of being copied */
  post(message: unknown, transfer?: ArrayBuffer[]): void;
  /** Idempotent; no event follows. */
  terminate(): void;
}

/** What a {@link MediaWorker} reports. No callback may throw. */
export interface MediaWorkerEvents {
  message(message: unknown): void;
  /** Once: it has died, or could not be loaded. */
  failed(error: unknown): void;
}

/** A WebSocket of text frames. */
export interface Socket {
  /** Queue a text frame; silently dropped when the socket is not open. */
  send(text: string): void;
  /** Close with a code of RFC 6455 section 7.4 or 4000-4999; `events.close` follows unless already closed. */
  close(code?: number, reason?: string): void;
}

/** What a {@link Socket} reports. */
export interface SocketEvents {
  open(): void;
  message(text: string): void;
  /** Once, last. `reason` holds the server's words, or the network error when it never opened (code 1006). */
  close(code: number, reason: string): void;
}

/** STUN or TURN server as in RTCIceServer. */
export interface IceServer {
  urls: string[];
  username?: string;
  credential?: string;
}

/** A trickled candidate (RFC 8838); the empty string means end of candidates. */
export interface IceCandidate {
  candidate: string;
  sdpMid: string | null;
  sdpMLineIndex: number | null;
  usernameFragment?: string | null;
}

/** What the session description says of our Opus track. */
export interface AudioLinkOptions {
  /** SSRC of our outgoing stream; used where the platform lets us choose. */
  ssrc: number;
  /** RTCP CNAME (RFC 3550 section 6.5.1), same for all streams of a peer. */
  cname: string;
  /** Channels we like to receive; 2 adds `stereo=1` (RFC 7587 section 7.1). */
  channels: 1 | 2;
  /** Ask for in-band FEC. */
  fec: boolean;
  /** Ask for discontinuous transmission. */
  dtx: boolean;
  /** Bitrate of our own encoder, in kbit/s; obeyed here where the platform encodes. */
  bitrateKbps: number;
}

/** One negotiated data channel (RFC 8831): both sides open it under the same id. */
export interface ChannelOptions {
  label: string;
  id: number;
  ordered: boolean;
  /** Undefined: reliable. */
  maxRetransmits?: number;
}

/** How to open a {@link PeerLink}. */
export interface PeerLinkOptions {
  /** For logs and native names, e.g. `alice->bob`. */
  name: string;
  iceServers: IceServer[];
  iceTransportPolicy: "all" | "relay";
  /** Gather candidates on this local address only. */
  bindAddress?: string;
  audio?: AudioLinkOptions;
  /** Only without `audio` and with no `channels`. */
  video?: VideoLinkOptions;
  channels: ChannelOptions[];
}

/** RTCPeerConnectionState of the W3C, without what nothing here distinguishes. */
export type LinkState = "new" | "connecting" | "connected" | "disconnected" | "failed" | "closed";

/** An encoded audio frame as a browser's receiver hands it over, in network order. */
export interface EncodedAudioFrame {
  ssrc: number;
  payloadType: number;
  sequenceNumber: number;
  rtpTimestamp: number;
  /** Empty for padding-only packets: they use a sequence number and hold no audio. */
  payload: Uint8Array;
  arrivalMs: LocalMs;
  /** Capture on the sender's wall clock, where the stream carries abs-capture-time. */
  captureMs?: WallMs;
}

/** A frame of our audio that a browser has encoded and sent. */
export interface SentAudioMark {
  ssrc: number;
  rtpTimestamp: number;
  /** Capture of its first sample on our wall clock. */
  captureMs: WallMs;
}

/**
 * What a link reports. Byte arrays belong to the callee. No callback may throw; adapters guard all the same,
 * because an exception in a native callback ends the process.
 */
export interface PeerLinkEvents {
  /** A local candidate, only after the description it belongs to was returned. */
  candidate(candidate: IceCandidate): void;
  state(state: LinkState): void;
  /** A whole RTP packet, on links of level `packet`. */
  rtp(packet: Uint8Array, arrivalMs: LocalMs): void;
  /** A compound RTCP packet, on links of level `packet`; each datagram once. */
  rtcp(packet: Uint8Array, arrivalMs: LocalMs): void;
  /** An encoded frame, on links of level `frame`. */
  frame(frame: EncodedAudioFrame): void;
  /** Our audio is leaving, on links of level `track` where the browser tells: two to five times a second. */
  sent(mark: SentAudioMark): void;
  /** A coded picture, on links whose video is of level `track`. */
  videoFrame?(frame: EncodedVideoFrame): void;
  /** Our video is leaving, on links whose video is of level `track`: two to five times a second. */
  sentVideo?(mark: SentVideoMark): void;
  /** A channel that a foreign peer opened in-band, already open. */
  channel(channel: ChannelPort): void;
  /** A fault that does not end the link, e.g. a callback that threw or a candidate that was refused. */
  fault(error: unknown): void;
}

/** One native connection. Methods reject with TransportError `SDP_ERROR`, `CODEC_MISMATCH`, `CONNECTION_FAILED`. */
export interface PeerLink {
  readonly state: LinkState;
  /** Data channels by label, present from the start; those of the other side appear through `events.channel`. */
  readonly channels: ReadonlyMap<string, ChannelPort>;
  readonly audio: AudioPort | undefined;
  readonly video: VideoPort | undefined;
  /** Make an offer and start gathering. @returns SDP */
  createOffer(): Promise<string>;
  /** Take an offer and answer it. @returns SDP */
  createAnswer(offerSdp: string): Promise<string>;
  acceptAnswer(answerSdp: string): Promise<void>;
  /** Only after a remote description is set. A candidate that makes no sense is reported as fault. */
  addCandidate(candidate: IceCandidate): Promise<void>;
  statistics(): Promise<LinkStatistics>;
  /** Idempotent; resolves when the native side has let go. Channels are closed with it. */
  close(): Promise<void>;
}

/** The sending side of a link's audio. */
export type AudioPort = PacketAudioPort | TrackAudioPort;

/** We encode and packetize; the link carries bytes. */
export interface PacketAudioPort {
  readonly level: "packet";
  /** Negotiated Opus payload type, 0 before the answer. */
  readonly payloadType: number;
  /** Negotiated extension id of abs-capture-time, 1 to 14, for both directions; 0 when it is not. */
  readonly captureTimeId: number;
  /** @returns false when the link cannot take it now (not connected, or closed) */
  sendRtp(packet: Uint8Array): boolean;
  sendRtcp(packet: Uint8Array): boolean;
}

/** The browser encodes and packetizes; the link takes samples, or a track of the browser's. */
export interface TrackAudioPort {
  readonly level: "track";
  /**
   * Hand over one block of interleaved 48 kHz samples, to be sent at once.
   * @param timestampUs capture time of the first sample, Unix microseconds
   */
  write(samples: Float32Array, channels: number, timestampUs: number): void;
  /** Send a track (a MediaStreamTrack, e.g. the microphone) as it is instead of written samples; null: go back. */
  useTrack(track: unknown): Promise<void>;
  /** Change the bitrate of the browser's encoder, in kbit/s. */
  setBitrate(bitrateKbps: number): Promise<void>;
}

/** A data channel. */
export interface ChannelPort {
  readonly label: string;
  readonly open: boolean;
  /** Bytes handed over and not yet on the network. */
  readonly bufferedAmount: number;
  /** Largest message the other side takes, in bytes. */
  readonly maxMessageSize: number;
  /** Set once, at once after the port was obtained; what came before is kept and delivered then. */
  listen(events: ChannelEvents): void;
  /** @throws TransportError `DATA_CHANNEL_ERROR` when it is not open */
  send(message: Uint8Array): void;
  close(): void;
}

/** What a {@link ChannelPort} reports. */
export interface ChannelEvents {
  open(): void;
  close(): void;
  /** Text frames come as strings, everything else as bytes that belong to the callee. */
  message(message: Uint8Array | string): void;
}

/** Facts only the native side knows; what it does not know is null. */
export interface LinkStatistics {
  bytesSent: number | null;
  bytesReceived: number | null;
  /** Round-trip time of the transport, ms. */
  rttMs: number | null;
  localCandidate: string | null;
  remoteCandidate: string | null;
  /** What the path would carry beyond what is sent now and with it, bit/s; browsers that send under congestion control. */
  availableOutgoingBps: number | null;
  /** Outgoing audio where the browser encodes (W3C outbound-rtp). */
  audioOut: NativeAudioOut | null;
  /** What the other side reports on it, where the browser does the RTCP (W3C remote-inbound-rtp). */
  audioOutRemote: NativeOutRemote | null;
  /** What the sender of the incoming audio reports, where the browser does the RTCP (W3C remote-outbound-rtp). */
  audioInRemote: NativeInRemote | null;
  /** Of links with video, where the browser codes and does the RTCP. */
  video: NativeVideo | null;
}

/** See {@link LinkStatistics}. */
export interface NativeAudioOut {
  ssrc: number;
  packetsSent: number;
  /** Payload. */
  bytesSent: number;
  headerBytesSent: number | null;
  nackCount: number | null;
}
