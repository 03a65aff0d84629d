// The shape of everything that has time or protocol in it.

/** A state machine without sockets, timers, promises or a clock of its own. */
export interface Machine<Input, Output> {
  /** Feed one input. `nowMs` is monotonic and never goes backwards. */
  handle(input: Input | { readonly type: "timeout" }, nowMs: number): void;
  /** Next queued output; drain to undefined before the next `handle`. */
  poll(): Output | undefined;
  /** When `{ type: "timeout" }` wants to be handled next; Infinity for never. */
  readonly deadlineMs: number;
}
