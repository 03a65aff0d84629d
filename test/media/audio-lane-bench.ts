// An audio lane under a clock that jumps from event to event, and what it has let go.
import { AudioLane } from "../../src/media/audio-lane.ts";
import type { LaneFlushed, LaneFrame, LaneOptions } from "../../src/media/audio-lane.ts";

export const WALL_OFFSET_MS = 1_767_225_600_000;

/** A frame and when it left. */
export interface Left extends LaneFrame<string> {
  atMs: number;
}

/** A lane under a clock that jumps from deadline to deadline. */
export class LaneBench {
  readonly lane: AudioLane<string>;
  readonly left: Left[] = [];
  readonly accepted: number[] = [];
  readonly refused: number[] = [];
  readonly flushes: LaneFlushed[] = [];
  /** Times at which the lane became empty. */
  readonly emptyMs: number[] = [];
  nowMs = 1000;
  #id = 0;

  constructor(options: Partial<LaneOptions> = {}) {
    this.lane = new AudioLane({ channels: 1, frameMs: 20, wallOffsetMs: WALL_OFFSET_MS, ...options });
  }

  send(
    samples: Float32Array,
    options: { sampleRate?: number; channels?: 1 | 2; timestampUs?: number; targets?: string } = {},
  ): number {
    const { sampleRate = 48_000, channels = 1, timestampUs, targets = "all" } = options;
    const id = this.#id++;
    this.lane.handle({ type: "send", id, samples, sampleRate, channels, timestampUs, targets }, this.nowMs);
    this.#drain();
    return id;
  }

  flush(fadeMs = 10): LaneFlushed {
    this.lane.handle({ type: "flush", fadeMs }, this.nowMs);
    this.#drain();
    return this.flushes.at(-1) as LaneFlushed;
  }

  runTo(endMs: number): void {
    while (this.lane.deadlineMs <= endMs) {
      this.nowMs = Math.max(this.nowMs, this.lane.deadlineMs);
      this.lane.handle({ type: "timeout" }, this.nowMs);
      this.#drain();
    }
    this.nowMs = endMs;
  }

  run(ms: number): void {
    this.runTo(this.nowMs + ms);
  }

  get wallUs(): number {
    return (this.nowMs + WALL_OFFSET_MS) * 1000;
  }

  #drain(): void {
    for (let output = this.lane.poll(); output !== undefined; output = this.lane.poll()) {
      if (output.type === "frame") this.left.push({ ...output.frame, atMs: this.nowMs });
      else if (output.type === "accepted") this.accepted.push(output.id);
      else if (output.type === "refused") this.refused.push(output.id);
      else if (output.type === "flushed") this.flushes.push(output);
      else this.emptyMs.push(this.nowMs);
    }
  }
}

/** Samples from each frame to the next. */
export function steps(left: readonly Left[]): number[] {
  return left.slice(1).map((frame, i) => frame.position - (left[i] as Left).position);
}
