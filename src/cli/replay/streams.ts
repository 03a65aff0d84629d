// The streams of a trace: packets sorted by SSRC, with a clock rate for each payload type. Pure.
import { parseRtp } from "../../rtp/packet.ts";
import { findClockRate } from "./clock-rates.ts";
import type { ClockRate, TimedPacket } from "./clock-rates.ts";
import type { TracePacket } from "./playback.ts";

/** Packets of one payload type within a stream. */
export interface PayloadTypeUse extends ClockRate {
  readonly payloadType: number;
  readonly packets: number;
}

/** All packets of one SSRC. */
export interface Stream {
  readonly ssrc: number;
  /** The payload types in it, most frequent first; never empty. */
  readonly payloadTypes: readonly [PayloadTypeUse, ...PayloadTypeUse[]];
  /** In order of arrival, their timestamps in ticks of the most frequent payload type. */
  readonly packets: readonly TracePacket[];
  /** How often payload types with different clock rates followed one another. */
  readonly clockChanges: number;
}

interface Packet extends TimedPacket, TracePacket {}

/**
 * Sort the packets of a trace into streams, in the order of their beginnings.
 *
 * @param packets RTP in the order of arrival
 * @param given clock rates by payload type, which go before all others
 */
export function findStreams(packets: readonly TracePacket[], given: ReadonlyMap<number, number>): Stream[] {
  const bySsrc = new Map<number, Packet[]>();
  for (const { packet, arrivalMs } of packets) {
    const rtp = parseRtp(packet);
    if (typeof rtp === "string") continue;
    const { ssrc, payloadType, timestamp } = rtp;
    const own = bySsrc.get(ssrc) ?? [];
    bySsrc.set(ssrc, own);
    own.push({ packet, arrivalMs, payloadType, timestamp });
  }
  return [...bySsrc].flatMap(([ssrc, own]) => {
    const [main, ...others] = usesOf(own, given);
    if (main === undefined) return [];
    const payloadTypes = [main, ...others] as const;
    return [{ ssrc, payloadTypes, ...onOneClock(own, payloadTypes) }];
  });
}

/** The payload types among packets, most frequent first. */
function usesOf(packets: readonly Packet[], given: ReadonlyMap<number, number>): PayloadTypeUse[] {
  const counts = new Map<number, number>();
  for (const { payloadType } of packets) counts.set(payloadType, (counts.get(payloadType) ?? 0) + 1);
  const [main, ...others] = [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([payloadType, count]) => ({
      payloadType,
      packets: count,
      ...findClockRate(payloadType, packets, given),
    }));
  if (main === undefined) return [];
  // A payload type too rare to tell its rate keeps the one of its stream, as RFC 7160 section 4 wants it.
  return [
    main,
    ...others.map((use) => (use.source === "guessed" ? { ...use, clockRate: main.clockRate } : use)),
  ];
}

/**
 * Bring all timestamps to the clock of the first payload type. Where one with another rate takes over, nothing says how
 * its timestamps continue those before (RFC 7160 section 3): its first packet is taken to be as late as the one before.
 */
function onOneClock(
  packets: readonly Packet[],
  uses: Stream["payloadTypes"],
): Pick<Stream, "packets" | "clockChanges"> {
  const rates = new Map(uses.map(({ payloadType, clockRate }) => [payloadType, clockRate]));
  const { clockRate } = uses[0];
  const rateOf = ({ payloadType }: Packet): number => rates.get(payloadType) ?? clockRate;
  if (new Set(rates.values()).size === 1) {
    return { packets: packets.map(({ packet, arrivalMs }) => ({ packet, arrivalMs })), clockChanges: 0 };
  }
  let clockChanges = 0;
  let before: Packet | undefined;
  let ticks = packets[0]?.timestamp ?? 0;
  const moved = packets.map((current) => {
    if (before !== undefined && rateOf(before) === rateOf(current)) {
      ticks += (((current.timestamp - before.timestamp) | 0) * clockRate) / rateOf(current);
    } else if (before !== undefined) {
      clockChanges++;
      ticks += ((current.arrivalMs - before.arrivalMs) * clockRate) / 1000;
    }
    before = current;
    return { packet: withTimestamp(current.packet, ticks), arrivalMs: current.arrivalMs };
  });
  return { packets: moved, clockChanges };
}

function withTimestamp(packet: Uint8Array, ticks: number): Uint8Array {
  const copy = Uint8Array.from(packet);
  new DataView(copy.buffer).setUint32(4, Math.round(ticks)); // taken modulo 2^32
  return copy;
}
