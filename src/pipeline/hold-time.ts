// For how long something that a node gave out has been waiting for room. Reads no clock.
import type { LocalMs } from "../runtime/time.ts";

/** Adds up the times during which at least one hold was on. */
export class HoldTime {
  #count = 0;
  #sinceMs: LocalMs = 0;
  #totalMs = 0;

  /** Whether something waits. */
  get held(): boolean {
    return this.#count > 0;
  }

  begin(nowMs: LocalMs): void {
    if (this.#count++ === 0) this.#sinceMs = nowMs;
  }

  /** @returns true when nothing waits any more */
  end(nowMs: LocalMs): boolean {
    if (--this.#count > 0) return false;
    this.#totalMs += nowMs - this.#sinceMs;
    return true;
  }

  /** Ms so far. */
  totalMs(nowMs: LocalMs): number {
    return this.#totalMs + (this.#count > 0 ? nowMs - this.#sinceMs : 0);
  }
}
