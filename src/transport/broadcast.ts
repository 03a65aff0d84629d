// The outcome of sending one thing to several peers. Pure.
import type { TransportError } from "../errors/errors.ts";

/** Per-peer result of a broadcast. */
export interface BroadcastStats {
  totalPeers: number;
  sentCount: number;
  failedCount: number;
  failedPeers: { peerId: string; error: TransportError }[];
  /** Ms from the call until the last send had settled. */
  totalDurationMs: number;
}

/** Which connected peers a broadcast goes to; all by default, `exclude` wins. */
export interface BroadcastOptions {
  only?: readonly string[] | undefined;
  exclude?: readonly string[] | undefined;
}

/** Whether `options` let a broadcast go to `peerId`. */
export function isAddressed(peerId: string, options: BroadcastOptions): boolean {
  if (options.exclude?.includes(peerId) === true) return false;
  return options.only === undefined || options.only.includes(peerId);
}

/** Collects results; `undefined` stands for success. */
export function broadcastStats(
  results: ReadonlyMap<string, TransportError | undefined>,
  totalDurationMs: number,
): BroadcastStats {
  const failedPeers: BroadcastStats["failedPeers"] = [];
  for (const [peerId, error] of results) {
    if (error !== undefined) failedPeers.push({ peerId, error });
  }
  return {
    totalPeers: results.size,
    sentCount: results.size - failedPeers.length,
    failedCount: failedPeers.length,
    failedPeers,
    totalDurationMs,
  };
}
