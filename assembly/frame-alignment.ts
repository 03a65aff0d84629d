// Rows of frames captured at the same time by up to ten peers. Holds times and handles only; the frames themselves stay
// with the caller, who learns of every handle that leaves without a row.
import { load32, loadF64, store32, storeF64, toF64 } from "./memory";
import {
  ALIGN_ALIGNED,
  ALIGN_CAPTURE_MS,
  ALIGN_CAP_MS,
  ALIGN_DELAY_MS,
  ALIGN_DISPLACED,
  ALIGN_DURATION_US,
  ALIGN_FLOOR_MS,
  ALIGN_FRAME_SHIFT,
  ALIGN_HANDLE,
  ALIGN_HEAD,
  ALIGN_HEAD_MS,
  ALIGN_LAST_MS,
  ALIGN_LATE,
  ALIGN_LIMIT_MS,
  ALIGN_MASK,
  ALIGN_MAX_PEERS,
  ALIGN_MODE,
  ALIGN_MODE_ACTIVE,
  ALIGN_MODE_FREE,
  ALIGN_OVERFLOW,
  ALIGN_PEERS,
  ALIGN_PEER_SHIFT,
  ALIGN_PUSHED,
  ALIGN_QUEUED,
  ALIGN_RING,
  ALIGN_ROW,
  ALIGN_ROWS,
  ALIGN_ROW_MS,
  ALIGN_STATUS,
  ALIGN_TAKEN,
  ALIGN_TOO_LATE,
  ALIGN_WAITING,
} from "./frame-alignment-layout";

const NEVER: f64 = Infinity;
/** Half a frame, in ms for a duration in us. */
const HALF_MS_PER_US: f64 = 0.0005;

/**
 * Put a frame into its place by capture time. Returns the handle that is free again, 0 for none: the frame's own when
 * it is too late, the oldest one's when too many wait. ALIGN_STATUS tells which.
 */
export function alignPush(state: i32, index: i32, captureMs: f64, durationUs: i32, handle: i32): i32 {
  const peer = peerAt(state, index);
  count(peer + ALIGN_PUSHED);
  store32(state + ALIGN_STATUS, ALIGN_TOO_LATE);
  if (captureMs <= loadF64(peer + ALIGN_FLOOR_MS)) {
    count(peer + ALIGN_LATE);
    return handle;
  }
  let place = load32(peer + ALIGN_WAITING);
  const full = place > load32(peer + ALIGN_MASK);
  store32(state + ALIGN_STATUS, full ? ALIGN_DISPLACED : ALIGN_QUEUED);
  let freed = 0;
  if (full) {
    if (captureMs < loadF64(peer + ALIGN_HEAD_MS)) {
      count(peer + ALIGN_OVERFLOW);
      return handle;
    }
    freed = unlink(peer, ALIGN_OVERFLOW);
    place--;
  }
  store32(peer + ALIGN_WAITING, place + 1);
  // Frames come in order except around a step of their labels: this seldom turns.
  let frame = frameAt(peer, place);
  while (place > 0) {
    const before = frameAt(peer, place - 1);
    const beforeMs = loadF64(before + ALIGN_CAPTURE_MS);
    if (beforeMs <= captureMs) break;
    write(frame, beforeMs, load32(before + ALIGN_DURATION_US), load32(before + ALIGN_HANDLE));
    frame = before;
    place--;
  }
  write(frame, captureMs, durationUs, handle);
  if (place == 0) storeF64(peer + ALIGN_HEAD_MS, captureMs);
  return freed;
}

/**
 * When the next row may leave, as far as is known now; Infinity when nothing waits.
 *
 * Complete, it may leave once its capture time has come: frames from the future, as a wrong clock makes them, would shut
 * out everybody who is on time. Otherwise it waits for the last frame that may still join: from an active peer as long
 * as the slowest of them takes, from a silent one as long as that one takes, for it may be about to speak.
 */
export function alignNextDue(state: i32, windowMs: f64): f64 {
  let leader = 0;
  let leaderMs: f64 = NEVER;
  let missing = false;
  let slowestMs: f64 = 0.0;
  let silentMs: f64 = 0.0;
  for (let index = 0; index < ALIGN_MAX_PEERS; index++) {
    const peer = peerAt(state, index);
    const mode = load32(peer + ALIGN_MODE);
    if (mode == ALIGN_MODE_FREE) continue;
    const headMs = loadF64(peer + ALIGN_HEAD_MS);
    const delayMs = loadF64(peer + ALIGN_DELAY_MS);
    if (headMs < leaderMs) {
      leader = peer;
      leaderMs = headMs;
    }
    if (mode == ALIGN_MODE_ACTIVE) {
      if (delayMs > slowestMs) slowestMs = delayMs;
      if (headMs == NEVER) missing = true;
    } else if (headMs == NEVER && delayMs > silentMs) silentMs = delayMs;
  }
  if (leader == 0) return NEVER;
  const halfMs = toF64(load32(frameAt(leader, 0) + ALIGN_DURATION_US)) * HALF_MS_PER_US;
  const spanMs = halfMs < windowMs ? halfMs : windowMs;
  storeF64(state + ALIGN_ROW_MS, leaderMs);
  storeF64(state + ALIGN_LIMIT_MS, leaderMs + spanMs);
  let waitMs = missing && slowestMs > silentMs ? slowestMs : silentMs;
  if (waitMs > 0.0) waitMs += spanMs;
  const capMs = loadF64(state + ALIGN_CAP_MS);
  return leaderMs + (waitMs < capMs ? waitMs : capMs);
}

