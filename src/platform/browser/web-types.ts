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
export interface AudioTrackGenerator extends MediaStreamTrack {
  readonly writable: WritableStream<AudioData>;
}

/** Constructor of {@link AudioTrackGenerator}. */
export type AudioTrackGeneratorClass = new (init: { kind: "audio" }) => AudioTrackGenerator;

/** What `RTCRtpScriptTransform` hands to its worker (W3C WebRTC Encoded Transform). */
export interface ScriptTransformer {
  readonly options: unknown;
  readonly readable: ReadableStream<EncodedFrameLike>;
  readonly writable: WritableStream<EncodedFrameLike>;
}

/** The part of an RTCEncodedAudioFrame that is read here. */
export interface EncodedFrameLike {
  readonly data: ArrayBuffer;
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
}

/** A dedicated worker that runs encoded transforms. */
export interface TransformWorkerScope {
  onrtctransform: ((event: { readonly transformer: ScriptTransformer }) => void) | null;
  postMessage(message: unknown, transfer?: ArrayBuffer[]): void;
}

/** The constructor that Chromium has and other browsers lack; undefined there. */
export function audioTrackGeneratorClass(): AudioTrackGeneratorClass | undefined {
  return (globalThis as { MediaStreamTrackGenerator?: AudioTrackGeneratorClass }).MediaStreamTrackGenerator;
}
