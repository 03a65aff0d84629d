// The two directions of an engine's records, over rings or over blocks: packets one way, sound the other. The same
// interface for both ways; pure, so the door says when to look and when to hand over.
import { BlockSink, BlockSource } from "./record-blocks.ts";
import { RingSink, RingSource } from "../../runtime/record-ring.ts";
import type { RecordSink, RecordSource } from "../../runtime/records.ts";

/** Of all packets on their way: some seconds of ten peers, bytes. */
export const PACKET_BYTES = 1 << 20;
/** Of all sound on its way: a second of ten peers, live and aligned. */
export const SOUND_BYTES = 1 << 22;

const PACKET_BLOCK_BYTES = 1 << 14;
const SOUND_BLOCK_BYTES = 1 << 16;

/** Blocks that have been read wait for a message that goes their way, but no more than this many. */
const MAX_SPENT = 8;

/**
 * What to tell the other thread: it slept and there is something in its ring; or blocks, to be transferred. Those that
 * are handed over are full, those of the other direction have been read and come back.
 */
export type Notice = { type: "wake" } | { type: "blocks"; packets: ArrayBuffer[]; sound: ArrayBuffer[] };

/** One thread's ends of both directions. */
export interface RecordChannel {
  readonly sink: RecordSink;
  readonly source: RecordSource;
  /** Whether the reader of `source` has to look for itself while traffic flows; otherwise notices announce everything. */
  readonly polled: boolean;
  /** What must be told after writing or reading; undefined: nothing. Buffers in it are to be transferred. */
  notice(): Notice | undefined;
  /** Take what the other thread told. */
  accept(notice: Notice): void;
  /** Nothing to read: wait for a notice. @returns false when something has come meanwhile */
  sleep(): boolean;
}

/** Both directions over rings in shared memory. */
export class RingChannel implements RecordChannel {
  readonly polled = true;
  readonly sink: RingSink;
  readonly source: RingSource;

  constructor(write: SharedArrayBuffer, read: SharedArrayBuffer) {
    this.sink = new RingSink(write);
    this.source = new RingSource(read);
  }

  notice(): Notice | undefined {
    return this.sink.wakes() ? { type: "wake" } : undefined;
  }

  accept(): void {
    // The ring itself says what is in it.
  }

  sleep(): boolean {
    return this.source.sleep();
  }
}

/** Both directions over blocks handed back and forth. */
export class BlockChannel implements RecordChannel {
  readonly polled = false;
  readonly sink: BlockSink;
  readonly source = new BlockSource();
  readonly #writes: "packets" | "sound";

  /** @param writes what this thread writes; it reads the other */
  constructor(writes: "packets" | "sound") {
    this.#writes = writes;
    this.sink =
      writes === "packets"
        ? new BlockSink(PACKET_BLOCK_BYTES, PACKET_BYTES)
        : new BlockSink(SOUND_BLOCK_BYTES, SOUND_BYTES);
  }

  notice(): Notice | undefined {
    const written = this.sink.take();
    if (written.length === 0 && this.source.spent < MAX_SPENT) return undefined;
    const spent = this.source.take();
    return this.#writes === "packets"
      ? { type: "blocks", packets: written, sound: spent }
      : { type: "blocks", packets: spent, sound: written };
  }

  accept(notice: Notice): void {
    if (notice.type === "wake") return;
    const { packets, sound } = notice;
    this.source.push(this.#writes === "packets" ? sound : packets);
    this.sink.recycle(this.#writes === "packets" ? packets : sound);
  }

  sleep(): boolean {
    return true;
  }
}

/** Everything in a notice that is to be transferred. */
export function transfersOf(notice: Notice): ArrayBuffer[] {
  return notice.type === "wake" ? [] : [...notice.packets, ...notice.sound];
}
