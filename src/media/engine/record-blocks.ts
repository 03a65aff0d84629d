// Records without shared memory: collected in blocks that are handed to the other thread as they are, and come back to be
// filled again. What is on its way is bounded.
import {
  KIND_NOTHING,
  memoryOf,
  RECORD_BODY,
  RECORD_BYTES,
  RECORD_KIND,
  recordBytes,
} from "../../runtime/records.ts";
import type { RecordMemory, RecordSink, RecordSource } from "../../runtime/records.ts";

/** Where a block says how many of its bytes are used, as i32; records follow. */
const USED = 0;
const FIRST_RECORD = 8;

/** The writing end. {@link BlockSink.take} gives what is to be handed over. */
export class BlockSink implements RecordSink {
  /** Blocks made since the beginning; stands still once enough are on their way. */
  allocations = 0;
  memory: RecordMemory = memoryOf(new ArrayBuffer(0));
  readonly #blockBytes: number;
  readonly #maxBytes: number;
  readonly #free: ArrayBuffer[] = [];
  readonly #full: ArrayBuffer[] = [];
  #block: ArrayBuffer | undefined;
  /** Bytes of all blocks that are being filled or are away. */
  #outBytes = 0;
  #used = 0;
  #need = 0;

  /** @param blockBytes of an ordinary block @param maxBytes of all blocks that have not come back, both multiples of 8 */
  constructor(blockBytes: number, maxBytes: number) {
    this.#blockBytes = blockBytes;
    this.#maxBytes = maxBytes;
  }

  reserve(kind: number, bodyBytes: number): number {
    this.#need = recordBytes(bodyBytes);
    if (this.#used + this.#need > this.memory.bytes.length && !this.#open(this.#need)) return -1;
    const { view } = this.memory;
    view.setInt32(this.#used + RECORD_BYTES, this.#need, true);
    view.setInt32(this.#used + RECORD_KIND, kind, true);
    return this.#used + RECORD_BODY;
  }

  commit(): void {
    this.#used += this.#need;
  }

  /** Blocks with something in them, to be transferred; they are no longer ours. */
  take(): ArrayBuffer[] {
    if (this.#used > FIRST_RECORD) this.#finish();
    return this.#full.splice(0);
  }

  /** Blocks that the other side has read. */
  recycle(blocks: readonly ArrayBuffer[]): void {
    for (const block of blocks) {
      this.#outBytes -= block.byteLength;
      if (block.byteLength === this.#blockBytes) this.#free.push(block);
    }
  }

  #open(need: number): boolean {
    const bytes = Math.max(this.#blockBytes, FIRST_RECORD + need);
    if (this.#outBytes + bytes > this.#maxBytes) return false;
    this.#finish();
    let block = bytes === this.#blockBytes ? this.#free.pop() : undefined;
    if (block === undefined) {
      this.allocations++;
      block = new ArrayBuffer(bytes);
    }
    this.#outBytes += bytes;
    this.#block = block;
    this.memory = memoryOf(block);
    this.#used = FIRST_RECORD;
    return true;
  }

  #finish(): void {
    if (this.#block === undefined) return;
    this.memory.view.setInt32(USED, this.#used, true);
    this.#full.push(this.#block);
    this.#block = undefined;
    this.memory = memoryOf(new ArrayBuffer(0));
    this.#used = 0;
  }
}

/** The reading end. {@link BlockSource.take} gives what is to be handed back. */
export class BlockSource implements RecordSource {
  memory: RecordMemory = memoryOf(new ArrayBuffer(0));
  kind = KIND_NOTHING;
  readonly #waiting: ArrayBuffer[] = [];
  readonly #spent: ArrayBuffer[] = [];
  #block: ArrayBuffer | undefined;
  #at = 0;
  #end = 0;

  /** Take blocks from the other side. */
  push(blocks: readonly ArrayBuffer[]): void {
    this.#waiting.push(...blocks);
  }

  next(): number {
    while (this.#at >= this.#end) if (!this.#open()) return -1;
    this.kind = this.memory.view.getInt32(this.#at + RECORD_KIND, true);
    return this.#at + RECORD_BODY;
  }

  release(): void {
    this.#at += this.memory.view.getInt32(this.#at + RECORD_BYTES, true);
  }

  /** How many blocks have been read and not handed back. */
  get spent(): number {
    return this.#spent.length;
  }

  /** Blocks that have been read, to be transferred back. */
  take(): ArrayBuffer[] {
    return this.#spent.splice(0);
  }

  #open(): boolean {
    if (this.#block !== undefined) this.#spent.push(this.#block);
    this.#block = this.#waiting.shift();
    this.#at = this.#end = 0;
    if (this.#block === undefined) return false;
    this.memory = memoryOf(this.#block);
    this.#at = FIRST_RECORD;
    this.#end = this.memory.view.getInt32(USED, true);
    return true;
  }
}
