// Values on their way from whoever makes them to a `for await` that may be slower: bounded, the oldest goes first.

/** How values of several kinds share a queue: each kind has its own bound, and all of them one more. */
export interface QueueKinds<Value> {
  /** Values of all kinds that wait at most. */
  readonly capacity: number;
  kindOf(value: Value): unknown;
  /** A value was dropped; the next one of its kind may say so. */
  dropped(value: Value, next: Value): void;
}

/** An async iterator with one end to push into. */
export class AsyncQueue<Value> implements AsyncIterableIterator<Value> {
  readonly #capacity: number;
  readonly #onEnd: () => void;
  readonly #kinds: QueueKinds<Value> | undefined;
  readonly #values: Value[] = [];
  readonly #waiting: ((result: IteratorResult<Value, undefined>) => void)[] = [];
  #dropped = 0;
  #ended = false;

  /**
   * @param capacity values that wait at most; beyond, the oldest are dropped
   * @param onEnd called once, when the iteration is over for either side
   * @param kinds with them the capacity is that of each kind
   */
  constructor(capacity: number, onEnd: () => void, kinds?: QueueKinds<Value>) {
    this.#capacity = capacity;
    this.#onEnd = onEnd;
    this.#kinds = kinds;
  }

  /** Values dropped because the reader was slow. */
  get dropped(): number {
    return this.#dropped;
  }

  push(value: Value): void {
    if (this.#ended) return;
    const waiter = this.#waiting.shift();
    if (waiter !== undefined) return waiter({ done: false, value });
    this.#values.push(value);
    const drop = this.#overflow(value);
    if (drop >= 0) this.#drop(drop);
  }

  /** Nothing follows; what waits may still be read. Idempotent. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd();
    for (const waiter of this.#waiting.splice(0)) waiter({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Value, undefined>> {
    const value = this.#values.shift();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<IteratorResult<Value, undefined>> {
    this.#values.length = 0;
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Which value has to go now that this one has come; -1 for none. */
  #overflow(value: Value): number {
    const kinds = this.#kinds;
    const values = this.#values;
    if (kinds === undefined) return values.length > this.#capacity ? 0 : -1;
    const kind = kinds.kindOf(value);
    const isRival = (other: Value): boolean => kinds.kindOf(other) === kind;
    if (values.filter(isRival).length > this.#capacity) return values.findIndex(isRival);
    return values.length > kinds.capacity ? 0 : -1;
  }

  #drop(index: number): void {
    const kinds = this.#kinds;
    const [dropped] = this.#values.splice(index, 1) as [Value];
    this.#dropped++;
    if (kinds === undefined) return;
    const kind = kinds.kindOf(dropped);
    const next = this.#values.findIndex((other) => kinds.kindOf(other) === kind);
    if (next >= 0) kinds.dropped(dropped, this.#values[next] as Value);
  }
}
