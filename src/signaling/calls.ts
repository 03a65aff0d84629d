// Requests in flight: their ids, which response belongs to which, and when each has waited long enough.
// Holds no socket and no timer; whoever owns it sends the text and asks for what is overdue.

/** A request without its answer. */
export interface PendingCall<Owner> {
  readonly id: string;
  readonly method: string;
  /** Whom the answer is for. */
  readonly owner: Owner;
  /** Monotonic ms at which waiting ends. */
  readonly deadlineMs: number;
}

/** Requests one client may have in flight; more at once is a fault of the program, not a burst of candidates. */
export const MAX_PENDING_CALLS = 256;

/** The requests in flight on one client, correlated by id (JSON-RPC 2.0 section 5). */
export class Calls<Owner> {
  readonly #prefix: string;
  readonly #pending = new Map<string, PendingCall<Owner>>();
  #count = 0;

  /** @param prefix makes the ids unlike those of other clients in a server's log */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Requests in flight. */
  get size(): number {
    return this.#pending.size;
  }

  /** The earliest deadline, Infinity when nothing is in flight. */
  get deadlineMs(): number {
    let earliest = Infinity;
    for (const { deadlineMs } of this.#pending.values()) earliest = Math.min(earliest, deadlineMs);
    return earliest;
  }

  /** Begin a request. @returns its id, never used before by this object; undefined when too many are in flight */
  begin(method: string, owner: Owner, deadlineMs: number): string | undefined {
    if (this.#pending.size >= MAX_PENDING_CALLS) return undefined;
    this.#count += 1;
    const id = `${this.#prefix}-${this.#count}`;
    this.#pending.set(id, { id, method, owner, deadlineMs });
    return id;
  }

  /** The request a response belongs to, which ends it; undefined for an id that is not in flight. */
  take(id: unknown): PendingCall<Owner> | undefined {
    if (typeof id !== "string") return undefined;
    const call = this.#pending.get(id);
    if (call !== undefined) this.#pending.delete(id);
    return call;
  }

  /** Give up the requests whose owner matches; their responses will be unmatched. */
  drop(matches: (owner: Owner) => boolean): void {
    for (const call of this.#pending.values()) if (matches(call.owner)) this.#pending.delete(call.id);
  }

  /** End and return the requests that are overdue at `nowMs`. */
  takeOverdue(nowMs: number): PendingCall<Owner>[] {
    const overdue = [...this.#pending.values()].filter((call) => call.deadlineMs <= nowMs);
    for (const call of overdue) this.#pending.delete(call.id);
    return overdue;
  }

  /** End and return every request. */
  takeAll(): PendingCall<Owner>[] {
    const all = [...this.#pending.values()];
    this.#pending.clear();
    return all;
  }
}
