// Slot index of one stream: which record stands at which extended sequence number, and whose turn is next. A number
// is skipped at most once, so insert and take are O(1) on average.
import { load32, loadF64, store32, storeF64 } from "./memory";
import {
  CURRENT,
  DUPLICATE,
  FIRST_SEQ,
  GAP,
  HIGH_SEQ,
  LAST_TRANSIT,
  LATE,
  MAX_DELAY_MS,
  MAX_PACKETS,
  NEXT_SEQ,
  OVERRUN,
  PEAK,
  PHASE,
  PHASE_RUNNING,
  RECORD_ARRIVAL,
  RECORD_HEADER,
  REF_TS,
  SEQ_SHIFT,
  SLOT_BASE,
  SLOT_MASK,
  SLOT_RECORD,
  SLOT_SHIFT,
  SLOT_TS,
  STATUS_BUFFERED,
  STATUS_DUPLICATE,
  STATUS_LATE,
  STATUS_OVERRUN,
} from "./layout";
import { count, countLost, countPresent } from "./buffer-counters";
import { release } from "./packet-ring";
import { forgetOverdue, staysBehind } from "./overdue";
import { latestDueMs, moveReference, observeTransit, ticksMs, timelineMs } from "./playout-clock";
import { extendSequence, tickDistance } from "./rtp-clock";
import { sequenceOf, timestampOf } from "./rtp-header";

/** Arrival of a record minus the sender's timeline, ms. */
export function transitOf(stream: i32, record: i32): f64 {
  return loadF64(record + RECORD_ARRIVAL) - timelineMs(stream, timestampOf(record + RECORD_HEADER));
}

/** Extended number of a record, nearest to the highest buffered one. */
export function extendedOf(stream: i32, record: i32): i32 {
  const sequence = sequenceOf(record + RECORD_HEADER) + load32(stream + SEQ_SHIFT);
  return extendSequence(load32(stream + HIGH_SEQ), sequence);
}

/** Whether this place is gone: popped or skipped, or before the first pop too far back for the window. */
export function hasPassed(stream: i32, sequence: i32): bool {
  if (((sequence - load32(stream + NEXT_SEQ)) | 0) >= 0) return false;
  if (load32(stream + PHASE) == PHASE_RUNNING) return true;
  return ((load32(stream + HIGH_SEQ) - sequence) | 0) > load32(stream + SLOT_MASK);
}

/** Free a packet that is not buffered, or no longer, and count it. Returns `status`. */
export function turnAway(stream: i32, record: i32, counter: i32, status: i32): i32 {
  count(stream + counter);
  release(stream, record);
  return status;
}

/** Address of the slot of an extended number. */
export function slotOf(stream: i32, sequence: i32): i32 {
  return load32(stream + SLOT_BASE) + ((sequence & load32(stream + SLOT_MASK)) << SLOT_SHIFT);
}

/** Buffer a packet at its place, or turn it away as late or duplicate. Returns its status. */
export function place(stream: i32, record: i32): i32 {
  const timestamp = timestampOf(record + RECORD_HEADER);
  const arrivalMs = loadF64(record + RECORD_ARRIVAL);
  const transitMs = transitOf(stream, record);
  const sequence = extendedOf(stream, record);
  const running = load32(stream + PHASE) == PHASE_RUNNING;
  observeTransit(stream, sequence, timestamp, arrivalMs, transitMs, running);
  if (hasPassed(stream, sequence)) return turnAway(stream, record, LATE, STATUS_LATE);
  const slot = slotOf(stream, sequence);
  const ahead = (sequence - load32(stream + NEXT_SEQ)) | 0;
  const outside = ahead > load32(stream + SLOT_MASK);
  if (!outside && load32(slot + SLOT_RECORD) != 0) {
    return turnAway(stream, record, DUPLICATE, STATUS_DUPLICATE);
  }
  const overdueMs = arrivalMs - latestDueMs(stream, timestamp);
  if (overdueMs <= loadF64(stream + MAX_DELAY_MS)) forgetOverdue(stream);
  else if (!staysBehind(stream, arrivalMs, transitMs)) return turnAway(stream, record, LATE, STATUS_LATE);
  if (outside) slide(stream, (sequence - load32(stream + SLOT_MASK)) | 0);
  else if (ahead < 0) store32(stream + NEXT_SEQ, sequence);
  store32(slot + SLOT_RECORD, record);
  store32(slot + SLOT_TS, timestamp);
  enter(stream, sequence, timestamp, transitMs);
  return keepLimits(stream, sequence);
}

