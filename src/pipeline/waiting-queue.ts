// A bounded queue between two nodes of a pipeline: whoever pushes waits for room, in turn. Never drops on its own.

/** Values that wait before a node at most (back-pressure begins with the next one). */
export const QUEUE_CAPACITY = 16;

/** What {@link WaitingQueue.push} waits for. */
interface Pusher<Value> {
  readonly value: Value;
  readonly taken: (taken: boolean) => void;
}

/** First in, first out, with one reader and any number of writers. */
export class WaitingQueue<Value extends object> {
  readonly #capacity: number;
  /** A ring of a power of two that holds the capacity. */
  readonly #ring: (Value | undefined)[];
  readonly #mask: number;
  #head = 0;
  #size = 0;
  /** Writers that wait for room, the one who came first in front. */
  readonly #pushers: Pusher<Value>[] = [];
  #reader: ((value: Value | undefined) => void) | undefined;
  #closed = false;

  /** @param capacity values that wait at most, from 1 */
  constructor(capacity = QUEUE_CAPACITY) {
    let length = 1;
    while (length < capacity) length *= 2;
    this.#capacity = capacity;
    this.#ring = new Array<Value | undefined>(length).fill(undefined);
    this.#mask = length - 1;
  }

  /** Values that wait, those of writers who wait for room among them. */
  get size(): number {
    return this.#size + this.#pushers.length;
  }

  /** Whether it takes nothing more. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Add a value behind all others.
   *
   * @returns true at once where there is room, false at once when the queue is closed; else a promise that resolves to
   * true when the value has got its place, to false when the queue was cleared before
   */
  push(value: Value): boolean | Promise<boolean> {
    if (this.#closed) return false;
    const reader = this.#reader;
    if (reader !== undefined) {
      this.#reader = undefined;
      reader(value);
      return true;
    }
    if (this.#size < this.#capacity) {
      this.#put(value);
      return true;
    }
    return new Promise((taken) => this.#pushers.push({ value, taken }));
  }

  /** The next value if one is here. */
  take(): Value | undefined {
    if (this.#size === 0) return undefined;
    const value = this.#ring[this.#head];
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & this.#mask;
    this.#size--;
    const pusher = this.#pushers.shift();
    if (pusher !== undefined) {
      this.#put(pusher.value);
      pusher.taken(true);
    }
    return value;
  }

  /** The next value as soon as there is one; undefined when the queue is closed and empty. One call at a time. */
  shift(): Promise<Value | undefined> {
    const value = this.take();
    if (value !== undefined || this.#closed) return Promise.resolve(value);
    return new Promise((resolve) => (this.#reader = resolve));
  }

  /** Nothing more comes in; what waits, also for room, may still be read. Idempotent. */
  close(): void {
    this.#closed = true;
    if (this.#size > 0) return;
    this.#reader?.(undefined);
    this.#reader = undefined;
  }

  /** Close, and forget what waits. @returns how many values that were */
  clear(): number {
    const count = this.size;
    this.#ring.fill(undefined);
    this.#size = 0;
    for (const { taken } of this.#pushers.splice(0)) taken(false);
    this.close();
    return count;
  }

  #put(value: Value): void {
    this.#ring[(this.#head + this.#size) & this.#mask] = value;
    this.#size++;
  }
}
