// What a receiver of video counts.

/**
 * Counters of a video receiver. `packetsReceived = otherStream + padding + unreadable + duplicates + late + strays +
 * overruns + incomplete + undecodable + delivered + buffered`, and `framesAssembled = framesDelivered + framesDropped +
 * framesWaiting`.
 */
export interface VideoReceiverCounters {
  packetsReceived: number;
  /** Payload bytes of the received, as they came. */
  bytesReceived: number;
  /** Of the same packets, extensions and padding included. */
  headerBytesReceived: number;
  /** No RTP at all; not among the received. */
  malformed: number;
  /** Of an SSRC or payload type that is not received here, or of the SSRC before the present one. */
  otherStream: number;
  /** Without media: they probe the path, or are of another payload type under the SSRC of the stream. */
  padding: number;
  /** Their payload makes no sense; they count as not come. */
  unreadable: number;
  /** Had come before. */
  duplicates: number;
  /** Came after their turn. */
  late: number;
  /** Their number was far off, and no other packet agreed. */
  strays: number;
  /** Dropped because too much waited, or with the stream that a new one replaced. */
  overruns: number;
  /** Of frames that did not become whole in time. */
  incomplete: number;
  /** Of whole frames whose references were missing. */
  undecodable: number;
  /** Of frames handed out. */
  delivered: number;
  /** Wait at this moment. */
  buffered: number;
  /** Of the received: came because they were asked for. */
  recovered: number;
  /** Numbers given up. */
  lost: number;
  framesAssembled: number;
  /** Handed out. */
  framesDelivered: number;
  /** Whole, yet not handed out: references were missing, or a new stream came. */
  framesDropped: number;
  framesWaiting: number;
  /** Keyframes handed out. */
  keyframes: number;
  /** Requests to send packets again, and the packets named in them. */
  nacks: number;
  packetsRequested: number;
  /** Requests for a keyframe. */
  plis: number;
  /** Faults that the decoder has reported. */
  decodeFailures: number;
  /** Interarrival jitter of frames, ms (RFC 3550 section 6.4.1). */
  jitterMs: number;
  /** Undefined before the first packet. */
  ssrc: number | undefined;
}

/** What a receiver counts by itself, as it begins. */
export const NOTHING_COUNTED = {
  packetsReceived: 0,
  bytesReceived: 0,
  headerBytesReceived: 0,
  malformed: 0,
  otherStream: 0,
  unreadable: 0,
  keyframes: 0,
  nacks: 0,
  packetsRequested: 0,
  plis: 0,
  decodeFailures: 0,
};
