// The values a program exchanges with peers: media, messages and their envelope. Types only.

/** Anything JSON can represent (RFC 8259). */
export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;
/** A JSON object. */
export interface JsonObject {
  [key: string]: JsonValue;
}

/** Layouts of raw pictures; `encoded` means `codec` says what the bytes are. */
export type PixelFormat = "I420" | "NV12" | "RGB24" | "RGBA" | "BGRX" | "GRAY8" | "encoded";

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

/** What can be sent to a peer. Do not change a buffer until its send has settled. */
export type RuntimeData = AudioData | JsonData | TextData | BinaryData;

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
