// Browser interfaces that TypeScript's DOM library lacks or declares for workers only. Types only.

/** One header extension of a transceiver (W3C WebRTC Extensions, section 5). */
export interface HeaderExtension {
  uri: string;
  direction: RTCRtpTransceiverDirection;
}

/** A transceiver whose header extensions may be chosen; browsers without the interface lack both methods. */
export interface ExtensibleTransceiver {
  getHeaderExtensionsToNegotiate?(): HeaderExtension[];
  setHeaderExtensionsToNegotiate?(extensions: HeaderExtension[]): void;
}

/** A media track fed by a script: MediaStreamTrackGenerator of Chromium. */
export interface TrackGenerator<Data> extends MediaStreamTrack {
  readonly writable: WritableStream<Data>;
}

/** Constructor of {@link TrackGenerator}. */
export type TrackGeneratorClass<Data> = new (init: {
  kind: Data extends AudioData ? "audio" : "video";
}) => TrackGenerator<Data>;

/** One of sound. */
export type AudioTrackGenerator = TrackGenerator<AudioData>;

/** Its constructor. */
export type AudioTrackGeneratorClass = TrackGeneratorClass<AudioData>;

/** The constructor of one of pictures. */
export type VideoTrackGeneratorClass = TrackGeneratorClass<VideoFrame>;

/** What `RTCRtpScriptTransform` hands to its worker (W3C WebRTC Encoded Transform). */
export interface ScriptTransformer {
  readonly options: unknown;
  readonly readable: ReadableStream<EncodedFrameLike>;
  readonly writable: WritableStream<EncodedFrameLike>;
  /** Ask the other side for a keyframe; rejects before anything has come. */
  sendKeyFrameRequest?(): Promise<unknown>;
}

/** The part of an RTCEncodedAudioFrame or RTCEncodedVideoFrame that is used here. */
export interface EncodedFrameLike {
  data: ArrayBuffer;
  /** Of video. */
  readonly type?: "key" | "delta" | "empty";
  getMetadata(): EncodedFrameMetadata;
}

/** Metadata as browsers fill it; what a browser does not know is undefined. Times are `performance` ms of the realm. */
export interface EncodedFrameMetadata {
  synchronizationSource?: number;
  payloadType?: number;
  sequenceNumber?: number;
  rtpTimestamp?: number;
  receiveTime?: number;
  /**
   * Capture of the first sample. Of a frame that came: from abs-capture-time, on the sender's wall clock, counted from
   * this realm's time origin. Of one that leaves: on this realm's clock.
   */
  captureTime?: number;
  /** Of video with dependency descriptors: its number, counted on without wrap, and those of the frames it needs. */
  frameId?: number;
  dependencies?: number[];
  /** Of video, e.g. `video/VP9`. */
  mimeType?: string;
  /** Of video; 0 where the browser does not know. */
  width?: number;
  height?: number;
}

/** A dedicated worker that runs encoded transforms. */
export interface TransformWorkerScope {
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onrtctransform: ((event: { readonly transformer: ScriptTransformer }) => void) | null;
  postMessage(message: unknown, transfer?: ArrayBuffer[]): void;
}

/** The constructor that Chromium has and other browsers lack; undefined there. */
export function audioTrackGeneratorClass(): AudioTrackGeneratorClass | undefined {
  return (globalThis as { MediaStreamTrackGenerator?: AudioTrackGeneratorClass }).MediaStreamTrackGenerator;
}

/** The same for video. */
export function videoTrackGeneratorClass(): VideoTrackGeneratorClass | undefined {
  return (globalThis as { MediaStreamTrackGenerator?: VideoTrackGeneratorClass }).MediaStreamTrackGenerator;
}
