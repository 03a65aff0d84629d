// Video against the audio that plays, and its frame rate. Pure.

/** Frames over which the rate is measured. */
const FRAMES = 16;
/** Audio that has been silent for longer does not play: comfort noise comes every 400 ms. */
const AUDIO_GONE_MS = 1000;
const US_PER_MS = 1000;

/** What the frames popped so far tell of the next one. */
export class VideoTiming {
  readonly #clockRate: number;
  readonly #ticks = new Float64Array(FRAMES);
  #count = 0;
  #audioCaptureUs = 0;
  #audioMs = -Infinity;

  /** @param clockRate ticks a second */
  constructor(clockRate: number) {
    this.#clockRate = clockRate;
  }

  /** A frame of audio begins to play. */
  audioPlays(captureUs: number, nowMs: number): void {
    this.#audioCaptureUs = captureUs;
    this.#audioMs = nowMs;
  }

  /** Audio begins anew. */
  audioStops(): void {
    this.#audioMs = -Infinity;
  }

  /** Whole ms by which a frame was captured after the audio playing at `nowMs`; 0 without audio. */
  offsetMs(captureUs: number, nowMs: number): number {
    const playedMs = nowMs - this.#audioMs;
    if (!(playedMs <= AUDIO_GONE_MS)) return 0;
    const offsetMs = Math.round((captureUs - this.#audioCaptureUs) / US_PER_MS - playedMs);
    return offsetMs === 0 ? 0 : offsetMs; // never -0
  }

  /** Frames a second over the last sixteen, the one at `ticks` included; 0 for the first. */
  framerate(ticks: number): number {
    this.#ticks[this.#count++ % FRAMES] = ticks;
    const oldest = Math.max(0, this.#count - FRAMES);
    const spanTicks = ticks - (this.#ticks[oldest % FRAMES] as number);
    return spanTicks > 0 ? ((this.#count - 1 - oldest) * this.#clockRate) / spanTicks : 0;
  }

  /** Video begins anew. */
  reset(): void {
    this.#count = 0;
  }
}
