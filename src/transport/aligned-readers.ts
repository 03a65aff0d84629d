// The readers of alignedFrames(), and the rows of collectAlignedFrames(): the audio of all peers, side by side.
import type { AlignedReaderOptions, LiveAudioFrame, MediaEngine } from "../media/engine/engine.ts";
import { AsyncQueue } from "../runtime/async-queue.ts";
import type { AlignedBlock } from "../sync/aligned-blocks.ts";
import type { AlignedRows } from "../sync/aligned-rows.ts";
import type { SyncedAudioFrame } from "../sync/sync-types.ts";

/** How much aligned audio waits for a reader, ms. */
const MAX_QUEUED_MS = 500;
const DEFAULT_FRAME_MS = 20;

/** How to read all peers aligned. */
export interface AlignedFrameOptions extends AlignedReaderOptions {
  /** Ends the iteration when it fires. */
  signal?: AbortSignal | undefined;
}

/** A row of frames that were captured together. */
export type AlignedFrames = (readonly [peerId: string, frame: SyncedAudioFrame])[];

/** What an {@link AlignedReaders} stands on. */
export interface AlignedReadersOptions {
  engine: MediaEngine;
  rows: AlignedRows;
  /** Used where a reader names none. */
  maxAlignDelayMs: number;
  nowMs: () => number;
}

/** All aligned reading of one transport. */
export class AlignedReaders {
  readonly #options: AlignedReadersOptions;
  readonly #queues = new Set<AsyncQueue<AlignedBlock>>();
  /** Whether rows are collected: from the first call on. */
  #collecting = false;

  constructor(options: AlignedReadersOptions) {
    this.#options = options;
  }

  /** @throws TransportError `INVALID_CONFIG` for an option out of range */
  open({ signal, ...given }: AlignedFrameOptions): AsyncIterableIterator<AlignedBlock> {
    const { engine, maxAlignDelayMs } = this.#options;
    const options = { maxAlignDelayMs, ...given };
    const abort = (): void => queue.end();
    const capacity = Math.ceil(MAX_QUEUED_MS / (options.frameMs ?? DEFAULT_FRAME_MS));
    const queue: AsyncQueue<AlignedBlock> = new AsyncQueue(capacity, () => {
      this.#queues.delete(queue);
      signal?.removeEventListener("abort", abort);
      reader.close();
    });
    const reader = engine.openReader(options, (block) => queue.push(block));
    this.#queues.add(queue);
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted === true) queue.end();
    return queue;
  }

  /**
   * The next row that may leave; empty while there is none.
   * @param windowMs no frame of a row lies further behind its first one, 0 to 100
   */
  collect(windowMs: number): AlignedFrames {
    this.#collecting = true;
    return [...(this.#options.rows.pull(this.#options.nowMs(), windowMs)?.frames ?? [])];
  }

  /** Hand on a live frame for the rows; read, not kept. */
  push(frame: LiveAudioFrame): void {
    if (!this.#collecting) return;
    const { rows, nowMs } = this.#options;
    const { peerId, kind: _, streamId: __, receivedAt: ___, rtpTicks: ____, ...rest } = frame;
    // Rows keep their frames until somebody takes them.
    const samples = frame.samples.slice();
    rows.addPeer(peerId);
    rows.setSilent(peerId, frame.quality === "cng");
    rows.push(peerId, { ...rest, samples, playbackRatio: 1, stretchMs: 0, lostBefore: 0 }, nowMs());
  }

  /** A peer is gone. */
  remove(peerId: string): void {
    this.#options.rows.removePeer(peerId);
  }

  /** End every iteration once what is queued has been read. */
  close(): void {
    for (const queue of [...this.#queues]) queue.end();
    this.#collecting = false;
    this.#options.rows.close();
  }
}
