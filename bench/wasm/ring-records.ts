// What both threads of the packet ring's bench know of its records.

/** RTP without extension. */
export const HEADER_BYTES = 12;
/** Records under way at once; fewer than the buffer drops at. */
export const WINDOW = 400;
/** Who has to wait looks again after so long. */
export const WAIT_MS = 0.05;
/** Index of the counter of records the reader has taken out. */
export const POPPED = 0;

/** What the writing thread is told to do. */
export interface WriterOrder {
  readonly overRing: boolean;
  /** Number of the first record. */
  readonly first: number;
  readonly count: number;
  /** The longest payload plus one. */
  readonly payloadBytes: number;
}

/** Length of a record's payload, spread evenly below `payloadBytes`. */
export function payloadLength(n: number, payloadBytes: number): number {
  return (Math.imul(n, 2_654_435_761) >>> 0) % payloadBytes;
}
