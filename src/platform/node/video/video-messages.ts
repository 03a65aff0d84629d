// What the main thread and a worker of video codecs say to each other. Types only.
import type { VideoCodecName, VideoEncoderSettings } from "../../video-codecs.ts";

/** What a worker is told before it starts. */
export interface VideoWorkerData {
  /** File URL of the module of libav.js, an ES module. */
  readonly libraryUrl: string;
}

/** To make an encoder; answered with `opened` or `failed`. */
export interface OpenEncoder extends VideoEncoderSettings {
  readonly type: "open-encoder";
  readonly id: number;
}

/** To make a decoder; answered with `opened` or `failed`. */
export interface OpenDecoder {
  readonly type: "open-decoder";
  readonly id: number;
  readonly codec: VideoCodecName;
}

/**
 * To encode one picture, with the settings that hold for it; answered with `encoded`, `nothing` or `failed`. Until then
 * nobody writes to `memory`.
 */
export interface Encode {
  readonly type: "encode";
  readonly id: number;
  /** I420 without gaps: Y, U, V. */
  readonly memory: SharedArrayBuffer;
  readonly width: number;
  readonly height: number;
  readonly bitrateKbps: number;
  readonly framerateFps: number;
  /** Ticks of 90 kHz. */
  readonly position: number;
  readonly keyframe: boolean;
}

/** To decode one picture; answered with `picture`, `nothing`, `undecodable` or `failed`. `data` is moved. */
export interface Decode {
  readonly type: "decode";
  readonly id: number;
  readonly data: Uint8Array;
  readonly isKeyframe: boolean;
  /** Ticks of 90 kHz. */
  readonly position: number;
}

/** To let go of a codec; no answer. */
export interface CloseCodec {
  readonly type: "close";
  readonly id: number;
}

/** From the main thread to the worker. */
export type VideoCommand = OpenEncoder | OpenDecoder | Encode | Decode | CloseCodec;

/** A coded picture. `data` is moved. */
export interface Encoded {
  readonly type: "encoded";
  readonly data: Uint8Array<ArrayBuffer>;
  readonly isKeyframe: boolean;
  readonly width: number;
  readonly height: number;
}

/** A decoded picture: I420 without gaps. `memory` is moved. */
export interface Decoded {
  readonly type: "picture";
  readonly memory: ArrayBuffer;
  readonly width: number;
  readonly height: number;
}

/** No picture came of it: the encoder left it out, or what was decoded is not to be shown. */
export interface Nothing {
  readonly type: "nothing";
}

/** The decoder waits for a keyframe now. */
export interface Undecodable {
  readonly type: "undecodable";
  readonly reason: string;
}

/** What came of one `encode` or `decode`. */
export type VideoResult = Encoded | Decoded | Nothing | Undecodable;

/** Of which picture it is and how long it took. */
export interface ResultFacts {
  readonly id: number;
  /** Ticks of 90 kHz. */
  readonly position: number;
  readonly workMs: number;
}

/** The codec is there. */
export interface Opened {
  readonly type: "opened";
  readonly id: number;
}

/** The codec is gone, or never came to be. */
export interface CodecFailed {
  readonly type: "failed";
  readonly id: number;
  readonly reason: string;
}

/** From the worker to the main thread. */
export type VideoReport = (VideoResult & ResultFacts) | Opened | CodecFailed;
