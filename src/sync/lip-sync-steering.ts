// Carries the lip-sync policy out on the two lanes of a peer. Reads no clock.
import { LipSync } from "./lip-sync.ts";
import type { LaneFrame, MediaLane } from "./media-lane.ts";
import type { SyncConfig } from "./sync-config.ts";
import type { Media } from "./sync-types.ts";

/** After a step of the sender's clock the reports of both media tell of it within so many report intervals. */
const STEP_HOLD_INTERVALS = 3;
const US_PER_MS = 1000;

/** What the steering moves, and by what it goes. */
export interface SteeringOptions {
  readonly config: SyncConfig;
  readonly audio: MediaLane<LaneFrame>;
  readonly video: MediaLane<LaneFrame>;
  /** Wall minus local monotonic clock of this host, ms. */
  readonly wallOffsetMs: number;
}

/** Sets the floors of both lanes as frames leave them. */
export class LipSyncSteering {
  readonly #options: SteeringOptions;
  readonly #policy = new LipSync();
  /** Steps of the sender's clock that the policy has heard of. */
  #steps = 0;

  constructor(options: SteeringOptions) {
    this.#options = options;
  }

  /** A frame has left its lane. Frames that leave as they come are not to be held, and steer nothing. */
  follow(media: Media, captureUs: number, nowMs: number): void {
    const { config, audio, video, wallOffsetMs } = this.#options;
    if (config.release === "inOrder") return;
    const { clock, dueMs } = media === "audio" ? audio : video;
    if (clock.mapped) this.#policy.observe(media, dueMs + wallOffsetMs - captureUs / US_PER_MS, nowMs);
    if (!this.#policy.isDue(nowMs)) return;
    const steps = audio.clock.steps + video.clock.steps;
    if (steps !== this.#steps) this.#policy.hold(nowMs + STEP_HOLD_INTERVALS * config.rtcpIntervalMs);
    this.#steps = steps;
    this.#policy.step(audio.delay, video.delay, nowMs);
    this.#setFloors();
  }

  /** A medium begins anew. */
  forget(media: Media): void {
    this.#policy.forget(media);
  }

  /** Both begin anew; floors go at once. */
  reset(): void {
    this.#policy.reset();
    this.#setFloors();
  }

  #setFloors(): void {
    this.#options.audio.setFloor(this.#policy.floorMs("audio"));
    this.#options.video.setFloor(this.#policy.floorMs("video"));
  }
}
