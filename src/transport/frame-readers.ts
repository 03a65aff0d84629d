// The readers of frames(): every one gets every frame it asked for, through a bounded queue of its own. Pure.
import { FrameQueue } from "../media/frame-queue.ts";
import type { ReceivedAudio } from "../media/media.ts";
import type { AudioFrame } from "../runtime/data.ts";
import { TransportError } from "../errors/errors.ts";
import { isId } from "../runtime/ids.ts";

/** Which frames a reader wants, and until when. */
export interface FrameOptions {
  /** Only frames of this peer; all by default. */
  peerId?: string | undefined;
  /** Ends the iteration when it fires. */
  signal?: AbortSignal | undefined;
}

interface Reader {
  readonly queue: FrameQueue;
  readonly peerId: string | undefined;
}

/** See the header. */
export class FrameReaders {
  readonly #readers = new Set<Reader>();

  /** @throws TransportError `INVALID_DATA` for a `peerId` that is no id */
  open({ peerId, signal }: FrameOptions): AsyncIterableIterator<AudioFrame> {
    if (peerId !== undefined && !isId(peerId)) {
      throw new TransportError("INVALID_DATA", "peerId: expected 1 to 64 letters, digits, '_' or '-'");
    }
    const close = (): void => {
      this.#readers.delete(reader);
      signal?.removeEventListener("abort", abort);
    };
    const reader: Reader = { queue: new FrameQueue({ onClose: close }), peerId };
    const abort = (): void => reader.queue.end();
    if (signal?.aborted === true) {
      reader.queue.end();
      return reader.queue;
    }
    this.#readers.add(reader);
    signal?.addEventListener("abort", abort, { once: true });
    return reader.queue;
  }

  /** Hand a frame to every reader that wants it. */
  push(frame: ReceivedAudio): void {
    for (const reader of this.#readers) {
      if (reader.peerId === undefined || reader.peerId === frame.peerId) reader.queue.push(frame);
    }
  }

  /** End every iteration; what is queued may still be read. */
  end(): void {
    for (const reader of [...this.#readers]) reader.queue.end();
    this.#readers.clear();
  }
}
