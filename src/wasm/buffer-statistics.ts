// What a jitter buffer counts, read from its region. Pure.
import type { Arena } from "./arena.ts";
import {
  CURRENT,
  DELAYS,
  DELAY_FILL,
  DUPLICATE,
  EXPECTED_COUNT,
  EXPECTED_LOST,
  LATE,
  LOST,
  MALFORMED,
  MAX_PACKETS,
  OUT_DELAY,
  OVERRUN,
  PEAK,
  POPPED,
  RECEIVED,
  REFUSED,
  RESETS,
  RESYNCS,
  SHRUNK_MS,
  STRETCHED_MS,
  SUSPECT,
  TARGET_MS,
} from "./generated/layout.ts";

/** Counters and delays of a jitter buffer. Counts are u32 and cover the life of the buffer. */
export interface BufferStats {
  readonly currentFrames: number;
  readonly peakFrames: number;
  /** At most this many wait. */
  readonly maxFrames: number;
  /** Received, no duplicate, and never handed out: late and overrun ones. */
  readonly droppedFrames: number;
  /** Absent when their turn came. One that comes after that is counted late as well. */
  readonly lostFrames: number;
  readonly duplicateCount: number;
  readonly latePacketCount: number;
  readonly bufferOverrunCount: number;
  readonly targetDelayMs: number;
  /** Ms the packet popped last has waited; 0 before the first. */
  readonly currentDelayMs: number;
  /** Mean over the last 10 popped; 0 before the first. */
  readonly averageDelayMs: number;
  /** Lost share of the last 512 packets whose turn has come, 0 to 1. */
  readonly estimatedLossRate: number;
}

/**
 * {@link BufferStats} and what makes the sum complete:
 * `receivedFrames = currentFrames + duplicateCount + latePacketCount + bufferOverrunCount + poppedFrames + suspectFrames`.
 */
export interface JitterBufferStatistics extends BufferStats {
  readonly receivedFrames: number;
  readonly poppedFrames: number;
  /** Packets on probation, 0 or 1. */
  readonly suspectFrames: number;
  /** Packets that are no RTP, or longer than an eighth of the ring; not among the received. */
  readonly malformedCount: number;
  /** Packets a `PacketWriter` could not place; not among the received. */
  readonly refusedCount: number;
  /** Times the buffer began anew, by a jump of the timeline or by `reset()`. */
  readonly resetCount: number;
  /** Times only the sender's numbering jumped. */
  readonly resyncCount: number;
  /** Ms the playout point has risen from packet to packet, summed: media that time-scaling had to add. */
  readonly stretchedMs: number;
  /** Ms it has fallen, summed: media that time-scaling had to take away. */
  readonly shrunkMs: number;
}

/** One frozen snapshot of the stream whose region begins at `stream`. */
export function readStatistics({ words, doubles }: Arena, stream: number): JitterBufferStatistics {
  const count = (offset: number): number => (words[(stream + offset) >> 2] as number) >>> 0;
  const value = (offset: number): number => doubles[(stream + offset) >> 3] as number;
  const late = count(LATE);
  const overrun = count(OVERRUN);
  const expected = count(EXPECTED_COUNT);
  const remembered = count(DELAY_FILL);
  let delaySumMs = 0;
  for (let i = 0; i < remembered; i++) delaySumMs += value(DELAYS + i * 8);
  return Object.freeze({
    currentFrames: count(CURRENT),
    peakFrames: count(PEAK),
    maxFrames: MAX_PACKETS,
    droppedFrames: late + overrun,
    lostFrames: count(LOST),
    duplicateCount: count(DUPLICATE),
    latePacketCount: late,
    bufferOverrunCount: overrun,
    targetDelayMs: value(TARGET_MS),
    currentDelayMs: value(OUT_DELAY),
    averageDelayMs: remembered === 0 ? 0 : delaySumMs / remembered,
    estimatedLossRate: expected === 0 ? 0 : count(EXPECTED_LOST) / expected,
    receivedFrames: count(RECEIVED),
    poppedFrames: count(POPPED),
    suspectFrames: count(SUSPECT) === 0 ? 0 : 1,
    malformedCount: count(MALFORMED),
    refusedCount: count(REFUSED),
    resetCount: count(RESETS),
    resyncCount: count(RESYNCS),
    stretchedMs: value(STRETCHED_MS),
    shrunkMs: value(SHRUNK_MS),
  });
}
