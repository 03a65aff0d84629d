// Recognizes an RTCP packet that the native side delivers a second time. Pure; time comes as a parameter.
import type { LocalMs } from "../../runtime/time.ts";

/** Copies of one datagram leave the native side in one go; a sender's own repetition comes later than this. */
const WINDOW_MS = 20;

/** Packets remembered; a link carries a few RTCP packets a second. */
const MAX_PACKETS = 8;

/** Remembers the last few RTCP packets of one connection for a few milliseconds. */
export class RtcpDeduplicator {
  readonly #recent: { packet: Uint8Array; atMs: LocalMs }[] = [];

  /** Whether the same bytes were seen within the last 20 ms. `packet` is kept, not copied. */
  isDuplicate(packet: Uint8Array, nowMs: LocalMs): boolean {
    while (this.#recent.length > 0 && nowMs - (this.#recent[0]?.atMs ?? 0) > WINDOW_MS) this.#recent.shift();
    if (this.#recent.some((seen) => sameBytes(seen.packet, packet))) return true;
    if (this.#recent.length === MAX_PACKETS) this.#recent.shift();
    this.#recent.push({ packet, atMs: nowMs });
    return false;
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
