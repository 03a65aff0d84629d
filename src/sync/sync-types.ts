// What the synchronization of one peer takes in and gives out. Types only.
import type { AudioQuality } from "../runtime/data.ts";

/** The two media of a peer; each has its own RTP clock. */
export type Media = "audio" | "video";

/** How well a peer's capture times are known: from no sender report, 1 or 2, or 3 and more. */
export type SyncState = "unsynced" | "syncing" | "synced";

/** One frame of audio as it came. `Payload` is opaque: decoded samples, or an encoded frame that is decoded after pop. */
export interface ReceivedAudioFrame<Payload = Float32Array> {
  /** u32. */
  readonly rtpTimestamp: number;
  /** u16. */
  readonly rtpSequence: number;
  /** Interleaved samples at the audio clock rate when decoded. */
  readonly samples: Payload;
  /** Default 1. */
  readonly channels?: number;
  /** Local monotonic ms. */
  readonly receivedAt: number;
  /** Encoded bytes. */
  readonly payloadSize: number;
  readonly ssrc?: number;
  /** 64-bit NTP time of its first sample on the sender's capture clock (abs-capture-time). */
  readonly captureNtp?: bigint;
  /** The same as Unix microseconds, for callers that have it so; `captureNtp` wins. */
  readonly captureUs?: number | undefined;
}

/** A frame of audio in its turn, with the time at which it was captured. */
export interface SyncedAudioFrame<Payload = Float32Array> {
  readonly samples: Payload;
  readonly sampleRate: number;
  readonly channels: number;
  /** Unix microseconds on the receiver's clock at which the first sample was captured. */
  readonly wallClockTimestampUs: number;
  /** Half-width of the interval that holds the true value, us; null until the clocks have been compared. */
  readonly wallClockErrorUs: number | null;
  /** Grows when the capture times step by more than 5 ms; smaller corrections are slewed. */
  readonly timelineEpoch: number;
  readonly rtpTimestamp: number;
  /** Ms it has waited in the buffer. */
  readonly bufferDelayMs: number;
  /** 0 to 1: 0.5 unsynced, 0.8 syncing, 1 synced. */
  readonly syncConfidence: number;
  /** Sender's media clock against ours, ppm; > 0 sender fast; 0 while unknown. */
  readonly clockDriftPpm: number;
  /**
   * Input consumed per output made that keeps the sender's clock and ours together, above 1 when the sender is fast.
   * Decoded samples have been resampled by it; whoever decodes an opaque payload does so after that. 1 without correction.
   */
  readonly playbackRatio: number;
  /**
   * Ms of media that time-scaling should add before this frame (> 0), or take out of it (< 0), because it is due by so
   * much later or earlier than what was played so far ends. 0 below 10 ms, which `playbackRatio` takes care of, and
   * unless paced.
   */
  readonly stretchMs: number;
  /** Frames lost directly before it; FEC in this payload restores the last of them. */
  readonly lostBefore: number;
  readonly quality: AudioQuality;
}

/** Pixel layout of a received frame's planes. */
export type VideoPixelFormat = "I420" | "NV12" | "RGBA" | "encoded";

/** One frame of video as it came (WebCodecs owns the name VideoFrame). */
export interface ReceivedVideoFrame {
  /** u32. */
  readonly rtpTimestamp: number;
  /** u16 of its first packet; null where the platform hides it, as browsers do. */
  readonly rtpSequence: number | null;
  readonly width: number;
  readonly height: number;
  readonly format: VideoPixelFormat;
  readonly planes: readonly Uint8Array[];
  /** Local monotonic ms. */
  readonly receivedAt: number;
  readonly markerBit: boolean;
  readonly isKeyframe: boolean;
  readonly ssrc?: number;
  /** See {@link ReceivedAudioFrame}. */
  readonly captureNtp?: bigint;
  readonly captureUs?: number | undefined;
}

/** A frame of video in its turn. */
export interface SyncedVideoFrame {
  readonly width: number;
  readonly height: number;
  readonly format: VideoPixelFormat;
  readonly planes: readonly Uint8Array[];
  readonly isKeyframe: boolean;
  /** Unix microseconds on the receiver's clock. */
  readonly wallClockTimestampUs: number;
  /** See {@link SyncedAudioFrame}. */
  readonly wallClockErrorUs: number | null;
  readonly timelineEpoch: number;
  readonly rtpTimestamp: number;
  /** Frames a second over the last frames; 0 before the second one. */
  readonly framerateEstimate: number;
  readonly bufferDelayMs: number;
  /** Whole ms by which this frame was captured after the audio now playing: > 0 hold it. 0 without audio. */
  readonly audioSyncOffsetMs: number;
  readonly syncConfidence: number;
}

/** Another peer's capture clock against this one's. */
export interface TimestampOffset {
  /** > 0: the other is ahead. */
  readonly offsetMs: number;
  /** 0 to 1. */
  readonly confidence: number;
  /** The last five values lie within 5 ms. */
  readonly isStable: boolean;
}

/** A sender's statement that an RTP timestamp and a wall clock time are the same instant (RFC 3550 section 6.4.1). */
export interface RtcpSenderReport {
  readonly ssrc: number;
  /** 64-bit NTP. */
  readonly ntpTimestamp: bigint;
  readonly rtpTimestamp: number;
  readonly packetCount: number;
  readonly octetCount: number;
  /** Local monotonic ms at which it came. */
  readonly senderTime?: number;
}

/** A beacon of the `sync` channel: a moment of a stream on the clock that the exchange compares (contract 4.3). */
export interface SyncBeacon {
  readonly media: Media;
  readonly ssrc: number;
  /** u32. */
  readonly rtpTimestamp: number;
  /** Ticks a second of `rtpTimestamp`. */
  readonly clockRate: number;
  /** 64-bit NTP at which the frame with `rtpTimestamp` was captured. */
  readonly captureNtp: bigint;
}

/** What became of a frame that was handed in. */
export interface FrameReceipt {
  readonly status: "buffered" | "duplicate" | "late" | "reset";
}
