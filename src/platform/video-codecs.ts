// The second port of video: codecs, wherever they run. Types only. Browsers have WebCodecs, Node a worker with a codec in
// WebAssembly, the simulation one that costs nothing.
import type { TransportError } from "../errors/errors.ts";
import type { VideoCodecName } from "../runtime/data.ts";

export type { VideoCodecName };

/** A picture of three planes, rows without gaps: Y, then U and V with half as many columns and rows, rounded up. */
export interface I420Picture {
  /** Pixels; odd ones too. */
  readonly width: number;
  readonly height: number;
  readonly planes: readonly [Uint8Array, Uint8Array, Uint8Array];
}

/** A coded picture: VP8 and VP9 frames as they are, H.264 as Annex B with its parameter sets in front of keyframes. */
export interface EncodedPicture {
  readonly data: Uint8Array;
  readonly isKeyframe: boolean;
  /** Of the picture in it. */
  readonly width: number;
  readonly height: number;
  /** Ticks of the 90 kHz clock, counted on without wrap: what was said when it was handed in comes out with it. */
  readonly position: number;
}

/** What an encoder is told at first; all but `codec` may change later. */
export interface VideoEncoderSettings {
  readonly codec: VideoCodecName;
  readonly width: number;
  readonly height: number;
  readonly bitrateKbps: number;
  readonly framerateFps: number;
}

/** What an encoder has done so far. */
export interface VideoEncoderCounters {
  readonly encoded: number;
  readonly keyframes: number;
  /** Pictures that a newer one replaced before their turn came. */
  readonly dropped: number;
  /** Ms of work on the pictures encoded. */
  readonly encodeMs: number;
}

/** One stream's encoder. It has one picture under work and one waiting; a newer one takes the place of the latter. */
export interface VideoEncoder {
  readonly counters: VideoEncoderCounters;
  /**
   * Encode a picture of the set size; what comes of it is reported, not returned. Nothing of it is kept after the call.
   * @param position ticks of the 90 kHz clock, rising from call to call
   * @param keyframe make it one that needs no other; a demand outlives the picture that carried it, if that is dropped
   */
  encode(picture: I420Picture, position: number, keyframe: boolean): void;
  /** Change rate or size; a change of size begins with a keyframe. What is not named stays. */
  configure(changes: Partial<Omit<VideoEncoderSettings, "codec">>): void;
  /** Idempotent; no event follows. */
  close(): void;
}

/** What a {@link VideoEncoder} reports. No callback may throw. */
export interface VideoEncoderEvents {
  /** In the order of the pictures. `data` belongs to the callee. */
  encoded(picture: EncodedPicture): void;
  /** It cannot go on: `ENCODING_ERROR` or `NOT_SUPPORTED`. Nothing follows. */
  failed(error: TransportError): void;
}

/** A decoded picture. Its planes belong to the callee. */
export interface DecodedPicture extends I420Picture {
  /** Of the coded picture it was made of. */
  readonly position: number;
}

/** What a decoder has done so far. */
export interface VideoDecoderCounters {
  readonly decoded: number;
  /** Ms of work on them. */
  readonly decodeMs: number;
}

/** One stream's decoder: pictures come out in the order in which they were put in. */
export interface VideoDecoder {
  readonly counters: VideoDecoderCounters;
  /** Pictures put in of which nothing has come out yet. */
  readonly pending: number;
  /** Decode a picture whose references have all been decoded. `data` belongs to the decoder from now on. */
  decode(picture: EncodedPicture): void;
  /** Idempotent; no event follows. */
  close(): void;
}

/** What a {@link VideoDecoder} reports. No callback may throw. */
export interface VideoDecoderEvents {
  picture(picture: DecodedPicture): void;
  /** A picture could not be decoded (`DECODING_ERROR`): only a keyframe helps now. The decoder goes on from there. */
  undecodable(position: number, error: TransportError): void;
  /** It cannot go on: `DECODING_ERROR` or `NOT_SUPPORTED`. Nothing follows. */
  failed(error: TransportError): void;
}

/** The codecs of one runtime. */
export interface VideoCodecs {
  /** What it can encode and decode, in no order of preference. */
  readonly encodes: ReadonlySet<VideoCodecName>;
  readonly decodes: ReadonlySet<VideoCodecName>;
  /** @throws TransportError `NOT_SUPPORTED` (as rejection) for a codec it has not */
  createEncoder(settings: VideoEncoderSettings, events: VideoEncoderEvents): Promise<VideoEncoder>;
  /** @throws TransportError `NOT_SUPPORTED` (as rejection) for a codec it has not */
  createDecoder(codec: VideoCodecName, events: VideoDecoderEvents): Promise<VideoDecoder>;
  /** Let go of threads and memory; encoders and decoders are closed with it. Idempotent. */
  close(): void;
}
