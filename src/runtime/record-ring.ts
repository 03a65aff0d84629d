// A ring of records in shared memory, one thread writing, one reading. No message passes between them but one to wake
// a reader that has gone to sleep. Never waits; memory is made once.
import { KIND_NOTHING, memoryOf, RECORD_BODY, RECORD_BYTES, RECORD_KIND, recordBytes } from "./records.ts";
import type { RecordMemory, RecordSink, RecordSource } from "./records.ts";

// Words of the header, each in a cache line of its own, so that the two threads do not fight for one.
/** Bytes written so far, as i32 that wraps. */
const WRITTEN = 0;
/** Bytes read so far. */
const READ = 16;
/** 1 while the reader sleeps. */
const ASLEEP = 32;
/** Where the records begin, bytes. */
const HEADER_BYTES = 256;

/** Make the memory of a ring; it may be sent to another thread. @param capacity of all records, a power of two */
export function createRing(capacity: number): SharedArrayBuffer {
  const ring = new SharedArrayBuffer(HEADER_BYTES + capacity);
  new Int32Array(ring)[ASLEEP] = 1;
  return ring;
}

/** The writing end of a ring, in one thread. */
export class RingSink implements RecordSink {
  readonly memory: RecordMemory;
  readonly #words: Int32Array;
  readonly #capacity: number;
  #end = 0;

  constructor(ring: SharedArrayBuffer) {
    this.memory = memoryOf(ring);
    this.#words = new Int32Array(ring);
    this.#capacity = ring.byteLength - HEADER_BYTES;
  }

  reserve(kind: number, bodyBytes: number): number {
    const need = recordBytes(bodyBytes);
    const written = Atomics.load(this.#words, WRITTEN);
    const used = (written - Atomics.load(this.#words, READ)) | 0;
    const at = written & (this.#capacity - 1);
    const untilEnd = this.#capacity - at;
    const skipped = need > untilEnd ? untilEnd : 0;
    if (used + skipped + need > this.#capacity) return -1;
    if (skipped > 0) this.#describe(HEADER_BYTES + at, skipped, KIND_NOTHING);
    const record = HEADER_BYTES + (skipped > 0 ? 0 : at);
    this.#describe(record, need, kind);
    this.#end = (written + skipped + need) | 0;
    return record + RECORD_BODY;
  }

  commit(): void {
    Atomics.store(this.#words, WRITTEN, this.#end);
  }

  /** After a commit: whether the reader sleeps and has to be told. True once for each of its sleeps. */
  wakes(): boolean {
    if (Atomics.load(this.#words, ASLEEP) === 0) return false;
    return Atomics.exchange(this.#words, ASLEEP, 0) === 1;
  }

  #describe(record: number, bytes: number, kind: number): void {
    this.memory.view.setInt32(record + RECORD_BYTES, bytes, true);
    this.memory.view.setInt32(record + RECORD_KIND, kind, true);
  }
}

/** The reading end of a ring, in one thread. */
export class RingSource implements RecordSource {
  readonly memory: RecordMemory;
  kind = KIND_NOTHING;
  readonly #words: Int32Array;
  readonly #capacity: number;
  #bytes = 0;

  constructor(ring: SharedArrayBuffer) {
    this.memory = memoryOf(ring);
    this.#words = new Int32Array(ring);
    this.#capacity = ring.byteLength - HEADER_BYTES;
  }

  next(): number {
    for (;;) {
      const read = Atomics.load(this.#words, READ);
      if (read === Atomics.load(this.#words, WRITTEN)) return -1;
      const record = HEADER_BYTES + (read & (this.#capacity - 1));
      this.#bytes = this.memory.view.getInt32(record + RECORD_BYTES, true);
      this.kind = this.memory.view.getInt32(record + RECORD_KIND, true);
      if (this.kind !== KIND_NOTHING) return record + RECORD_BODY;
      this.release();
    }
  }

  release(): void {
    Atomics.store(this.#words, READ, (Atomics.load(this.#words, READ) + this.#bytes) | 0);
  }

  /** Sleep until a message comes. @returns false when something has come meanwhile: go on reading */
  sleep(): boolean {
    Atomics.store(this.#words, ASLEEP, 1);
    // The writer publishes first and looks for a sleeper then, the reader the other way round: one of them sees the other.
    if (Atomics.load(this.#words, READ) === Atomics.load(this.#words, WRITTEN)) return true;
    return Atomics.exchange(this.#words, ASLEEP, 0) === 0;
  }
}
