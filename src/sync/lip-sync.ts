// Audio and video of the same moment are due together: the earlier medium is held back to the later one. Sets floors
// under target delays and lowers nothing else. Pure.
import type { Media } from "./sync-types.ts";

/** How often floors move. */
const STEP_MS = 100;
/** How fast: an ear bears 2.5 % of stretching, and 200 ms are made good in eight seconds. */
const SLEW_MS_PER_MS = 0.025;
/** A difference nobody notices, well below the noise of capture times. */
const DEADBAND_MS = 2;
/** A medium that has handed out nothing for so long is not playing. */
const GONE_MS = 1000;
/** A target this close to its floor stands on it. */
const BINDING_MS = 1;

/** What the policy must know of a medium. */
export interface LipSyncMedium {
  /** The target delay as it is, ms, floor included. */
  readonly targetDelayMs: number;
  /** The most it may be. */
  readonly maxDelayMs: number;
}

interface Playing {
  /** From capture to playout, ms; comparable between media of one peer only. */
  delayMs: number;
  atMs: number;
  floorMs: number;
}

/** Floors under the two target delays of one peer. */
export class LipSync {
  readonly #audio: Playing = { delayMs: 0, atMs: -Infinity, floorMs: 0 };
  readonly #video: Playing = { delayMs: 0, atMs: -Infinity, floorMs: 0 };
  #steppedMs = -Infinity;
  #heldUntilMs = -Infinity;

  /** Ms; 0 when there is none. */
  floorMs(media: Media): number {
    return this.#of(media).floorMs;
  }

  /** A frame whose capture time the sender told has its turn, `delayMs` after it was captured. */
  observe(media: Media, delayMs: number, nowMs: number): void {
    const playing = this.#of(media);
    playing.delayMs = delayMs;
    playing.atMs = nowMs;
  }

  /** Capture times are in doubt, as after a step of the sender's clock: floors stay where they are until then. */
  hold(untilMs: number): void {
    this.#heldUntilMs = untilMs;
  }

  /** Whether it is time for {@link step}. */
  isDue(nowMs: number): boolean {
    const { atMs, floorMs } = this.#audio;
    const alone = atMs === -Infinity || this.#video.atMs === -Infinity;
    if (alone && floorMs === 0 && this.#video.floorMs === 0) return false;
    return !(nowMs - this.#steppedMs < STEP_MS) || nowMs < this.#steppedMs;
  }

  /** Move the floors by what has become due since the last step. */
  step(audio: LipSyncMedium, video: LipSyncMedium, nowMs: number): void {
    const elapsedMs = Math.min(Math.max(nowMs - this.#steppedMs, 0), 2 * STEP_MS);
    this.#steppedMs = nowMs;
    if (nowMs < this.#heldUntilMs) return;
    const mostMs = elapsedMs * SLEW_MS_PER_MS;
    if (nowMs - this.#audio.atMs > GONE_MS || nowMs - this.#video.atMs > GONE_MS) {
      lower(this.#audio, mostMs);
      lower(this.#video, mostMs);
      return;
    }
    const audioLaterMs = this.#audio.delayMs - this.#video.delayMs;
    const stepMs = Math.min(Math.abs(audioLaterMs), mostMs);
    if (Math.abs(audioLaterMs) < DEADBAND_MS) return;
    if (audioLaterMs > 0) approach(this.#video, video, this.#audio, audio, stepMs);
    else approach(this.#audio, audio, this.#video, video, stepMs);
  }

  /** A medium begins anew: nothing known of it holds. */
  forget(media: Media): void {
    this.#of(media).atMs = -Infinity;
  }

  /** Everything begins anew. */
  reset(): void {
    for (const playing of [this.#audio, this.#video]) {
      playing.atMs = -Infinity;
      playing.floorMs = 0;
    }
    this.#heldUntilMs = this.#steppedMs = -Infinity;
  }

  #of(media: Media): Playing {
    return media === "audio" ? this.#audio : this.#video;
  }
}

// The later medium gives back what a floor has cost it; what its own path costs it cannot, so the earlier one waits.
function approach(
  earlier: Playing,
  its: LipSyncMedium,
  later: Playing,
  other: LipSyncMedium,
  stepMs: number,
): void {
  if (other.targetDelayMs > later.floorMs + BINDING_MS) later.floorMs = 0;
  if (later.floorMs > 0) lower(later, stepMs);
  else earlier.floorMs = Math.min(its.targetDelayMs + stepMs, its.maxDelayMs);
}

function lower(playing: Playing, byMs: number): void {
  playing.floorMs = Math.max(0, playing.floorMs - byMs);
}
