// RTP traffic for benches: the same packets for every contender, made before the clock runs.
import { seededRandom } from "../../test/wasm/rtp-traffic.ts";

/** RTP clock of the bench's stream, Hz. */
export const CLOCK_RATE = 90_000;

/** A packet and when it comes. */
export interface Arrival {
  readonly packet: Uint8Array;
  readonly arrivalMs: number;
}

/** The habits of a path. */
export interface PathOptions {
  readonly packets: number;
  readonly packetsPerSecond: number;
  readonly payloadBytes: number;
  /** Share of packets that never come. */
  readonly loss?: number;
  /** Share of packets that come after 1 to 5 of their successors. */
  readonly reordered?: number;
}

/** Arrivals in order of time. The first packet always comes, in its place. */
export function traffic(options: PathOptions): Arrival[] {
  const { packets, packetsPerSecond, payloadBytes, loss = 0, reordered = 0 } = options;
  const random = seededRandom(4711);
  const intervalMs = 1000 / packetsPerSecond;
  const arrivals: Arrival[] = [];
  for (let n = 0; n < packets; n++) {
    const packet = new Uint8Array(12 + payloadBytes);
    const view = new DataView(packet.buffer);
    packet[0] = 0x80;
    packet[1] = 96;
    view.setUint16(2, n & 0xffff);
    view.setUint32(4, Math.round((n * CLOCK_RATE) / packetsPerSecond));
    view.setUint32(8, 0xabcdef);
    packet.fill(n & 0xff, 12);
    const lost = random() < loss;
    const behind = random() < reordered ? 1 + Math.floor(random() * 5) : 0;
    if (n > 0 && lost) continue;
    arrivals.push({ packet, arrivalMs: (n + (n > 0 ? behind + behind / 10 : 0)) * intervalMs });
  }
  return arrivals.sort((a, b) => a.arrivalMs - b.arrivalMs);
}
