// Jitter buffer of one RTP stream: puts packets in sequence order and lets each go at its time, in O(1).
// Holds no clock and allocates nothing. Portable dialect: every integer is i32, every wrap is explicit (| 0).
import { load32, loadF64, store32, storeF64, toF64, zeroBytes } from "./memory";
import {
  ADAPTIVE,
  CONTROL_BYTES,
  CURRENT,
  FIRST_SEQ,
  GAP,
  HEADROOM_SHIFT,
  IN_ORDER,
  LAST_STATUS,
  LATE,
  MALFORMED,
  MAX_DELAY_MS,
  MIN_DELAY_MS,
  MS_PER_TICK,
  NEXT_SEQ,
  OUT_ARRIVAL,
  OUT_DELAY,
  OUT_HEADER,
  OUT_LENGTH,
  OUT_LOST,
  OUT_PAYLOAD,
  OUT_SEQ,
  OUT_SSRC,
  OUT_TS,
  OVERRUN,
  PHASE,
  PHASE_EMPTY,
  POPPED,
  RECORD_ARRIVAL,
  RECORD_HEADER,
  RECORD_LENGTH,
  RING_BASE,
  RING_MASK,
  SHARED,
  SLOT_BASE,
  SLOT_COUNT,
  SLOT_MASK,
  SLOT_RECORD,
  SLOT_SHIFT,
  SLOT_TS,
  STATUS_MALFORMED,
  SUSPECT,
  TARGET_MS,
} from "./layout";
import { count, rememberDelay } from "./buffer-counters";
import { commit, giveBack, heldBytes, nextRecord, pinsRing, release } from "./packet-ring";
import { dueMs, noteStretch, retarget, setLeastTarget } from "./playout-clock";
import { clearStream, dropSuspect, judge } from "./probation";
import { packedHeader, paddingBytes, payloadOffset, ssrcOf } from "./rtp-header";
import { dropFirst, slotOf, takeFirst } from "./slot-index";

const MS_PER_SECOND: f64 = 1000.0;

/** Prepare a region before its memory is shown to another thread. `ringBytes` is a power of two of 4096 or more. */
export function initStream(
  stream: i32,
  ringBytes: i32,
  clockRate: i32,
  shared: i32,
  inOrder: i32,
  adaptive: i32,
  targetMs: f64,
  minDelayMs: f64,
  maxDelayMs: f64,
): void {
  const slots = stream + CONTROL_BYTES;
  const ring = slots + (SLOT_COUNT << SLOT_SHIFT);
  zeroBytes(stream, ring - stream);
  store32(stream + SLOT_MASK, SLOT_COUNT - 1);
  store32(stream + RING_MASK, ringBytes - 1);
  store32(stream + SLOT_BASE, slots);
  store32(stream + RING_BASE, ring);
  storeF64(stream + MS_PER_TICK, MS_PER_SECOND / toF64(clockRate));
  storeF64(stream + MAX_DELAY_MS, maxDelayMs);
  store32(stream + SHARED, shared);
  store32(stream + IN_ORDER, inOrder);
  store32(stream + ADAPTIVE, adaptive);
  storeF64(stream + MIN_DELAY_MS, minDelayMs);
  storeF64(stream + TARGET_MS, targetMs);
}

/** One thread only: publish the packet written at the last reserve(), index it, give memory back. Returns its status. */
export function push(stream: i32, length: i32, arrivalMs: f64): i32 {
  commit(stream, length, arrivalMs);
  ingest(stream);
  giveBack(stream);
  return load32(stream + LAST_STATUS);
}

/** Index everything the producer has published. Returns the number of packets. */
export function ingest(stream: i32): i32 {
  let packets = 0;
  let record = nextRecord(stream);
  while (record != 0) {
    store32(stream + LAST_STATUS, judge(stream, record));
    makeRoom(stream);
    packets++;
    record = nextRecord(stream);
  }
  return packets;
}

/** Count a packet that cannot enter the ring at all. Returns its status. */
export function refuse(stream: i32): i32 {
  count(stream + MALFORMED);
  return STATUS_MALFORMED;
}

