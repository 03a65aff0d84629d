// The port, as far as a peer's video is concerned: what a native connection that carries video is opened with, what it
// takes, reports and knows. Types only.
import type { LocalMs, WallMs } from "../runtime/time.ts";
import type { NativeInRemote, NativeOutRemote } from "./remote-reports.ts";
import type { I420Picture, VideoCodecName } from "./video-codecs.ts";

/**
 * What the session description says of our video track. A link with video carries nothing else: two tracks on one
 * connection would put a Node process at the other side's mercy.
 */
export interface VideoLinkOptions {
  /** SSRC of our outgoing stream; used where the platform lets us choose. */
  ssrc: number;
  /** SSRC of its retransmissions (RFC 4588 section 8.3); likewise. */
  rtxSsrc: number;
  /** RTCP CNAME (RFC 3550 section 6.5.1), same for all streams of a peer. */
  cname: string;
  /** What we can both send and receive, in order of preference; not empty. */
  codecs: readonly VideoCodecName[];
  /** Most that our own encoder makes, in kbit/s; obeyed here where the platform encodes, like the two that follow. */
  bitrateKbps: number;
  /** Least that our own encoder makes, however bad the path. */
  minBitrateKbps: number;
  framerateFps: number;
}

/** A coded picture as a browser's receiver hands it over: whole, each once, perhaps out of order. */
export interface EncodedVideoFrame {
  ssrc: number;
  payloadType: number;
  codec: VideoCodecName;
  rtpTimestamp: number;
  /** As in EncodedPicture. */
  data: Uint8Array;
  isKeyframe: boolean;
  /** Size of the picture, where the browser or the payload tells: keyframes do. */
  width?: number;
  height?: number;
  /**
   * Number of the frame in its stream, and of those that it needs; where the stream has dependency descriptors. They do not
   * wrap.
   */
  frameId?: number;
  dependencies?: readonly number[];
  /** Of its last packet, where the browser says so. */
  arrivalMs: LocalMs;
  /** Capture on the sender's wall clock, where the stream carries abs-capture-time. */
  captureMs?: WallMs;
}

/** A picture of ours that a browser has encoded and sent. */
export interface SentVideoMark {
  ssrc: number;
  rtpTimestamp: number;
  /** Capture on our wall clock: as the program has said, where it wrote the picture. */
  captureMs: WallMs;
}

/** The sending side of a link's video. */
export type VideoPort = PacketVideoPort | TrackVideoPort;

/** What both sides have agreed on for video. */
export interface VideoAgreement {
  /** Of both directions. */
  readonly codec: VideoCodecName;
  readonly payloadType: number;
  /** Payload type of retransmissions (RFC 4588); 0: they come as they were sent at first. */
  readonly rtxPayloadType: number;
  /** Extension id of abs-capture-time, 1 to 14, for both directions; 0 without it. */
  readonly captureTimeId: number;
  /** Extension id of transport-wide sequence numbers; 0 without them. */
  readonly transportCcId: number;
  /** Extension id of dependency descriptors; 0 without them. */
  readonly dependencyId: number;
  /** What may be sent as feedback (RFC 4585, RFC 5104), both ways. */
  readonly nack: boolean;
  readonly pli: boolean;
  readonly fir: boolean;
  readonly remb: boolean;
  readonly transportCc: boolean;
}

/** We encode and packetize; the link carries bytes. */
export interface PacketVideoPort {
  readonly level: "packet";
  /** Undefined before the answer. */
  readonly agreement: VideoAgreement | undefined;
  /** @returns false when the link cannot take it now (not connected, or closed) */
  sendRtp(packet: Uint8Array): boolean;
  sendRtcp(packet: Uint8Array): boolean;
}

/** The browser encodes and packetizes; the link takes pictures, or a track of the browser's. */
export interface TrackVideoPort {
  readonly level: "track";
  /** Undefined before the answer. */
  readonly agreement: VideoAgreement | undefined;
  /**
   * Hand over one picture, to be sent at once; its planes are not kept. What the encoder has no time for is dropped.
   * @param timestampUs capture time, Unix microseconds; where the browser cannot send it with the picture, `sentVideo`
   *   still tells it
   * @param rotation degrees clockwise by which it is to be turned; the browser does it before it encodes
   * @throws TransportError `INVALID_DATA` when planes and size do not fit
   */
  write(picture: I420Picture, timestampUs: number, rotation?: 0 | 90 | 180 | 270): void;
  /** Send a track (a MediaStreamTrack, e.g. the camera) as it is instead of written pictures; null: go back. */
  useTrack(track: unknown): Promise<void>;
  /** Change the most that the browser's encoder makes, in kbit/s. The least is what the link was opened with. */
  setBitrate(bitrateKbps: number): Promise<void>;
  /** Ask the other side for a keyframe. Nothing happens before its first picture has come. */
  requestKeyframe(): void;
}

/** See LinkStatistics. */
export interface NativeVideo {
  /** W3C outbound-rtp. */
  out: NativeVideoOut | null;
  /** What the other side reports on it (W3C remote-inbound-rtp). */
  outRemote: NativeOutRemote | null;
  /** W3C inbound-rtp. */
  in: NativeVideoIn | null;
  /** What its sender reports (W3C remote-outbound-rtp). */
  inRemote: NativeInRemote | null;
}

/** See {@link NativeVideo}. */
export interface NativeVideoOut {
  ssrc: number;
  packetsSent: number;
  /** Payload. */
  bytesSent: number;
  headerBytesSent: number | null;
  retransmittedPacketsSent: number | null;
  framesEncoded: number | null;
  keyFramesEncoded: number | null;
  /** Sum of the quantizers of all frames; their scale is the codec's. */
  qpSum: number | null;
  /** Work of the encoder on all frames, ms. */
  encodeMs: number | null;
  /** What the encoder aims at, bit/s. */
  targetBps: number | null;
  width: number | null;
  height: number | null;
  framerateFps: number | null;
  /** Requests of the other side, so far. */
  nackCount: number | null;
  pliCount: number | null;
  firCount: number | null;
}

/** See {@link NativeVideo}. */
export interface NativeVideoIn {
  ssrc: number;
  packetsReceived: number;
  /** Payload. */
  bytesReceived: number;
  packetsLost: number | null;
  jitterMs: number | null;
  framesReceived: number | null;
  /** Our requests, so far. */
  nackCount: number | null;
  pliCount: number | null;
  firCount: number | null;
}
