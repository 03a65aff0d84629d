// When the next beacon of an outgoing stream is due. Pure.

/** Marks of a stream come often, or only a few times a second; beacons leave once an interval on average. */
export class BeaconSchedule {
  /** Ms between beacons; a change counts from the next one. */
  intervalMs: number;
  #ssrc: number | undefined;
  #nextMs = -Infinity;

  constructor(intervalMs: number) {
    this.intervalMs = intervalMs;
  }

  /** Whether a beacon should leave with the mark at hand: at the start of a stream, after a pause, once an interval. */
  take(ssrc: number, nowMs: number): boolean {
    if (ssrc === this.#ssrc && nowMs < this.#nextMs) return false;
    // From when it was due, not from now: else beacons would fall behind by the distance of the marks each time.
    const nextMs = this.#nextMs + this.intervalMs;
    this.#nextMs = ssrc === this.#ssrc && nextMs > nowMs ? nextMs : nowMs + this.intervalMs;
    this.#ssrc = ssrc;
    return true;
  }
}
