// The values a program exchanges with peers: media, messages and their envelope. Types only.

/** Anything JSON can represent (RFC 8259). */
export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;
/** A JSON object. */
export interface JsonObject {
  [key: string]: JsonValue;
}

/** Layouts of raw pictures; `encoded` means `codec` says what the bytes are. */
export type PixelFormat = "I420" | "NV12" | "RGB24" | "RGBA" | "BGRX" | "GRAY8" | "encoded";

/** Codecs of video that the library speaks (RFC 9628, RFC 6184, RFC 7741). */
export type VideoCodecName = "VP9" | "H264" | "VP8";

/** Degrees clockwise by which a picture is to be turned to stand upright. */
export type Rotation = 0 | 90 | 180 | 270;

/** Interleaved samples in [-1, 1], 8000 to 192000 Hz. */
export interface AudioData {
  type: "audio";
  samples: Float32Array;
  sampleRate: number;
  channels: number;
  /** The track it belongs to; `default` when absent. */
  streamId?: string;
  /** Unix microseconds of the first sample's capture; the sender's clock. */
  timestampUs?: number;
}

/**
 * One picture, with planes one after the other and rows without gaps: Y, U, V (I420); Y, then U and V in turn (NV12);
 * bytes of each pixel in the order of the format's name (RGB24, RGBA with an alpha that is not looked at, BGRX with a
 * byte that means nothing); gray from 0, black, to 255, white (GRAY8). YUV is BT.601, limited range; chroma has half as
 * many columns and rows, rounded up.
 */
export interface VideoData {
  type: "video";
  data: Uint8Array;
  /** Pixels, 1 to 16383, as they lie in `data`. */
  width: number;
  height: number;
  format: PixelFormat;
  /** Of `encoded` pictures, which have to say so: VP8 and VP9 frames as they are, H.264 as Annex B. */
  codec?: VideoCodecName;
  /** Of `encoded` pictures, which have to say so: needs no other. Of others, true: make it one that needs no other. */
  isKeyframe?: boolean;
  /**
   * Counts `encoded` pictures. Where one is missing, nothing is sent up to the next keyframe, as nobody could decode it.
   * Without it none is missing.
   */
  frameNumber?: number;
  /** Default 0. Not of `encoded` pictures. */
  rotation?: Rotation;
  /** The track it belongs to; `default` when absent. */
  streamId?: string;
  /** Unix microseconds of its capture; the sender's clock. */
  timestampUs?: number;
}

/** A JSON value with an optional place in a stream. */
export interface JsonData {
  type: "json";
  value: JsonValue;
  streamId?: string;
  timestampUs?: number;
}

/** Text with an optional channel name, e.g. `transcript`. */
export interface TextData {
  type: "text";
  text: string;
  channel?: string;
  streamId?: string;
  timestampUs?: number;
}

/** Bytes with an optional media type. */
export interface BinaryData {
  type: "binary";
  data: Uint8Array;
  mimeType?: string;
  streamId?: string;
  timestampUs?: number;
}

/** Element types of a {@link TensorData}. */
export type TensorElement = "f32" | "f16" | "i32" | "i8" | "u8";

/** An array of numbers of any rank, little-endian, last axis first in memory. */
export interface TensorData {
  type: "tensor";
  /** As many bytes as shape and element type say. */
  data: Uint8Array;
  /** Length of every axis, whole numbers from 0. */
  shape: number[];
  dtype: TensorElement;
  streamId?: string;
  timestampUs?: number;
}

/** A word to whoever works on the stream: end what is under way, group what follows, be ready by then. */
export interface ControlData {
  type: "control";
  message: "cancel" | "batchHint" | "deadline";
  value: JsonObject;
  streamId?: string;
  timestampUs?: number;
}

/** What can be sent to a peer. Do not change a buffer until its send has settled. */
export type RuntimeData = AudioData | VideoData | TensorData | JsonData | TextData | BinaryData | ControlData;

