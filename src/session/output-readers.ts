// Who reads the outputs of a session, and who waits until they are read: the asynchronous side of the queue of outputs.
import type { TransportError } from "../errors/errors.ts";
import type { TransportData } from "../runtime/data.ts";
import type { SessionOutputs } from "./session-outputs.ts";

interface Reader {
  /** Whether errors of nodes are told, by rejecting. */
  readonly errors: boolean;
  resolve(value: TransportData | null): void;
  reject(error: TransportError): void;
}

/** See the header. */
export class OutputReaders {
  readonly #outputs: SessionOutputs;
  readonly #waiting: Reader[] = [];
  /** Those who made outputs for which there is no room. */
  readonly #crowd: (() => void)[] = [];
  #iterators = 0;
  #asked = false;
  #ended = false;

  constructor(outputs: SessionOutputs) {
    this.#outputs = outputs;
  }

  /** Whether the program reads: it has called `recvOutput()`, or goes through outputs. */
  get present(): boolean {
    return this.#asked || this.#iterators > 0;
  }

  /** @returns when the reader has caught up; undefined when it has */
  push(value: TransportData): Promise<void> | undefined {
    this.#outputs.push(value);
    this.#serve();
    if (!this.#outputs.crowded || this.#ended) return undefined;
    return new Promise((resolve) => this.#crowd.push(resolve));
  }

  fail(error: TransportError): void {
    this.#outputs.fail(error);
    this.#serve();
  }

  receive(): Promise<TransportData | null> {
    this.#asked = true;
    return this.#read(true).result;
  }

  /** The outputs from now on; several iterations share them. Ends with the session. */
  iterate(): AsyncIterableIterator<TransportData> {
    const readers = new Set<Reader>();
    let open = true;
    this.#iterators++;
    const close = (): void => {
      if (!open) return;
      open = false;
      this.#iterators--;
      for (const reader of readers) this.#leave(reader);
    };
    const over = { done: true, value: undefined } as const;
    const iterator: AsyncIterableIterator<TransportData> = {
      [Symbol.asyncIterator]: () => iterator,
      next: async () => {
        if (!open) return over;
        const { reader, result } = this.#read(false);
        readers.add(reader);
        const value = await result;
        readers.delete(reader);
        if (value !== null) return { done: false, value };
        close();
        return over;
      },
      return: async () => {
        close();
        return over;
      },
    };
    return iterator;
  }

  /** Nobody waits for room any more: there is no reader, or the session closes. */
  release(): void {
    for (const resolve of this.#crowd.splice(0)) resolve();
  }

  /** What is queued can still be read, then there is nothing. */
  end(): void {
    this.#ended = true;
    this.release();
    this.#serve();
  }

  #read(errors: boolean): { reader: Reader; result: Promise<TransportData | null> } {
    let reader!: Reader;
    const result = new Promise<TransportData | null>((resolve, reject) => {
      reader = { errors, resolve, reject };
    });
    this.#waiting.push(reader);
    this.#serve();
    return { reader, result };
  }

  #leave(reader: Reader): void {
    const index = this.#waiting.indexOf(reader);
    if (index >= 0) this.#waiting.splice(index, 1);
    reader.resolve(null);
  }

  #serve(): void {
    for (let reader = this.#waiting[0]; reader !== undefined; reader = this.#waiting[0]) {
      const next = this.#outputs.take(reader.errors);
      if (next === undefined && !this.#ended) break;
      this.#waiting.shift();
      if (next === undefined) reader.resolve(null);
      else if (next.type === "output") reader.resolve(next.value);
      else reader.reject(next.error);
    }
    if (!this.#outputs.crowded) this.release();
  }
}
