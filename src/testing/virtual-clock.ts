// Time that only moves when it is told to: a queue of due actions. No timer of the runtime is ever set.
import type { Clock, LocalMs, WallMs } from "../runtime/time.ts";

/** 2026-01-01T00:00:00Z; any fixed instant does. */
const DEFAULT_WALL_MS = 1_767_225_600_000;

/** Cancelled actions kept in the queue before it is worth rebuilding. */
const MAX_CANCELLED = 1_000;

/** Ms that {@link VirtualClock.until} advances at most. */
const UNTIL_LIMIT_MS = 120_000;

/** Where a {@link VirtualClock} starts. */
export interface VirtualClockOptions {
  /** What `now()` shows first, ms. */
  startMs?: number;
  /** What `wallNow()` shows first, Unix ms. */
  wallMs?: number;
}

interface Action {
  readonly atMs: number;
  /** Breaks ties: actions of one instant run in the order in which they were set. */
  readonly order: number;
  callback: (() => void) | undefined;
}

/**
 * A clock for tests and simulations. `advance` runs what is due and returns; `run` and `until` do the same and let
 * all promise callbacks finish after every single action, so that code which awaits behaves as in real time.
 */
export class VirtualClock implements Clock {
  #nowMs: number;
  readonly #wallOffsetMs: number;
  /** A binary heap: the next action at index 0. */
  #heap: Action[] = [];
  #order = 0;
  #cancelled = 0;
  /** Settles when nobody runs the clock; runs wait for each other. */
  #idle: Promise<void> = Promise.resolve();

  constructor({ startMs = 0, wallMs = DEFAULT_WALL_MS }: VirtualClockOptions = {}) {
    this.#nowMs = startMs;
    this.#wallOffsetMs = wallMs - startMs;
  }

  now(): LocalMs {
    return this.#nowMs;
  }

  wallNow(): WallMs {
    return this.#nowMs + this.#wallOffsetMs;
  }

  /** Timers that have been set and neither fired nor were cancelled: 0 when everything has been tidied up. */
  get pending(): number {
    return this.#heap.length - this.#cancelled;
  }

  setTimer(atMs: LocalMs, callback: () => void): () => void {
    if (!Number.isFinite(atMs)) throw new RangeError(`a timer needs a finite time, not ${atMs}`);
    const action: Action = { atMs: Math.max(atMs, this.#nowMs), order: this.#order++, callback };
    this.#heap.push(action);
    siftUp(this.#heap, this.#heap.length - 1);
    return () => {
      if (action.callback === undefined) return;
      action.callback = undefined;
      this.#cancelled++;
      if (this.#cancelled > MAX_CANCELLED && this.#cancelled * 2 > this.#heap.length) this.#rebuild();
    };
  }

  /** Run everything due within the next `ms`, in order, synchronously. What an action throws comes out here. */
  advance(ms: number): void {
    this.advanceTo(this.#nowMs + ms);
  }

  /** As {@link advance}, up to an instant; one in the past changes nothing. */
  advanceTo(atMs: number): void {
    while (this.#step(atMs)) continue;
    this.#nowMs = Math.max(this.#nowMs, atMs);
  }

  /** As {@link advance}, and let promise callbacks finish before, between and after the actions. */
  async run(ms: number): Promise<void> {
    await this.#turns(async (settled) => {
      const endMs = this.#nowMs + ms;
      do await settled();
      while (this.#step(endMs));
      this.#nowMs = Math.max(this.#nowMs, endMs);
      await settled();
    });
  }

  /**
   * As {@link run}, until `promise` has settled. @returns what it resolves to
   * @throws Error when it has not settled after `limitMs` of virtual time; else what the promise rejects with
   */
  async until<T>(promise: Promise<T>, limitMs = UNTIL_LIMIT_MS): Promise<T> {
    let done = false;
    const mark = (): void => {
      done = true;
    };
    promise.then(mark, mark);
    await this.#turns(async (settled) => {
      const endMs = this.#nowMs + limitMs;
      do await settled();
      while (!done && this.#step(endMs));
      if (!done) this.#nowMs = endMs;
    });
    if (done) return promise;
    throw new Error(`the promise has not settled after ${limitMs} ms of virtual time`);
  }

  /** Run one action due by `endMs`. @returns false when there is none */
  #step(endMs: number): boolean {
    for (;;) {
      const action = this.#heap[0];
      if (action === undefined || action.atMs > endMs) return false;
      removeFirst(this.#heap);
      const { callback } = action;
      if (callback === undefined) {
        this.#cancelled--;
        continue;
      }
      action.callback = undefined;
      this.#nowMs = action.atMs;
      callback();
      return true;
    }
  }

  // A message to ourselves is a new turn of the event loop: all microtasks before it have run. It is what Node and
  // browsers both have and what no browser slows down, unlike nested timeouts.
  async #turns(work: (settled: () => Promise<void>) => Promise<void>): Promise<void> {
    const before = this.#idle;
    let release = (): void => undefined;
    this.#idle = new Promise((resolve) => (release = resolve));
    await before;
    const { port1, port2 } = new MessageChannel();
    let resume = (): void => undefined;
    port1.onmessage = () => resume();
    try {
      await work(
        () =>
          new Promise<void>((resolve) => {
            resume = resolve;
            port2.postMessage(undefined);
          }),
      );
    } finally {
      port1.close();
      release();
    }
  }

  #rebuild(): void {
    const live = this.#heap.filter((action) => action.callback !== undefined);
    this.#heap = live.sort((a, b) => (before(a, b) ? -1 : 1)); // a sorted array is a heap
    this.#cancelled = 0;
  }
}

function before(a: Action, b: Action): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

function siftUp(heap: Action[], start: number): void {
  const action = heap[start] as Action;
  let at = start;
  while (at > 0) {
    const parentAt = (at - 1) >> 1;
    const parent = heap[parentAt] as Action;
    if (!before(action, parent)) break;
    heap[at] = parent;
    at = parentAt;
  }
  heap[at] = action;
}

function removeFirst(heap: Action[]): void {
  const action = heap.pop() as Action;
  if (heap.length === 0) return;
  let at = 0;
  for (;;) {
    let childAt = 2 * at + 1;
    if (childAt >= heap.length) break;
    const right = heap[childAt + 1];
    if (right !== undefined && before(right, heap[childAt] as Action)) childAt++;
    const child = heap[childAt] as Action;
    if (!before(child, action)) break;
    heap[at] = child;
    at = childAt;
  }
  heap[at] = action;
}