function enter(stream: i32, sequence: i32, timestamp: i32, transitMs: f64): void {
  const current = load32(stream + CURRENT);
  const first = current == 0 || ((sequence - load32(stream + FIRST_SEQ)) | 0) < 0;
  if (first) store32(stream + FIRST_SEQ, sequence);
  store32(stream + CURRENT, current + 1);
  if (current + 1 > load32(stream + PEAK)) store32(stream + PEAK, current + 1);
  storeF64(stream + LAST_TRANSIT, transitMs);
  if (((sequence - load32(stream + HIGH_SEQ)) | 0) <= 0) return;
  store32(stream + HIGH_SEQ, sequence);
  moveReference(stream, timestamp);
}

// Drop the oldest until span and number fit. The newest packet alone spans nothing, so this ends.
function keepLimits(stream: i32, sequence: i32): i32 {
  while (load32(stream + CURRENT) > MAX_PACKETS || spanMs(stream) > loadF64(stream + MAX_DELAY_MS)) {
    dropFirst(stream, OVERRUN);
  }
  return ((sequence - load32(stream + NEXT_SEQ)) | 0) < 0 ? STATUS_OVERRUN : STATUS_BUFFERED;
}

function spanMs(stream: i32): f64 {
  const slot = slotOf(stream, load32(stream + FIRST_SEQ));
  return ticksMs(stream, tickDistance(load32(stream + REF_TS), load32(slot + SLOT_TS)));
}

// Move the window forward to `first`: what stands before it is dropped, what is absent there has lost its turn.
function slide(stream: i32, first: i32): void {
  while (load32(stream + CURRENT) > 0) {
    if (((load32(stream + FIRST_SEQ) - first) | 0) >= 0) break;
    dropFirst(stream, OVERRUN);
  }
  pass(stream, first);
}

// Everything before `sequence` has had its turn.
function pass(stream: i32, sequence: i32): void {
  const absent = (sequence - load32(stream + NEXT_SEQ)) | 0;
  if (absent > 0) countLost(stream, absent);
  store32(stream + NEXT_SEQ, sequence);
  store32(stream + PHASE, PHASE_RUNNING);
}

/** Unlink the first packet and find the one behind it. Returns its record, still live. */
export function unlinkFirst(stream: i32): i32 {
  let sequence = load32(stream + FIRST_SEQ);
  let slot = slotOf(stream, sequence);
  const record = load32(slot + SLOT_RECORD);
  store32(slot + SLOT_RECORD, 0);
  const current = load32(stream + CURRENT) - 1;
  store32(stream + CURRENT, current);
  if (current == 0) return record;
  do {
    sequence = (sequence + 1) | 0;
    slot = slotOf(stream, sequence);
  } while (load32(slot + SLOT_RECORD) == 0);
  store32(stream + FIRST_SEQ, sequence);
  return record;
}

/** The first packet takes its turn: the gap before it is lost now, and only now. Returns its record, still live. */
export function takeFirst(stream: i32): i32 {
  const sequence = load32(stream + FIRST_SEQ);
  pass(stream, sequence);
  countPresent(stream);
  store32(stream + NEXT_SEQ, (sequence + 1) | 0);
  return unlinkFirst(stream);
}

/** The first packet takes its turn, but nobody gets it. */
export function dropFirst(stream: i32, counter: i32): void {
  const record = takeFirst(stream);
  store32(stream + GAP, 0);
  count(stream + counter);
  release(stream, record);
}
