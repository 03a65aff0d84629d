// How much of what was sent arrives: bytes over arrival time, as feedback tells. Holds the last second only.

/** Arrivals further back count for nothing, ms. */
const HORIZON_MS = 1_000;

/** Packets kept: what a second brings at 50 Mbit/s. */
const MAX_PACKETS = 6_000;

/** Less time than this under the packets, or fewer packets, make no rate. */
const MIN_SPAN_MS = 80;
const MIN_PACKETS = 6;

/** The rate at which packets come out of the path. */
export class AckedRate {
  #arrivalsMs: number[] = [];
  #byteLengths: number[] = [];

  /** Note a packet that arrived; `arrivalMs` is on the receiver's clock. */
  add(arrivalMs: number, byteLength: number): void {
    const newestMs = this.#arrivalsMs.at(-1) ?? arrivalMs;
    // A clock that was set, not a packet that was overtaken: begin anew.
    if (Math.abs(arrivalMs - newestMs) > HORIZON_MS * 3) this.reset();
    // One that was overtaken counts as come with the one before: order is what makes the window cheap.
    this.#arrivalsMs.push(Math.max(arrivalMs, this.#arrivalsMs.at(-1) ?? -Infinity));
    this.#byteLengths.push(byteLength);
    if (this.#arrivalsMs.length > MAX_PACKETS * 2) this.#forget();
  }

  /**
   * @param windowMs up to 1000; at low rates as much longer, up to a second, as it takes to hold six packets
   * @returns kbit/s of that time before the newest arrival; undefined when it holds less than six packets or 80 ms
   */
  kbps(windowMs: number): number | undefined {
    const { length } = this.#arrivalsMs;
    const lastMs = this.#arrivalsMs[length - 1] ?? 0;
    let at = length - 1;
    let bytes = 0;
    // The first packet of the window marks its beginning and came before it: its bytes do not count.
    for (; at > 0; at--) {
      const backMs = lastMs - (this.#arrivalsMs[at - 1] as number);
      if (backMs > windowMs && (length - at >= MIN_PACKETS || backMs > HORIZON_MS)) break;
      bytes += this.#byteLengths[at] as number;
    }
    const spanMs = lastMs - (this.#arrivalsMs[at] ?? lastMs);
    if (spanMs < MIN_SPAN_MS || length - at < MIN_PACKETS) return undefined;
    return (bytes * 8) / spanMs;
  }

  reset(): void {
    this.#arrivalsMs = [];
    this.#byteLengths = [];
  }

  #forget(): void {
    this.#arrivalsMs = this.#arrivalsMs.slice(-MAX_PACKETS);
    this.#byteLengths = this.#byteLengths.slice(-MAX_PACKETS);
  }
}
