// The readers of frames(): each has a bounded queue per peer and hands frames out in the order they came. A slow
// reader loses its own oldest frames; nobody else's.
import { TransportError } from "../errors/errors.ts";
import { FrameQueue } from "../media/frame-queue.ts";
import type { AudioFrame } from "../runtime/data.ts";
import { isId } from "../runtime/ids.ts";

/** Which frames a reader wants, and until when. */
export interface FrameOptions {
  /** Only frames of this peer; all by default. */
  peerId?: string | undefined;
  /** Ends the iteration when it fires. */
  signal?: AbortSignal | undefined;
}

type Frame = Omit<AudioFrame, "missingBefore">;

/** All readers of one transport. */
export class FrameReaders {
  readonly #readers = new Set<FrameReader>();

  /** @throws TransportError `INVALID_DATA` for a `peerId` that is no id */
  open({ peerId, signal }: FrameOptions): AsyncIterableIterator<AudioFrame> {
    if (peerId !== undefined && !isId(peerId)) {
      throw new TransportError("INVALID_DATA", "peerId: expected 1 to 64 letters, digits, '_' or '-'");
    }
    const abort = (): void => reader.end();
    const reader: FrameReader = new FrameReader(peerId, () => {
      this.#readers.delete(reader);
      signal?.removeEventListener("abort", abort);
    });
    this.#readers.add(reader);
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted === true) reader.end();
    return reader;
  }

  /** Hand a frame to every reader that wants it. */
  push(frame: Frame): void {
    for (const reader of this.#readers) reader.push(frame);
  }

  /** End every iteration once what is queued has been read. */
  end(): void {
    for (const reader of [...this.#readers]) reader.end();
  }
}

/** One iteration. */
class FrameReader implements AsyncIterableIterator<AudioFrame> {
  readonly #peerId: string | undefined;
  readonly #onEnd: () => void;
  readonly #queues = new Map<string, FrameQueue>();
  /** Whose frame comes next; one entry for every queued frame. */
  readonly #order: string[] = [];
  readonly #waiting: ((result: IteratorResult<AudioFrame, undefined>) => void)[] = [];
  #ended = false;

  constructor(peerId: string | undefined, onEnd: () => void) {
    this.#peerId = peerId;
    this.#onEnd = onEnd;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<AudioFrame, undefined>> {
    const frame = this.#shift();
    if (frame !== undefined) return Promise.resolve({ done: false, value: frame });
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<IteratorResult<AudioFrame, undefined>> {
    this.#order.length = 0;
    this.#queues.clear();
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  push(frame: Frame): void {
    if (this.#ended || (this.#peerId !== undefined && this.#peerId !== frame.peerId)) return;
    const queue = this.#queues.get(frame.peerId) ?? new FrameQueue();
    this.#queues.set(frame.peerId, queue);
    const droppedBefore = queue.dropped;
    queue.push(frame);
    this.#order.push(frame.peerId);
    for (let i = droppedBefore; i < queue.dropped; i++) {
      this.#order.splice(this.#order.indexOf(frame.peerId), 1);
    }
    const waiter = this.#waiting.shift();
    const next = waiter && this.#shift();
    if (next !== undefined) waiter?.({ done: false, value: next });
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd();
    for (const waiter of this.#waiting.splice(0)) waiter({ done: true, value: undefined });
  }

  #shift(): AudioFrame | undefined {
    const peerId = this.#order.shift();
    return peerId === undefined ? undefined : this.#queues.get(peerId)?.shift();
  }
}
