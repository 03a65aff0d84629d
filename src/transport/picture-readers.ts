// The readers of frames({ kind: "video" }): each has a bounded queue per peer and gets pictures in the order in which
// they were decoded. A slow reader loses its own oldest pictures; nobody else's.
import { TransportError } from "../errors/errors.ts";
import type { PeerPicture } from "../media/video/picture-decoding.ts";
import { AsyncQueue } from "../runtime/async-queue.ts";
import type { PictureFrame } from "../runtime/data.ts";
import { isId } from "../runtime/ids.ts";

/** Pictures of one peer that wait for a reader: an eighth of a second, and at 1080p 12 MB. */
const MAX_PER_PEER = 4;

/** Pictures of all peers, those that have gone among them: a full room's. */
const MAX_PICTURES = 10 * MAX_PER_PEER;

/** Which pictures a reader wants, and until when. */
export interface PictureOptions {
  kind: "video";
  /** Only pictures of this peer; all by default. Nobody else's are decoded for it. */
  peerId?: string | undefined;
  /** Ends the iteration when it fires. */
  signal?: AbortSignal | undefined;
}

/** A picture that waits; what is missing before it may grow. */
type QueuedPicture = PictureFrame & { missingBefore: number };

interface Reader {
  readonly peerId: string | undefined;
  readonly queue: AsyncQueue<QueuedPicture>;
}

/** All readers of one transport. */
export class PictureReaders {
  readonly #readers = new Set<Reader>();
  readonly #onChange: () => void;

  /** @param onChange called whenever {@link PictureReaders.wants} may have changed; must not throw */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Whether anybody reads pictures. */
  get active(): boolean {
    return this.#readers.size > 0;
  }

  /** Whether anybody reads this peer's pictures. */
  wants(peerId: string): boolean {
    for (const reader of this.#readers) if (isFor(reader, peerId)) return true;
    return false;
  }

  /** @throws TransportError `INVALID_DATA` naming the option that is wrong */
  open({ peerId, signal }: PictureOptions): AsyncIterableIterator<PictureFrame> {
    if (peerId !== undefined && !isId(peerId)) {
      throw new TransportError("INVALID_DATA", "peerId: expected 1 to 64 letters, digits, '_' or '-'");
    }
    const abort = (): void => reader.queue.end();
    const onEnd = (): void => {
      this.#readers.delete(reader);
      signal?.removeEventListener("abort", abort);
      this.#onChange();
    };
    const reader: Reader = {
      peerId,
      queue: new AsyncQueue<QueuedPicture>(MAX_PER_PEER, onEnd, {
        capacity: MAX_PICTURES,
        kindOf: (picture) => picture.peerId,
        dropped: (picture, next) => {
          next.missingBefore += picture.missingBefore + 1;
        },
      }),
    };
    this.#readers.add(reader);
    signal?.addEventListener("abort", abort, { once: true });
    this.#onChange();
    if (signal?.aborted === true) reader.queue.end();
    return reader.queue;
  }

  /** Hand a picture to every reader that wants it; it belongs to them from now on, the planes of each for itself. */
  push(picture: PeerPicture): void {
    let isTaken = false;
    for (const reader of this.#readers) {
      if (!isFor(reader, picture.peerId)) continue;
      const planes = isTaken ? copyOf(picture.planes) : picture.planes;
      isTaken = true;
      reader.queue.push({ ...picture, planes, missingBefore: 0 });
    }
  }

  /** End every iteration once what is queued has been read. */
  end(): void {
    for (const { queue } of [...this.#readers]) queue.end();
  }
}

function isFor(reader: Reader, peerId: string): boolean {
  return reader.peerId === undefined || reader.peerId === peerId;
}

function copyOf([y, u, v]: PictureFrame["planes"]): PictureFrame["planes"] {
  return [y.slice(), u.slice(), v.slice()];
}