/** Data on its way through pipelines. Whoever gets one reads it and never changes it: others may hold the same. */
export interface TransportData {
  readonly data: RuntimeData;
  /** Position in its stream, a whole number from 0. */
  readonly sequence?: number | undefined;
  /** Names and values. Reserved: `source_peer`, `target_peer`, `output_id`, `session_id`. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** A message on the `data` channel as the seed names it. */
export type DataChannelMessage =
  | { type: "json"; payload: JsonValue }
  | { type: "binary"; payload: Uint8Array }
  | { type: "text"; payload: string };

/** How the samples of a received frame came about. */
export type AudioQuality = "received" | "fec" | "plc" | "cng" | "silence";

/** A block of decoded audio from one peer. It belongs to the reader that was given it, `samples` and all. */
export interface AudioFrame {
  readonly kind: "audio";
  readonly peerId: string;
  readonly streamId: string;
  /** Interleaved, in [-1, 1]. */
  readonly samples: Float32Array;
  readonly sampleRate: number;
  readonly channels: number;
  /** RTP timestamp of the first sample: 48000 ticks a second whatever `sampleRate` is, wraps at 2^32. */
  readonly rtpTimestamp: number;
  /**
   * Ticks of the RTP clock that the samples stand for. Playout that follows another clock or another delay makes more
   * or fewer samples of them than their number.
   */
  readonly rtpTicks: number;
  /** Unix microseconds on this host's clock at which the first sample was captured. */
  readonly wallClockTimestampUs: number;
  /** Half-width of the interval that holds the true capture time, us; null until the clocks have been compared. */
  readonly wallClockErrorUs: number | null;
  /** Grows when capture times step by more than 5 ms; smaller corrections are slewed. */
  readonly timelineEpoch: number;
  /** How well capture times are known: 0.5 from no report of the sender's, 0.8 from one or two, 1 from more. */
  readonly syncConfidence: number;
  /** The sender's media clock against ours, ppm; > 0 sender fast; 0 while unknown. */
  readonly clockDriftPpm: number;
  /** Local monotonic ms at which the packet behind it arrived; of the packet that revealed it when concealed. */
  readonly receivedAt: number;
  /** Ms the packet waited in the jitter buffer. */
  readonly bufferDelayMs: number;
  readonly quality: AudioQuality;
  /** Samples per channel missing between the frame before, as this reader saw it, and this one; 0 normally. */
  readonly missingBefore: number;
}

/** A decoded picture from one peer. It belongs to the reader that was given it, planes and all. */
export interface PictureFrame {
  readonly kind: "video";
  readonly peerId: string;
  readonly streamId: string;
  /** Pixels; odd ones too. */
  readonly width: number;
  readonly height: number;
  readonly format: "I420";
  /** Y, then U and V with half as many columns and rows, rounded up; rows without gaps. BT.601, limited range. */
  readonly planes: readonly [Uint8Array, Uint8Array, Uint8Array];
  readonly rotation: Rotation;
  /** 90000 ticks a second, wraps at 2^32. */
  readonly rtpTimestamp: number;
  /** Unix microseconds on this host's clock at which it was captured. */
  readonly wallClockTimestampUs: number;
  /** Half-width of the interval that holds the true capture time, us; null until the clocks have been compared. */
  readonly wallClockErrorUs: number | null;
  /** Grows when capture times step by more than 5 ms; smaller corrections are slewed. */
  readonly timelineEpoch: number;
  readonly isKeyframe: boolean;
  /** Pictures a second over the last ones; 0 before the second one. */
  readonly framerateEstimate: number;
  /** Ms the coded picture waited for its turn. */
  readonly bufferDelayMs: number;
  /** Whole ms by which it was captured after the audio that plays as it is decoded; 0 without audio. */
  readonly audioSyncOffsetMs: number;
  /** How well capture times are known: 0.5 from no report of the sender's, 0.8 from one or two, 1 from more. */
  readonly syncConfidence: number;
  /** Pictures of this peer that were dropped since the one before, because this reader was slow; 0 normally. */
  readonly missingBefore: number;
}
