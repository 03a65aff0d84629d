// Takes a node out of work that only fails: five failures in a row, and it rests for 30 s. Reads no clock.
import type { LocalMs } from "../runtime/time.ts";

/** Failures in a row after which a node is off. */
export const FAILURES_IN_A_ROW = 5;
/** Ms for which it is off. */
export const OFF_MS = 30_000;

/** See the header. */
export class NodeBreaker {
  #failures = 0;
  #offUntilMs = -Infinity;

  /** Ms until the node is tried again; 0 or less when it may work. */
  remainingMs(nowMs: LocalMs): number {
    return this.#offUntilMs - nowMs;
  }

  /** Whether the last inputs have failed, as many as it takes; otherwise it may work at any time. */
  get tripped(): boolean {
    return this.#failures >= FAILURES_IN_A_ROW;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  /** A node that fails when it is tried again is off once more: they are still failures in a row. */
  failed(nowMs: LocalMs): void {
    this.#failures++;
    if (this.tripped) this.#offUntilMs = nowMs + OFF_MS;
  }
}
