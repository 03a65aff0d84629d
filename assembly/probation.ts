// Probation: a packet that contradicts what its stream did so far is believed only when a second one continues it.
// One suspect is held; so neither one stray packet nor a burst of late ones can move a stream.
import { load32, loadF64, store32 } from "./memory";
import {
  CURRENT,
  DUPLICATE,
  GAP,
  HIGH_SEQ,
  LAST_TRANSIT,
  LATE,
  MALFORMED,
  NEXT_SEQ,
  OVERRUN,
  PHASE,
  PHASE_EMPTY,
  PHASE_FILLING,
  RECEIVED,
  RECORD_ARRIVAL,
  RECORD_HEADER,
  RECORD_LENGTH,
  REF_TS,
  RESETS,
  RESYNCS,
  SEQ_SHIFT,
  STATUS_DUPLICATE,
  STATUS_MALFORMED,
  STATUS_OVERRUN,
  STATUS_RESET,
  STATUS_SUSPECT,
  SUSPECT,
} from "./layout";
import { count, forgetLosses } from "./buffer-counters";
import { release } from "./packet-ring";
import { startTimeline } from "./playout-clock";
import { sequenceDistance, tickDistance } from "./rtp-clock";
import { payloadOffset, sequenceOf, timestampOf } from "./rtp-header";
import { extendedOf, hasPassed, place, transitOf, turnAway, unlinkFirst } from "./slot-index";

const MAX_DROPOUT: i32 = 3000; // RFC 3550 appendix A.1: a longer jump forward is not believed from one packet
const MAX_STEP_MS: f64 = 1000.0; // RTP and arrival may part by this much before the mapping is doubted
const CONTINUATION: i32 = 8; // a second packet this close behind a suspect continues it, losses between included
const CYCLE: i32 = 0x10000;

/** Place a packet in the index, or hold it as the suspect. Returns its status. */
export function judge(stream: i32, record: i32): i32 {
  if (payloadOffset(record + RECORD_HEADER, load32(record + RECORD_LENGTH)) < 0) {
    return turnAway(stream, record, MALFORMED, STATUS_MALFORMED);
  }
  count(stream + RECEIVED);
  if (load32(stream + PHASE) == PHASE_EMPTY) {
    begin(stream, record);
    return place(stream, record);
  }
  const suspect = load32(stream + SUSPECT);
  if (!doubtful(stream, record)) {
    if (suspect != 0) dropSuspect(stream, LATE);
    return place(stream, record);
  }
  if (suspect != 0) {
    if (isCopy(suspect, record)) return turnAway(stream, record, DUPLICATE, STATUS_DUPLICATE);
    if (continues(stream, suspect, record)) return believe(stream, suspect, record);
    dropSuspect(stream, LATE);
  }
  store32(stream + SUSPECT, record);
  return STATUS_SUSPECT;
}

/** Let the suspect go, counted by `counter`. */
export function dropSuspect(stream: i32, counter: i32): void {
  const record = load32(stream + SUSPECT);
  store32(stream + SUSPECT, 0);
  count(stream + counter);
  release(stream, record);
}

// Begin a run at this packet. Extended numbers keep rising over runs: two cycles up, so that a packet before the first
// one still lies above everything of the run before.
function begin(stream: i32, record: i32): void {
  const packet = record + RECORD_HEADER;
  const cycle = (load32(stream + HIGH_SEQ) & ~(CYCLE - 1)) + 2 * CYCLE;
  const sequence = (cycle + sequenceOf(packet)) | 0;
  store32(stream + SEQ_SHIFT, 0);
  store32(stream + HIGH_SEQ, sequence);
  store32(stream + NEXT_SEQ, sequence);
  store32(stream + GAP, 0);
  store32(stream + PHASE, PHASE_FILLING);
  startTimeline(stream, timestampOf(packet), loadF64(record + RECORD_ARRIVAL));
}

function stepsAside(transitMs: f64, otherMs: f64): bool {
  return transitMs - otherMs > MAX_STEP_MS || otherMs - transitMs > MAX_STEP_MS;
}

// Time steps aside, numbers leap forward, or numbers go back while time goes on. A packet that is merely late is
// older in both, and no doubt falls on it.
function doubtful(stream: i32, record: i32): bool {
  if (stepsAside(transitOf(stream, record), loadF64(stream + LAST_TRANSIT))) return true;
  const sequence = extendedOf(stream, record);
  if (((sequence - load32(stream + HIGH_SEQ)) | 0) > MAX_DROPOUT) return true;
  if (!hasPassed(stream, sequence)) return false;
  return tickDistance(timestampOf(record + RECORD_HEADER), load32(stream + REF_TS)) > 0;
}

function isCopy(suspect: i32, record: i32): bool {
  const first = suspect + RECORD_HEADER;
  const second = record + RECORD_HEADER;
  return sequenceOf(first) == sequenceOf(second) && timestampOf(first) == timestampOf(second);
}

function continues(stream: i32, suspect: i32, record: i32): bool {
  const ahead = sequenceDistance(sequenceOf(record + RECORD_HEADER), sequenceOf(suspect + RECORD_HEADER));
  if (ahead < 1 || ahead > CONTINUATION) return false;
  return !stepsAside(transitOf(stream, record), transitOf(stream, suspect));
}

// Two packets agree against the history. Timestamps in step: only the numbering has changed, so it goes on behind
// what is buffered. Otherwise another timeline begins and the old one's packets go.
function believe(stream: i32, suspect: i32, record: i32): i32 {
  store32(stream + SUSPECT, 0);
  if (!stepsAside(transitOf(stream, suspect), loadF64(stream + LAST_TRANSIT))) {
    const next = load32(stream + HIGH_SEQ) + 1;
    store32(stream + SEQ_SHIFT, (next - sequenceOf(suspect + RECORD_HEADER)) | 0);
    count(stream + RESYNCS);
    place(stream, suspect);
    return place(stream, record);
  }
  clearStream(stream);
  begin(stream, suspect);
  place(stream, suspect);
  place(stream, record);
  return STATUS_RESET;
}

/** Drop all packets as overrun and forget order, timeline and losses; other counters stay. */
export function clearStream(stream: i32): void {
  if (load32(stream + SUSPECT) != 0) dropSuspect(stream, OVERRUN);
  while (load32(stream + CURRENT) > 0) turnAway(stream, unlinkFirst(stream), OVERRUN, STATUS_OVERRUN);
  forgetLosses(stream);
  store32(stream + PHASE, PHASE_EMPTY);
  count(stream + RESETS);
}
