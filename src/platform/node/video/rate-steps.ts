// When an encoder whose rate is fixed at its start is started anew for another rate. Each time costs a keyframe, so
// small moves and short rises are passed over. Pure: time is a parameter.

/** A rise is followed from this factor on: below it, a keyframe costs more than the better picture is worth. */
const RISE = 1.15;

/** And only once it has lasted this long, ms: estimates of bandwidth rise in waves. */
const RISE_HOLDS_MS = 2_000;

/** A fall is followed from this factor on, at once: what is sent above the path's rate waits in queues. */
const FALL = 0.92;

/** A fall goes below what is wanted, so that an estimate that falls on a little needs no further keyframe. */
const FALL_MARGIN = 0.9;

/**
 * Least time between two falls, ms. An estimate falls in several steps when a path gets narrow; a keyframe for each would
 * fill the path just then. Well below the second in which an encoder has to follow.
 */
const FALL_PAUSE_MS = 500;

/** The rate at which one encoder runs. */
export class RateSteps {
  #kbps: number;
  #fellMs = -Infinity;
  #risingSinceMs: number | undefined;
  /** The least that was wanted since then: what the rise has kept up all the time. */
  #sustainedKbps = 0;

  constructor(kbps: number) {
    this.#kbps = kbps;
  }

  /**
   * Hear what is wanted now. To be asked for every picture.
   *
   * @param nowMs of any clock, never going backwards
   * @returns the rate to encode at, kbit/s; where it differs from the one before, the encoder starts anew
   */
  follow(wantedKbps: number, nowMs: number): number {
    if (wantedKbps < this.#kbps * FALL) {
      this.#risingSinceMs = undefined;
      if (nowMs - this.#fellMs < FALL_PAUSE_MS) return this.#kbps;
      this.#fellMs = nowMs;
      this.#kbps = wantedKbps * FALL_MARGIN;
    } else if (wantedKbps > this.#kbps * RISE) {
      this.#rise(wantedKbps, nowMs);
    } else {
      this.#risingSinceMs = undefined;
    }
    return this.#kbps;
  }

  /** A keyframe is coming for another reason: the wanted rate costs nothing more. @returns it */
  restart(wantedKbps: number): number {
    this.#risingSinceMs = undefined;
    this.#kbps = wantedKbps;
    return wantedKbps;
  }

  #rise(wantedKbps: number, nowMs: number): void {
    if (this.#risingSinceMs === undefined) {
      this.#risingSinceMs = nowMs;
      this.#sustainedKbps = wantedKbps;
    }
    this.#sustainedKbps = Math.min(this.#sustainedKbps, wantedKbps);
    if (nowMs - this.#risingSinceMs < RISE_HOLDS_MS) return;
    this.#kbps = this.#sustainedKbps;
    this.#risingSinceMs = undefined;
  }
}
