// Coded frames that leave before their turn, or after it: a buffer may show a picture late or not at all, but all that
// follows needs it decoded. Bounded. Pure.
import type { ReceivedVideoFrame } from "./sync-types.ts";

/** Two seconds at 30 a second, of a reader that takes nothing. */
const MAX_HURRIED = 64;

/** A frame this much older than the newest one here, ticks, belongs to another timeline. */
const REACH_TICKS = 2 * 90_000;

/** Frames to leave at once, oldest first. */
export class HurriedFrames {
  readonly #frames: ReceivedVideoFrame[] = [];
  /** Timestamp of the newest one that was ever here, until a later frame has left. */
  #newest: number | undefined;

  get length(): number {
    return this.#frames.length;
  }

  /** Local ms at which the first one could leave; Infinity without one. */
  get dueMs(): number {
    return this.#frames[0]?.receivedAt ?? Infinity;
  }

  /** @returns false when there was no room: the oldest frame is gone */
  add(frame: ReceivedVideoFrame): boolean {
    this.#frames.push(frame);
    this.#newest = frame.rtpTimestamp;
    if (this.#frames.length <= MAX_HURRIED) return true;
    this.#frames.shift();
    return false;
  }

  take(): ReceivedVideoFrame | undefined {
    return this.#frames.shift();
  }

  /** Whether a frame with this timestamp comes after one that has hurried ahead. */
  overtook(timestamp: number): boolean {
    if (this.#newest === undefined) return false;
    const ahead = (timestamp - this.#newest) | 0;
    return ahead <= 0 && ahead > -REACH_TICKS;
  }

  /** A later frame has left in its turn. */
  settle(): void {
    this.#newest = undefined;
  }

  clear(): void {
    this.#frames.length = 0;
    this.#newest = undefined;
  }
}
