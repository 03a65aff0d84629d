// Values on their way from whoever makes them to a `for await` that may be slower: bounded, the oldest goes first.

/** An async iterator with one end to push into. */
export class AsyncQueue<Value> implements AsyncIterableIterator<Value> {
  readonly #capacity: number;
  readonly #onEnd: () => void;
  readonly #values: Value[] = [];
  readonly #waiting: ((result: IteratorResult<Value, undefined>) => void)[] = [];
  #dropped = 0;
  #ended = false;

  /**
   * @param capacity values that wait at most; beyond, the oldest are dropped
   * @param onEnd called once, when the iteration is over for either side
   */
  constructor(capacity: number, onEnd: () => void) {
    this.#capacity = capacity;
    this.#onEnd = onEnd;
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
    if (this.#values.length <= this.#capacity) return;
    this.#values.shift();
    this.#dropped++;
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
}
