// What a jitter buffer counts, read from its region. Pure.
import type { Arena } from "./arena.ts";
import { LAYOUT } from "./generated/kernels.ts";

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
  const late = count(LAYOUT.LATE);
  const overrun = count(LAYOUT.OVERRUN);
  const expected = count(LAYOUT.EXPECTED_COUNT);
  const remembered = count(LAYOUT.DELAY_FILL);
  let delaySumMs = 0;
  for (let i = 0; i < remembered; i++) delaySumMs += value(LAYOUT.DELAYS + i * 8);
  return Object.freeze({
    currentFrames: count(LAYOUT.CURRENT),
    peakFrames: count(LAYOUT.PEAK),
    maxFrames: LAYOUT.MAX_PACKETS,
    droppedFrames: late + overrun,
    lostFrames: count(LAYOUT.LOST),
    duplicateCount: count(LAYOUT.DUPLICATE),
    latePacketCount: late,
    bufferOverrunCount: overrun,
    targetDelayMs: value(LAYOUT.TARGET_MS),
    currentDelayMs: value(LAYOUT.OUT_DELAY),
    averageDelayMs: remembered === 0 ? 0 : delaySumMs / remembered,
    estimatedLossRate: expected === 0 ? 0 : count(LAYOUT.EXPECTED_LOST) / expected,
    receivedFrames: count(LAYOUT.RECEIVED),
    poppedFrames: count(LAYOUT.POPPED),
    suspectFrames: count(LAYOUT.SUSPECT) === 0 ? 0 : 1,
    malformedCount: count(LAYOUT.MALFORMED),
    refusedCount: count(LAYOUT.REFUSED),
    resetCount: count(LAYOUT.RESETS),
    resyncCount: count(LAYOUT.RESYNCS),
    stretchedMs: value(LAYOUT.STRETCHED_MS),
    shrunkMs: value(LAYOUT.SHRUNK_MS),
  });
}
