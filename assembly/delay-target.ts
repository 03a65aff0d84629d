// What delay a stream asks for: a level that most intervals stay below, or more where reordered packets make it worth
// while. Works on intervals, not on packets, so that packet rate and pauses do not matter.
import { load32, loadF64, roundToI32, store32, storeF64, toF64, zeroBytes } from "./memory";
import {
  BASE_MS,
  CONFIRMED_MS,
  DELAY_BUCKETS,
  HEARD,
  HIGH_SEQ,
  INTERVALS,
  INTERVAL_MAX,
  INTERVAL_PACKETS,
  INTERVAL_START,
  JITTER,
  LAST_BASE_MS,
  LAST_OVERTAKEN,
  LAST_SEQ,
  LAST_TS,
  MAX_DELAY_MS,
  MIN_DELAY_MS,
  MS_PER_TICK,
  OVERTAKEN,
  RISE_MS,
  TABLE_BASE_MS,
  TARGET_MS,
  TRANSIT_1,
  TRANSIT_2,
  WANTED_MS,
} from "./layout";
import { tickDistance } from "./rtp-clock";

const DELAY_BUCKET_MS: f64 = 5.0;
const INTERVAL_MS: f64 = 500.0;
const FIRST_INTERVAL_MS: f64 = 100.0; // something must be known soon
const FIRST_INTERVALS: i32 = 4;
const GUESSING_INTERVALS: i32 = 8; // so few have hardly seen the worst
const GUESS_MARGIN_MS: f64 = 20.0; // where overtaking is the habit
const INTERVAL_LEAST_PACKETS: i32 = 8; // comfort noise alone says little about the path, and must not wipe out the rest
const BEYOND_IN_ORDER: f64 = 0.05; // of the intervals may exceed the target where that only means waiting
const BEYOND_OVERTAKEN: f64 = 0.02; // where packets overtake each other it means loss
const OVERTAKEN_SHARE: f64 = 0.02; // of the packets: from here on overtaking is the habit
const FORGET: f64 = 0.983; // an interval weighs half after 20 s
const START_WEIGHT: f64 = 2.0;
const HEARD_BEFORE: f64 = 40.0; // packets taken to have come in order before the first: one alone proves no habit
const MS_PER_LATE_SHARE: f64 = 2500.0; // 1 % late is worth 25 ms; to NetEq, which counts in steps of 20, it is 20
const FREE_MS: f64 = 5.0; // and any at all one bucket
const LONGER_ROUTE_MS: f64 = 30.0; // a base that rises by less follows a queue, whose growth is delay
const SLEW_PER_MS: f64 = 0.05;
const MAX_RISE_MS: f64 = 60.0; // at once, before the tables know; a stall that is over by now shall not cost seconds
const RISE_PER_MS: f64 = 3.0; // a longer route is followed within a few packets
const MAX_STEP_MS: f64 = 120.0; // longest frame of Opus; what is further apart is a pause

/** Forget the path: another timeline begins. */
export function startTarget(stream: i32, arrivalMs: f64): void {
  zeroBytes(stream + INTERVAL_START, OVERTAKEN + (DELAY_BUCKETS << 3) - INTERVAL_START);
  openInterval(stream, arrivalMs);
  storeF64(stream + TRANSIT_1, Infinity);
  storeF64(stream + CONFIRMED_MS, Infinity);
  storeF64(stream + HEARD, HEARD_BEFORE);
  storeF64(stream + WANTED_MS, -Infinity);
}