/**
 * Let the next row leave into ALIGN_ROW, if it may at `nowMs`. Its time is that of the earliest head. Another head is of
 * the row when it lies within `windowMs` and within half the first frame's duration: further away it lies nearer to the
 * next frame of that peer. Returns how many peers are in it, 0 for no row yet.
 */
export function alignPop(state: i32, nowMs: f64, windowMs: f64): i32 {
  if (nowMs < alignNextDue(state, windowMs)) return 0;
  const limitMs = loadF64(state + ALIGN_LIMIT_MS);
  let present = 0;
  for (let index = 0; index < ALIGN_MAX_PEERS; index++) {
    const peer = peerAt(state, index);
    const captureMs = loadF64(peer + ALIGN_HEAD_MS);
    let passedMs = limitMs;
    let handle = 0;
    if (load32(peer + ALIGN_WAITING) != 0 && captureMs <= limitMs) {
      passedMs = captureMs;
      handle = unlink(peer, ALIGN_ALIGNED);
      present++;
    }
    store32(state + ALIGN_ROW + (index << 2), handle);
    // Who is absent had its chance: a frame that belongs here would now be late.
    if (passedMs > loadF64(peer + ALIGN_FLOOR_MS)) storeF64(peer + ALIGN_FLOOR_MS, passedMs);
  }
  storeF64(state + ALIGN_LAST_MS, loadF64(state + ALIGN_ROW_MS));
  count(state + ALIGN_ROWS);
  return present;
}

/** The labels of a peer have stepped: its waiting frames move along. Take back those that are late now. */
export function alignShift(state: i32, index: i32, deltaMs: f64): void {
  const peer = peerAt(state, index);
  storeF64(peer + ALIGN_FLOOR_MS, loadF64(state + ALIGN_LAST_MS));
  storeF64(peer + ALIGN_HEAD_MS, loadF64(peer + ALIGN_HEAD_MS) + deltaMs);
  for (let place = load32(peer + ALIGN_WAITING) - 1; place >= 0; place--) {
    const at = frameAt(peer, place) + ALIGN_CAPTURE_MS;
    storeF64(at, loadF64(at) + deltaMs);
  }
}

/**
 * Give the first waiting frame of a peer back and count it: as late, if its row has left, or as taken, and that only if
 * `any` is not 0. Returns its handle, 0 for none.
 */
export function alignTake(state: i32, index: i32, any: i32): i32 {
  const peer = peerAt(state, index);
  if (load32(peer + ALIGN_WAITING) == 0) return 0;
  const late = loadF64(peer + ALIGN_HEAD_MS) <= loadF64(peer + ALIGN_FLOOR_MS);
  if (!late && any == 0) return 0;
  return unlink(peer, late ? ALIGN_LATE : ALIGN_TAKEN);
}

// Take the first waiting frame out and count it. Returns its handle.
function unlink(peer: i32, counter: i32): i32 {
  const handle = load32(frameAt(peer, 0) + ALIGN_HANDLE);
  count(peer + counter);
  store32(peer + ALIGN_HEAD, (load32(peer + ALIGN_HEAD) + 1) | 0);
  const waiting = load32(peer + ALIGN_WAITING) - 1;
  store32(peer + ALIGN_WAITING, waiting);
  storeF64(peer + ALIGN_HEAD_MS, waiting == 0 ? NEVER : loadF64(frameAt(peer, 0) + ALIGN_CAPTURE_MS));
  return handle;
}

function write(frame: i32, captureMs: f64, durationUs: i32, handle: i32): void {
  storeF64(frame + ALIGN_CAPTURE_MS, captureMs);
  store32(frame + ALIGN_DURATION_US, durationUs);
  store32(frame + ALIGN_HANDLE, handle);
}

function peerAt(state: i32, index: i32): i32 {
  return state + ALIGN_PEERS + (index << ALIGN_PEER_SHIFT);
}

function frameAt(peer: i32, place: i32): i32 {
  const position = (load32(peer + ALIGN_HEAD) + place) & load32(peer + ALIGN_MASK);
  return load32(peer + ALIGN_RING) + (position << ALIGN_FRAME_SHIFT);
}

function count(at: i32): void {
  store32(at, (load32(at) + 1) | 0);
}