// Keep a part of the ring free for what comes next: a full ring would deafen the stream.
function makeRoom(stream: i32): void {
  const capacity = load32(stream + RING_MASK) + 1;
  const limit = capacity - (capacity >> HEADROOM_SHIFT);
  while (heldBytes(stream) > limit) {
    const suspect = load32(stream + SUSPECT);
    // What comes behind a suspect and is turned away at once still lies between it and the write position.
    if (suspect != 0 && pinsRing(stream, suspect)) dropSuspect(stream, OVERRUN);
    else dropFirst(stream, OVERRUN);
  }
}

// In order, the next expected packet does not wait; a gap before it does.
function leavesAtOnce(stream: i32): bool {
  return load32(stream + IN_ORDER) != 0 && load32(stream + FIRST_SEQ) == load32(stream + NEXT_SEQ);
}

/** Local ms at which pop() will have a packet, as far as is known; Infinity when nothing waits. */
export function nextDue(stream: i32): f64 {
  if (load32(stream + CURRENT) == 0) return Infinity;
  const slot = slotOf(stream, load32(stream + FIRST_SEQ));
  if (leavesAtOnce(stream)) return loadF64(load32(slot + SLOT_RECORD) + RECORD_ARRIVAL);
  return dueMs(stream, load32(slot + SLOT_TS));
}

/** Take the next packet if it is due and describe it in the region (OUT_*). Its bytes stay until done() or push(). */
export function pop(stream: i32, nowMs: f64): i32 {
  if (load32(stream + CURRENT) == 0) return 0;
  const sequence = load32(stream + FIRST_SEQ);
  const timestamp = load32(slotOf(stream, sequence) + SLOT_TS);
  if (!leavesAtOnce(stream) && nowMs < dueMs(stream, timestamp)) return 0;
  const record = takeFirst(stream);
  const packet = record + RECORD_HEADER;
  const length = load32(record + RECORD_LENGTH);
  const offset = payloadOffset(packet, length);
  const arrivalMs = loadF64(record + RECORD_ARRIVAL);
  store32(stream + OUT_PAYLOAD, packet + offset);
  store32(stream + OUT_LENGTH, length - offset - paddingBytes(packet, length));
  store32(stream + OUT_SEQ, sequence);
  store32(stream + OUT_TS, timestamp);
  store32(stream + OUT_HEADER, packedHeader(packet));
  store32(stream + OUT_SSRC, ssrcOf(packet));
  store32(stream + OUT_LOST, load32(stream + GAP));
  storeF64(stream + OUT_ARRIVAL, arrivalMs);
  storeF64(stream + OUT_DELAY, nowMs - arrivalMs);
  noteStretch(stream);
  rememberDelay(stream, nowMs - arrivalMs);
  store32(stream + GAP, 0);
  count(stream + POPPED);
  release(stream, record);
  return 1;
}

/** Let the producer overwrite what has been popped or dropped. */
export function done(stream: i32): void {
  giveBack(stream);
}

/** Drop, as late, every waiting packet that was due before `cutoffMs`. Returns how many. */
export function discardBefore(stream: i32, cutoffMs: f64): i32 {
  let dropped = 0;
  while (load32(stream + CURRENT) > 0) {
    const slot = slotOf(stream, load32(stream + FIRST_SEQ));
    if (dueMs(stream, load32(slot + SLOT_TS)) >= cutoffMs) break;
    dropFirst(stream, LATE);
    dropped++;
  }
  return dropped;
}

/** Change the target delay; packets that wait become due accordingly. */
export function setTargetDelay(stream: i32, targetMs: f64): void {
  retarget(stream, targetMs);
}

/** Change the floor of an adaptive target. */
export function setMinDelay(stream: i32, minDelayMs: f64): void {
  setLeastTarget(stream, minDelayMs);
}

/** Forget the stream: what waits is dropped as overrun, the next packet begins a timeline. Statistics stay. */
export function resetStream(stream: i32): void {
  if (load32(stream + PHASE) != PHASE_EMPTY) clearStream(stream);
}
