// The rate where the other side tells loss and round trips and nothing else: down quickly, up slowly, one step a second
// at most. It sees congestion when queues are full already, so it serves only where nothing better is negotiated.

/** One step at most in this time; reports come more or less often, ms. */
const STEP_MS = 1_000;

/** Above either of these the rate goes down by this factor. */
const HIGH_LOSS = 0.05;
const HIGH_RTT_MS = 300;
const DOWN = 0.8;

/** Below both of these for so long, it goes up by this factor. */
const LOW_LOSS = 0.01;
const LOW_RTT_MS = 100;
const QUIET_MS = 5_000;
const UP = 1.2;

/** The rate of one path, by loss and round-trip time. */
export class LossRttRule {
  #kbps: number;
  #steppedMs = -Infinity;
  #quietSinceMs = Infinity;

  constructor(startKbps: number) {
    this.#kbps = startKbps;
  }

  /** Kbit/s, not bounded by configuration unless {@link clamp} is called. */
  get kbps(): number {
    return this.#kbps;
  }

  /** Keep within what is configured. */
  clamp(minKbps: number, maxKbps: number): void {
    this.#kbps = Math.min(maxKbps, Math.max(minKbps, this.#kbps));
  }

  /**
   * Take in the newest figures, once a report.
   *
   * @param lossRate share of the packets lost since the last report, 0 to 1
   * @param roundTripMs undefined before it was measured: then nothing speaks against going up but loss
   */
  update(lossRate: number, roundTripMs: number | undefined, nowMs: number): void {
    const bad = lossRate > HIGH_LOSS || (roundTripMs ?? 0) > HIGH_RTT_MS;
    const quiet = lossRate < LOW_LOSS && (roundTripMs ?? 0) < LOW_RTT_MS;
    if (!quiet) this.#quietSinceMs = Infinity;
    else if (this.#quietSinceMs === Infinity) this.#quietSinceMs = nowMs;
    if (nowMs - this.#steppedMs < STEP_MS) return;
    const up = nowMs - this.#quietSinceMs >= QUIET_MS;
    if (!bad && !up) return;
    this.#kbps *= bad ? DOWN : UP;
    this.#steppedMs = nowMs;
    // The next step up wants five quiet seconds of its own.
    if (up) this.#quietSinceMs = nowMs;
  }
}
