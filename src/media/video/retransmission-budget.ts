// How much of a path's rate goes into sending again. Where a queue overflows, everything lost is asked for again: answered
// in full, it would keep the queue full, and the sound beside it would be lost too. Pure.

/** Of what the path carries, the most that answers may take; what they take is taken off what is encoded. */
const MOST_SHARE = 0.3;

/** What was spent is forgotten at this pace, ms: so much of a second's share may leave at once. */
const MEMORY_MS = 1000;

/** See the header. */
export class RetransmissionBudget {
  #bytes = 0;
  #updatedMs = -Infinity;

  /** What was spent of late, kbit/s. */
  kbps(nowMs: number): number {
    this.#forget(nowMs);
    return (this.#bytes * 8) / MEMORY_MS;
  }

  /**
   * Whether so many bytes, as on the wire, may be sent again; then they count as spent.
   * @param targetKbps what the path carries
   */
  spend(byteLength: number, targetKbps: number, nowMs: number): boolean {
    if (this.kbps(nowMs) >= MOST_SHARE * targetKbps) return false;
    this.#bytes += byteLength;
    return true;
  }

  #forget(nowMs: number): void {
    const passedMs = nowMs - this.#updatedMs;
    if (!(passedMs > 0)) return;
    this.#bytes *= Math.exp(-passedMs / MEMORY_MS);
    this.#updatedMs = nowMs;
  }
}