/** Learn from one packet. */
export function learn(stream: i32, sequence: i32, timestamp: i32, arrivalMs: f64, transitMs: f64): void {
  const beforeMs = loadF64(stream + TRANSIT_1);
  const overtaken = ((sequence - load32(stream + HIGH_SEQ)) | 0) < 0 ? 1 : 0;
  if (beforeMs < Infinity) believe(stream, stepMs(stream, sequence, timestamp), transitMs);
  const lengthMs = load32(stream + INTERVALS) < FIRST_INTERVALS ? FIRST_INTERVAL_MS : INTERVAL_MS;
  if (arrivalMs - loadF64(stream + INTERVAL_START) >= lengthMs) closeInterval(stream, arrivalMs);
  if (overtaken != 0) add(stream + OVERTAKEN, bucketOf(transitMs - loadF64(stream + BASE_MS)), 1.0);
  storeF64(stream + HEARD, loadF64(stream + HEARD) + 1.0);
  store32(stream + INTERVAL_PACKETS, load32(stream + INTERVAL_PACKETS) + 1);
  storeF64(stream + TRANSIT_2, beforeMs == Infinity ? transitMs : beforeMs);
  storeF64(stream + TRANSIT_1, transitMs);
  storeF64(stream + LAST_BASE_MS, loadF64(stream + BASE_MS));
  store32(stream + LAST_SEQ, sequence);
  store32(stream + LAST_TS, timestamp);
  store32(stream + LAST_OVERTAKEN, overtaken);
  storeF64(stream + CONFIRMED_MS, transitMs < beforeMs ? transitMs : beforeMs);
}

/**
 * Move the target so that the playout point, at `pointMs` until now, rises to what is wanted at once and falls to it by
 * slew: 1 ms in 20, what time-scaling can take back unheard. A step of the base moves the target alone.
 */
export function followTarget(stream: i32, pointMs: f64, elapsedMs: f64): void {
  const wanted = loadF64(stream + WANTED_MS);
  let point = wanted == -Infinity ? pointMs : pointMs - elapsedMs * SLEW_PER_MS;
  if (point < wanted) point = wanted;
  const confirmed = loadF64(stream + CONFIRMED_MS);
  let rise = loadF64(stream + RISE_MS) + elapsedMs * RISE_PER_MS;
  if (rise > MAX_RISE_MS) rise = MAX_RISE_MS;
  if (confirmed > point && confirmed < Infinity) {
    const step = confirmed - point < rise ? confirmed - point : rise;
    point += step;
    rise -= step;
  }
  storeF64(stream + RISE_MS, rise);
  const target = point - loadF64(stream + BASE_MS);
  const least = loadF64(stream + MIN_DELAY_MS);
  const most = loadF64(stream + MAX_DELAY_MS);
  storeF64(stream + TARGET_MS, target < least ? least : target < most ? target : most);
}

// The packet before is believed as far as one of its neighbours bears it out. Behind a packet in order the next one has
// waited as long, less one frame.
function believe(stream: i32, step: f64, nextMs: f64): void {
  const transitMs = loadF64(stream + TRANSIT_1);
  let witness = nextMs + step;
  const earlier = loadF64(stream + TRANSIT_2);
  if (earlier > witness) witness = earlier;
  const believed = transitMs < witness ? transitMs : witness;
  const delayMs = believed - loadF64(stream + LAST_BASE_MS);
  if (delayMs > loadF64(stream + INTERVAL_MAX)) storeF64(stream + INTERVAL_MAX, delayMs);
}

function stepMs(stream: i32, sequence: i32, timestamp: i32): f64 {
  const numbers = (sequence - load32(stream + LAST_SEQ)) | 0;
  if (numbers < 1 || load32(stream + LAST_OVERTAKEN) != 0) return 0.0;
  const ticks = tickDistance(timestamp, load32(stream + LAST_TS));
  const step = (toF64(ticks) * loadF64(stream + MS_PER_TICK)) / toF64(numbers);
  return step > 0.0 && step <= MAX_STEP_MS ? step : 0.0;
}

