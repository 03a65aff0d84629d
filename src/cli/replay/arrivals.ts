// How late each packet of a stream came, and which of them were not played: what a drawing shows beside the playback.
// Pure.
import { parseRtp } from "../../rtp/packet.ts";
import type { TracePacket } from "./playback.ts";
import type { PlaybackSample } from "./playback-report.ts";

/** One packet on its arrival. */
export interface Arrival {
  readonly atMs: number;
  /** Above the fastest packet of the same timeline. */
  readonly delayMs: number;
  /** Place on the sender's timeline, in ticks since its beginning. */
  readonly ticks: number;
}

/** A step of the transit beyond this begins another timeline: the sender began anew, and delays do not compare. */
const NEW_TIMELINE_MS = 2_000;

/** The packets of a stream, timeline by timeline, each in order of arrival. */
export function arrivalsOf(packets: readonly TracePacket[], clockRate: number): Arrival[][] {
  const timelines: { atMs: number; ticks: number; transitMs: number }[][] = [];
  let before: { timestamp: number; ticks: number; transitMs: number } | undefined;
  for (const { packet, arrivalMs: atMs } of packets) {
    const rtp = parseRtp(packet);
    if (typeof rtp === "string") continue;
    const { timestamp } = rtp;
    let ticks: number = before === undefined ? 0 : before.ticks + ((timestamp - before.timestamp) | 0);
    let transitMs = atMs - (ticks * 1000) / clockRate;
    if (before === undefined || Math.abs(transitMs - before.transitMs) > NEW_TIMELINE_MS) {
      timelines.push([]);
      [ticks, transitMs] = [0, atMs];
    }
    timelines[timelines.length - 1]?.push({ atMs, ticks, transitMs });
    before = { timestamp, ticks, transitMs };
  }
  return timelines.map((timeline) => {
    const least = timeline.reduce((min, { transitMs }) => Math.min(min, transitMs), Infinity);
    return timeline.map(({ atMs, ticks, transitMs }) => ({ atMs, ticks, delayMs: transitMs - least }));
  });
}

/**
 * The packets of one timeline that came and were not played.
 *
 * @param samples the playback of that timeline: `atMs - delayMs` is where a packet lies on the sender's timeline, moved
 *   to the arrival of the fastest
 */
export function unplayed(
  arrivals: readonly Arrival[],
  samples: readonly PlaybackSample[],
  clockRate: number,
): Arrival[] {
  const fastest = arrivals.find(({ delayMs }) => delayMs === 0);
  if (fastest === undefined) return [];
  const originMs = fastest.atMs - (fastest.ticks * 1000) / clockRate;
  const played = new Map<number, number>();
  for (const { atMs, delayMs } of samples) {
    const ticks = Math.round(((atMs - delayMs - originMs) * clockRate) / 1000);
    played.set(ticks, (played.get(ticks) ?? 0) + 1);
  }
  return arrivals.filter(({ ticks }) => {
    const left = played.get(ticks) ?? 0;
    played.set(ticks, left - 1);
    return left <= 0;
  });
}

/** The packets without those that came before: same sequence number, same timestamp. */
export function withoutCopies(packets: readonly TracePacket[]): TracePacket[] {
  const seen = new Set<number>();
  return packets.filter(({ packet }) => {
    const rtp = parseRtp(packet);
    if (typeof rtp === "string") return false;
    const key = rtp.timestamp * 0x10000 + rtp.sequenceNumber;
    return !seen.has(key) && seen.add(key);
  });
}
