// Single-producer single-consumer byte ring of one stream: transport and payload store in one. Only two counters are
// shared, each written by one side alone. A record never wraps: a PAD record fills the end of the ring.
import { acquire32, load32, publish32, store32, storeF64 } from "./memory";
import {
  CONTROL_BYTES,
  INGEST_POS,
  READ_POS,
  RECORD_ARRIVAL,
  RECORD_HEADER,
  RECORD_LENGTH,
  RECORD_STATE,
  REFUSED,
  RELEASE_POS,
  RING_BASE,
  RING_MASK,
  SHARED,
  SLOT_COUNT,
  SLOT_SHIFT,
  STATE_FREE,
  STATE_LIVE,
  STATE_PAD,
  WRITE_POS,
} from "./layout";

/** Bytes of one stream's region around a ring of `ringBytes`, a power of two. */
export function streamBytes(ringBytes: i32): i32 {
  return CONTROL_BYTES + (SLOT_COUNT << SLOT_SHIFT) + ringBytes;
}

/** Bytes a packet of `length` bytes takes in the ring. */
export function recordBytes(length: i32): i32 {
  return (RECORD_HEADER + length + 15) & ~15;
}

/** Producer: the address at which `length` bytes may be written, or 0 when the ring is full. */
export function reserve(stream: i32, length: i32): i32 {
  const capacity = load32(stream + RING_MASK) + 1;
  const need = recordBytes(length);
  const write = load32(stream + WRITE_POS);
  const used = (write - acquire32(stream + READ_POS, load32(stream + SHARED))) | 0;
  const offset = write & (capacity - 1);
  const untilEnd = capacity - offset;
  const pad = need > untilEnd ? untilEnd : 0;
  if (used + pad + need > capacity) {
    store32(stream + REFUSED, (load32(stream + REFUSED) + 1) | 0);
    return 0;
  }
  const ring = load32(stream + RING_BASE);
  if (pad == 0) return ring + offset + RECORD_HEADER;
  store32(ring + offset + RECORD_LENGTH, pad);
  store32(ring + offset + RECORD_STATE, STATE_PAD);
  publish32(stream + WRITE_POS, (write + pad) | 0, load32(stream + SHARED));
  return ring + RECORD_HEADER;
}

/** Producer: publish the packet written at the last reserve(). */
export function commit(stream: i32, length: i32, arrivalMs: f64): void {
  const write = load32(stream + WRITE_POS);
  const record = load32(stream + RING_BASE) + (write & load32(stream + RING_MASK));
  store32(record + RECORD_LENGTH, length);
  store32(record + RECORD_STATE, STATE_LIVE);
  storeF64(record + RECORD_ARRIVAL, arrivalMs);
  publish32(stream + WRITE_POS, (write + recordBytes(length)) | 0, load32(stream + SHARED));
}

/** Consumer: step over the next published record. Returns its address, or 0 when there is none; PAD is passed over. */
export function nextRecord(stream: i32): i32 {
  const ring = load32(stream + RING_BASE);
  const mask = load32(stream + RING_MASK);
  const write = acquire32(stream + WRITE_POS, load32(stream + SHARED));
  let position = load32(stream + INGEST_POS);
  while (position != write) {
    const record = ring + (position & mask);
    const length = load32(record + RECORD_LENGTH);
    const padding = load32(record + RECORD_STATE) == STATE_PAD;
    position = (position + (padding ? length : recordBytes(length))) | 0;
    store32(stream + INGEST_POS, position);
    if (!padding) return record;
  }
  return 0;
}

/** Consumer: free a record and move the release position over everything free behind it, in whatever order it died. */
export function release(stream: i32, record: i32): void {
  store32(record + RECORD_STATE, STATE_FREE);
  const ring = load32(stream + RING_BASE);
  const mask = load32(stream + RING_MASK);
  const limit = load32(stream + INGEST_POS);
  let position = load32(stream + RELEASE_POS);
  while (position != limit) {
    const oldest = ring + (position & mask);
    const state = load32(oldest + RECORD_STATE);
    if (state == STATE_LIVE) break;
    const length = load32(oldest + RECORD_LENGTH);
    position = (position + (state == STATE_PAD ? length : recordBytes(length))) | 0;
  }
  store32(stream + RELEASE_POS, position);
}

/** Consumer: bytes of the ring that indexed records still hold. */
export function heldBytes(stream: i32): i32 {
  return (load32(stream + INGEST_POS) - load32(stream + RELEASE_POS)) | 0;
}

/** Consumer: whether `record` is the one that keeps the release position from moving. */
export function pinsRing(stream: i32, record: i32): bool {
  return record == load32(stream + RING_BASE) + (load32(stream + RELEASE_POS) & load32(stream + RING_MASK));
}

/** Consumer: let the producer overwrite what has been released. */
export function giveBack(stream: i32): void {
  publish32(stream + READ_POS, load32(stream + RELEASE_POS), load32(stream + SHARED));
}