// Forget a little, enter the interval's maximum and weigh up anew. Until the window of the base has moved past it, a
// longer route looks like delay; when the base has caught up, what was counted from the lower one moves down.
function closeInterval(stream: i32, arrivalMs: f64): void {
  if (load32(stream + INTERVAL_PACKETS) < INTERVAL_LEAST_PACKETS) return;
  const base = loadF64(stream + BASE_MS);
  const riseMs = base - loadF64(stream + TABLE_BASE_MS);
  const fall = riseMs < LONGER_ROUTE_MS ? 0 : roundToI32(riseMs / DELAY_BUCKET_MS);
  const known = load32(stream + INTERVALS);
  const start = 1.0 - START_WEIGHT / toF64(known + 1);
  const kept = start < 0.0 ? 0.0 : start < FORGET ? start : FORGET;
  let overtaken = 0.0;
  for (let i = 0; i < DELAY_BUCKETS; i++) {
    const share = loadF64(stream + JITTER + (i << 3)) * kept;
    storeF64(stream + JITTER + (i << 3), 0.0);
    add(stream + JITTER, i - fall, share);
    scale(stream + OVERTAKEN + (i << 3), FORGET);
    overtaken += loadF64(stream + OVERTAKEN + (i << 3));
  }
  scale(stream + HEARD, FORGET);
  add(stream + JITTER, bucketOf(loadF64(stream + INTERVAL_MAX)), 1.0 - kept);
  store32(stream + INTERVALS, known + 1);
  storeF64(stream + TABLE_BASE_MS, base);
  openInterval(stream, arrivalMs);
  const share = overtaken / (loadF64(stream + HEARD) * OVERTAKEN_SHARE);
  const habit = share < 1.0 ? share : 1.0;
  const beyond = BEYOND_IN_ORDER - (BEYOND_IN_ORDER - BEYOND_OVERTAKEN) * habit;
  const margin = known < GUESSING_INTERVALS ? GUESS_MARGIN_MS * habit : 0.0;
  storeF64(stream + WANTED_MS, base + cheapest(stream, jitterMs(stream, beyond) + margin));
}

function openInterval(stream: i32, arrivalMs: f64): void {
  storeF64(stream + INTERVAL_START, arrivalMs);
  storeF64(stream + INTERVAL_MAX, -Infinity);
  store32(stream + INTERVAL_PACKETS, 0);
}

function scale(cell: i32, factor: f64): void {
  storeF64(cell, loadF64(cell) * factor);
}

function bucketOf(delayMs: f64): i32 {
  return roundToI32(delayMs / DELAY_BUCKET_MS - 0.5);
}

function add(table: i32, bucket: i32, weight: f64): void {
  const last = DELAY_BUCKETS - 1;
  const cell = table + ((bucket < 0 ? 0 : bucket > last ? last : bucket) << 3);
  storeF64(cell, loadF64(cell) + weight);
}

// The least delay that no more than a share of the intervals exceed.
function jitterMs(stream: i32, share: f64): f64 {
  let beyond = 0.0;
  let bucket = DELAY_BUCKETS;
  do {
    bucket--;
    beyond += loadF64(stream + JITTER + (bucket << 3));
  } while (bucket > 0 && beyond <= share);
  return toF64(bucket + 1) * DELAY_BUCKET_MS;
}

// The delay from `leastMs` on at which waiting and losing reordered packets together cost least.
function cheapest(stream: i32, leastMs: f64): f64 {
  let late = 0.0;
  let best = leastMs;
  let bestCost = Infinity;
  for (let bucket = DELAY_BUCKETS - 1; bucket >= 0; bucket--) {
    const delayMs = toF64(bucket + 1) * DELAY_BUCKET_MS;
    if (delayMs < leastMs) break;
    const extraMs = delayMs - leastMs - FREE_MS;
    const cost = (extraMs > 0.0 ? extraMs : 0.0) + (MS_PER_LATE_SHARE * late) / loadF64(stream + HEARD);
    if (cost <= bestCost) {
      bestCost = cost;
      best = delayMs;
    }
    late += loadF64(stream + OVERTAKEN + (bucket << 3));
  }
  return best;
}
