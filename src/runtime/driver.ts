// Turns one machine: feeds it, hands its outputs to the door, and keeps one timer for its deadline.
// The only place where a machine meets real (or virtual) time.
import type { Machine } from "./machine.ts";
import type { Clock } from "./time.ts";

/** Drives a {@link Machine} from a {@link Clock}. Outputs reach `effect` in order, never re-entrantly. */
export class Driver<Input, Output> {
  readonly #machine: Machine<Input, Output>;
  readonly #clock: Clock;
  readonly #effect: (output: Output) => void;
  readonly #inbox: (Input | { readonly type: "timeout" })[] = [];
  #running = false;
  #cancelTimer: (() => void) | undefined;
  #armedMs = Infinity;
  #closed = false;

  constructor(machine: Machine<Input, Output>, clock: Clock, effect: (output: Output) => void) {
    this.#machine = machine;
    this.#clock = clock;
    this.#effect = effect;
    this.#arm();
  }

  /**
   * Feed one input now. From inside an effect the input waits until the effect has returned.
   * @throws what an effect threw first, once everything has been handled
   */
  handle(input: Input): void {
    if (this.#closed) return;
    this.#inbox.push(input);
    this.#run();
  }

  /** Stop for good: no timer is left and later inputs are ignored. */
  close(): void {
    this.#closed = true;
    this.#inbox.length = 0;
    this.#disarm();
  }

  // One failing effect must not keep the machine from its other outputs, inputs and deadline: all is handled
  // first, then the failure is let out.
  #run(): void {
    if (this.#running) return;
    this.#running = true;
    let failure: { readonly error: unknown } | undefined;
    // Every packet comes through here: no closure is made for it.
    for (let input = this.#inbox.shift(); input !== undefined; input = this.#inbox.shift()) {
      try {
        this.#machine.handle(input, this.#clock.now());
      } catch (error) {
        failure ??= { error };
      }
      for (let output = this.#machine.poll(); output !== undefined; output = this.#machine.poll()) {
        try {
          this.#effect(output);
        } catch (error) {
          failure ??= { error };
        }
      }
    }
    this.#running = false;
    if (!this.#closed) this.#arm();
    if (failure !== undefined) throw failure.error;
  }

  #arm(): void {
    const deadlineMs = this.#machine.deadlineMs;
    if (deadlineMs === this.#armedMs) return;
    this.#disarm();
    if (deadlineMs === Infinity) return;
    this.#armedMs = deadlineMs;
    this.#cancelTimer = this.#clock.setTimer(deadlineMs, () => {
      this.#cancelTimer = undefined;
      this.#armedMs = Infinity;
      if (this.#closed) return;
      this.#inbox.push({ type: "timeout" });
      this.#run();
    });
  }

  #disarm(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#armedMs = Infinity;
  }
}
