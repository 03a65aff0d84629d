// The recursive least squares filter by which libwebrtc maps RTP timestamps to local time (TimestampExtrapolator), as
// its description has it: state {ticks per ms, offset}, forgetting factor 1, and a two-sided CUSUM test that frees the
// offset when the delay has changed for good.

const TICKS_PER_MS = 90;
const INITIAL_RATE_VARIANCE = 1;
const FREE_OFFSET_VARIANCE = 1e10;
const FORGETTING = 1;
/** Packets before the change detection is heeded. */
const START_UP_PACKETS = 2;
/** CUSUM in ticks: drift allowed per packet, largest residual that counts at once, sum that raises the alarm. */
const CUSUM_DRIFT = 6600;
const CUSUM_MAX_ERROR = 7000;
const CUSUM_ALARM = 60_000;
/** Silence after which it begins anew. */
const RESET_MS = 10_000;

/** The model; fed with every packet. */
export class TimestampExtrapolator {
  #rate = TICKS_PER_MS;
  #offset = 0;
  #p00 = INITIAL_RATE_VARIANCE;
  #p01 = 0;
  #p11 = FREE_OFFSET_VARIANCE;
  #above = 0;
  #below = 0;
  #packets = 0;
  #startMs = 0;
  #startTicks = 0;
  #newestTicks = -Infinity;
  #lastMs = 0;

  /** @param mediaMs media time, `arrivalMs` local time, both since the first packet */
  add(mediaMs: number, arrivalMs: number): void {
    const ticks = mediaMs * TICKS_PER_MS;
    if (this.#packets > 0 && arrivalMs - this.#lastMs > RESET_MS) this.#restart();
    if (this.#packets === 0) {
      this.#startMs = arrivalMs;
      this.#startTicks = ticks;
    }
    this.#lastMs = arrivalMs;
    const t = arrivalMs - this.#startMs;
    const residual = ticks - this.#startTicks - t * this.#rate - this.#offset;
    if (this.#changed(residual) && this.#packets >= START_UP_PACKETS) this.#p11 = FREE_OFFSET_VARIANCE;
    if (ticks < this.#newestTicks) return; // late packets teach it nothing
    this.#newestTicks = ticks;
    this.#correct(t, residual);
    this.#packets++;
  }

  /** Ppm by which the media clock is fast. */
  get driftPpm(): number {
    return (this.#rate / TICKS_PER_MS - 1) * 1e6;
  }

  #correct(t: number, residual: number): void {
    const k0 = this.#p00 * t + this.#p01;
    const k1 = this.#p01 * t + this.#p11;
    const scale = FORGETTING + t * k0 + k1;
    this.#rate += (k0 / scale) * residual;
    this.#offset += (k1 / scale) * residual;
    const p00 = (this.#p00 - (k0 * k0) / scale) / FORGETTING;
    const p01 = (this.#p01 - (k0 * k1) / scale) / FORGETTING;
    this.#p11 = (this.#p11 - (k1 * k1) / scale) / FORGETTING;
    this.#p00 = p00;
    this.#p01 = p01;
  }

  #changed(residual: number): boolean {
    const bounded = Math.min(Math.max(residual, -CUSUM_MAX_ERROR), CUSUM_MAX_ERROR);
    this.#above = Math.max(this.#above + bounded - CUSUM_DRIFT, 0);
    this.#below = Math.min(this.#below + bounded + CUSUM_DRIFT, 0);
    if (this.#above <= CUSUM_ALARM && this.#below >= -CUSUM_ALARM) return false;
    this.#above = this.#below = 0;
    return true;
  }

  #restart(): void {
    this.#rate = TICKS_PER_MS;
    this.#offset = 0;
    this.#p00 = INITIAL_RATE_VARIANCE;
    this.#p01 = 0;
    this.#p11 = FREE_OFFSET_VARIANCE;
    this.#above = this.#below = 0;
    this.#packets = 0;
    this.#newestTicks = -Infinity;
  }
}
