// Capture times that frames carry themselves (abs-capture-time): known at some frames, interpolated between them. Pure.

/** Frames with a time that are remembered; the newest bracket what waits in the buffer. */
const WINDOW = 16;
/** Between two carriers the clocks may run apart by this much; more is a step, across which nothing is interpolated. */
const MAX_SKEW = 1500e-6;
/** Stamps are as coarse as a browser's clock, us. */
const STAMP_US = 1000;

/** Remembered carriers of one stream. Ticks are unwrapped integers, times Unix us of the capture clock. */
export class CaptureTrack {
  readonly #usPerTick: number;
  /** By rising ticks; the newest last. */
  readonly #ticks: number[] = [];
  readonly #times: number[] = [];

  /** @param clockRate ticks a second */
  constructor(clockRate: number) {
    this.#usPerTick = 1e6 / clockRate;
  }

  /** Carriers known, 0 to 16. */
  get count(): number {
    return this.#ticks.length;
  }

  /** Ticks of the newest carrier; -Infinity without one. */
  get newestTicks(): number {
    const { length } = this.#ticks; // asked for every frame; an index of -1 would be slow
    return length === 0 ? -Infinity : (this.#ticks[length - 1] as number);
  }

  /** A frame carries a time. Frames may come out of order; a second time for the same frame is ignored. */
  add(ticks: number, us: number): void {
    let at = this.#ticks.length;
    while (at > 0 && (this.#ticks[at - 1] as number) > ticks) at--;
    if (this.#ticks[at - 1] === ticks) return;
    this.#ticks.splice(at, 0, ticks);
    this.#times.splice(at, 0, us);
    if (this.#ticks.length <= WINDOW) return;
    this.#ticks.shift();
    this.#times.shift();
  }

  /** The capture clock at `ticks`, us: on the line between the carriers around it, else at the nominal rate. */
  captureUs(ticks: number): number {
    let at = this.#ticks.length - 1;
    while (at > 0 && (this.#ticks[at] as number) > ticks) at--;
    const fromTicks = this.#ticks[at] as number;
    const fromUs = this.#times[at] as number;
    const nominalUs = (ticks - fromTicks) * this.#usPerTick;
    const toTicks = this.#ticks[at + 1];
    if (toTicks === undefined || ticks < fromTicks) return fromUs + nominalUs;
    const spanUs = (toTicks - fromTicks) * this.#usPerTick;
    const deviationUs = (this.#times[at + 1] as number) - fromUs - spanUs;
    if (Math.abs(deviationUs) > STAMP_US + MAX_SKEW * spanUs) return fromUs + nominalUs;
    return fromUs + nominalUs + (deviationUs * nominalUs) / spanUs;
  }

  /** Forget all carriers. */
  reset(): void {
    this.#ticks.length = 0;
    this.#times.length = 0;
  }
}
