// Timers that end together.
import type { Clock } from "../runtime/time.ts";

/** Timers of one clock that can be cancelled all at once. */
export class TimerGroup {
  readonly #clock: Clock;
  readonly #cancels = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Timers that have not fired. */
  get size(): number {
    return this.#cancels.size;
  }

  /** Call `action` in `delayMs`, unless cancelled before. */
  after(delayMs: number, action: () => void): void {
    const cancel = this.#clock.setTimer(this.#clock.now() + delayMs, () => {
      this.#cancels.delete(cancel);
      action();
    });
    this.#cancels.add(cancel);
  }

  cancel(): void {
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
  }
}
