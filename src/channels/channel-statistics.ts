// What has gone over the data channels of a peer, in figures. Pure; counts nothing itself.
import type { ChannelPort } from "../platform/platform.ts";

/** Counters since the beginning. Bytes are payload, without headers. */
export interface ChannelTraffic {
  readonly messagesSent: number;
  readonly messagesReceived: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** {@link ChannelTraffic} of all channels together, and what else is counted. */
export interface ChannelStatistics extends ChannelTraffic {
  /** Each channel's own, by label. */
  readonly channels: Readonly<
    Record<string, ChannelTraffic & { readonly state: "connecting" | "open" | "closed" }>
  >;
  /** Bytes handed over and not yet on the network. */
  readonly bufferedAmount: number;
  /** Inbound frames and control actions that were dropped, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
}

/** A {@link ChannelTraffic} that is being counted. */
export type Counts = { -readonly [Name in keyof ChannelTraffic]: number };

/** Counters of a channel that carries what `ports` are open for. */
export interface CountedChannel {
  readonly ports: readonly Pick<ChannelPort, "open" | "bufferedAmount">[];
  readonly counts: ChannelTraffic;
}

/** Nothing yet. */
export function noTraffic(): Counts {
  return { messagesSent: 0, messagesReceived: 0, bytesSent: 0, bytesReceived: 0 };
}

/** A frozen snapshot of channels by label. @param dropped counts by reason */
export function channelStatistics(
  lanes: Iterable<readonly [string, CountedChannel]>,
  dropped: Iterable<readonly [string, number]>,
): ChannelStatistics {
  const total = noTraffic();
  let bufferedAmount = 0;
  const channels: Record<string, ChannelStatistics["channels"][string]> = {};
  for (const [label, { ports, counts }] of lanes) {
    total.messagesSent += counts.messagesSent;
    total.messagesReceived += counts.messagesReceived;
    total.bytesSent += counts.bytesSent;
    total.bytesReceived += counts.bytesReceived;
    for (const port of ports) bufferedAmount += port.bufferedAmount;
    const unopened = ports.length === 0 ? "closed" : "connecting";
    const state = ports.some((port) => port.open) ? "open" : unopened;
    channels[label] = Object.freeze({ ...counts, state });
  }
  return Object.freeze({
    ...total,
    channels: Object.freeze(channels),
    bufferedAmount,
    dropped: Object.freeze(Object.fromEntries(dropped)),
  });
}
