// What a receiver counts, and what it knows of its sender's clocks.
import type { SyncState } from "../../sync/sync-types.ts";
import type { TimelineCounters } from "./audio-timeline.ts";

/**
 * Counters of a receiver. `packetsReceived = formerStream + otherPayload + padding + decoded +
 * decodeFailures + overtaken + duplicates + late + overruns + buffered`.
 */
export interface ReceiverCounters extends TimelineCounters {
  video: PictureCounters;
  packetsReceived: number;
  bytesReceived: number;
  /** Of RTP packets, extensions and padding included; 0 where the platform hides packets. */
  headerBytesReceived: number;
  /** No RTP at all; not among the received. */
  malformed: number;
  /** Of the SSRC before the present one. */
  formerStream: number;
  /** Of another payload type than the negotiated one. */
  otherPayload: number;
  /** Without payload: they probe the path. */
  padding: number;
  duplicates: number;
  /** Came after their turn. */
  late: number;
  /** Dropped because the buffer was full, or with the stream that a new one replaced. */
  overruns: number;
  /** Wait at this moment. */
  buffered: number;
  /** Were absent when their turn came; never among the received, unless also late. */
  lost: number;
  /** Share lost of the last 512 expected packets. */
  lossRate: number;
  /** Ms the packet played last has waited. */
  bufferDelayMs: number;
  targetDelayMs: number;
  /** Undefined before the first packet. */
  ssrc: number | undefined;
  /** Expected minus received, as RTCP counts it. */
  packetsLost: number;
  /** RFC 3550 interarrival jitter. */
  jitterMs: number;
  /** Samples per channel that left the decoder, and those of them that are silence because nothing could be made up. */
  totalSamples: number;
  silentConcealedSamples: number;
  /** Ms that packets have waited in the buffer, each times its samples, and how many samples that were. */
  jitterBufferDelayMs: number;
  jitterBufferEmittedSamples: number;
  /** Samples per channel that time-scaling has added to live audio, and taken out of it. */
  insertedSamples: number;
  removedSamples: number;
}

/** Coded pictures. `received = shown + duplicates + late + overruns + buffered`. */
export interface PictureCounters {
  received: number;
  /** Handed on in their turn. */
  shown: number;
  duplicates: number;
  late: number;
  /** Dropped because the buffer was full, or with the stream that a new one replaced. */
  overruns: number;
  buffered: number;
  /** Ms the one handed on last has waited. */
  bufferDelayMs: number;
  targetDelayMs: number;
  /** Ms by which the one handed on last was captured after the audio playing then; > 0: it is ahead. */
  audioSyncOffsetMs: number;
}

/** What is known of the sender's clocks. */
export interface ReceiverClock {
  syncState: SyncState;
  /** Remote wall clock minus ours, and half the width of the interval it lies in, us; null before an exchange. */
  clockOffsetUs: number | null;
  clockErrorUs: number | null;
  /** The sender's media clock against ours, ppm; 0 while unknown. */
  clockDriftPpm: number;
  /** Error bound of the capture time of the packet played last, us; null while unknown. */
  captureErrorUs: number | null;
}

/** Counters of a timeline that there is not yet. */
export const NOTHING_DECODED: TimelineCounters = {
  decoded: 0,
  decodeFailures: 0,
  overtaken: 0,
  fecFrames: 0,
  concealedSamples: 0,
  comfortSamples: 0,
  restarts: 0,
};

/** What a receiver counts by itself, as it begins. */
export const NOTHING_COUNTED = {
  packetsReceived: 0,
  bytesReceived: 0,
  headerBytesReceived: 0,
  malformed: 0,
  formerStream: 0,
  otherPayload: 0,
  padding: 0,
  totalSamples: 0,
  silentConcealedSamples: 0,
  jitterBufferDelayMs: 0,
  jitterBufferEmittedSamples: 0,
};

/** All there is to know of a receiver of which nothing has been heard. */
export const NOTHING_RECEIVED: Readonly<ReceiverCounters & ReceiverClock> = {
  ...NOTHING_DECODED,
  ...NOTHING_COUNTED,
  video: {
    received: 0,
    shown: 0,
    duplicates: 0,
    late: 0,
    overruns: 0,
    buffered: 0,
    bufferDelayMs: 0,
    targetDelayMs: 0,
    audioSyncOffsetMs: 0,
  },
  duplicates: 0,
  late: 0,
  overruns: 0,
  buffered: 0,
  lost: 0,
  lossRate: 0,
  bufferDelayMs: 0,
  targetDelayMs: 0,
  ssrc: undefined,
  packetsLost: 0,
  jitterMs: 0,
  insertedSamples: 0,
  removedSamples: 0,
  syncState: "unsynced",
  clockOffsetUs: null,
  clockErrorUs: null,
  clockDriftPpm: 0,
  captureErrorUs: null,
};
