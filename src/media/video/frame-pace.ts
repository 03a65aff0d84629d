// Which pictures of a stream are sent when they come faster than they may. Pure.

const TICKS_PER_S = 90_000;

/**
 * A picture may be early or late by this share of an interval and the next one is due as if it were not: what comes
 * unevenly passes, and of what comes a little too fast only as much is left out as has to be.
 */
const SLACK = 0.4;

/** Keeps a stream below a frame rate. */
export class FramePace {
  #interval: number;
  #due = -Infinity;

  constructor(framerateFps: number) {
    this.#interval = TICKS_PER_S / framerateFps;
  }

  setRate(framerateFps: number): void {
    this.#interval = TICKS_PER_S / framerateFps;
  }

  /** Whether the picture at this position, in ticks of 90 kHz, beyond all earlier ones, is one to be sent. */
  takes(position: number): boolean {
    const slack = SLACK * this.#interval;
    if (position < this.#due - slack) return false;
    const hasPaused = position > this.#due + this.#interval;
    this.#due = (hasPaused ? position : Math.max(this.#due, position - slack)) + this.#interval;
    return true;
  }
}
