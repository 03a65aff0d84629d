// What time it is on the demo's clock, as far as a page can know: from pings, trusting the quickest. Pure.

/** Pings remembered; at one a second the estimate follows a drifting clock within half a minute. */
const MEMORY = 30;
/** Pings after which the estimate is good enough to stamp measurements. */
const ENOUGH = 3;

/** Offset between a page's clock and the clock of the run. */
export class ClockEstimate {
  readonly #pings: { roundTripMs: number; offsetMs: number }[] = [];

  /**
   * Note an answered ping.
   *
   * @param sentMs, nowMs page clock at sending and at the answer
   * @param runMs the demo's clock when it answered
   */
  add(sentMs: number, nowMs: number, runMs: number): void {
    const roundTripMs = nowMs - sentMs;
    if (!(roundTripMs >= 0) || !Number.isFinite(runMs)) return;
    this.#pings.push({ roundTripMs, offsetMs: runMs - (sentMs + nowMs) / 2 });
    if (this.#pings.length > MEMORY) this.#pings.shift();
  }

  /** The run's time at a time of the page's clock; undefined before enough pings were answered. */
  toRunMs(pageMs: number): number | undefined {
    if (this.#pings.length < ENOUGH) return undefined;
    const best = this.#pings.reduce((a, b) => (b.roundTripMs < a.roundTripMs ? b : a));
    return Math.max(0, pageMs + best.offsetMs);
  }
}
