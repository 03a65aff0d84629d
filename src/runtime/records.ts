// What two threads say to each other through memory: records in bytes, written by one and read by the other. Types and
// the layout all records share; who carries them is another matter.

/** Views of one piece of memory; offsets of records are in bytes from its beginning. */
export interface RecordMemory {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly floats: Float32Array;
}

/** The writing end. */
export interface RecordSink {
  /** Where {@link RecordSink.reserve} has found room; another one after every call. */
  readonly memory: RecordMemory;
  /**
   * Find room for a record of this kind (not 0) with `bodyBytes` behind its header.
   * @returns offset of the body, a multiple of 8; -1 when the reader lags and there is no room
   */
  reserve(kind: number, bodyBytes: number): number;
  /** Publish what was reserved last. */
  commit(): void;
}

/** The reading end. */
export interface RecordSource {
  /** Where {@link RecordSource.next} has found a record. */
  readonly memory: RecordMemory;
  /** Kind of the record found last. */
  readonly kind: number;
  /** @returns offset of the next record's body; -1 when there is none */
  next(): number;
  /** Done with the record found last: its memory may be written again. */
  release(): void;
}

/** Length of the whole record in bytes, a multiple of 8, as i32. */
export const RECORD_BYTES = 0;
/** Kind as i32; 0 fills the end of a ring. */
export const RECORD_KIND = 4;
/** Where the body begins. */
export const RECORD_BODY = 8;
/** Kind of what is no record. */
export const KIND_NOTHING = 0;

/** Bytes a record takes. */
export function recordBytes(bodyBytes: number): number {
  return (RECORD_BODY + bodyBytes + 7) & ~7;
}

/** Views of a buffer whose length is a multiple of 8. */
export function memoryOf(buffer: ArrayBuffer | SharedArrayBuffer): RecordMemory {
  return { view: new DataView(buffer), bytes: new Uint8Array(buffer), floats: new Float32Array(buffer) };
}
