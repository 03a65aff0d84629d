// When a packet of one stream is due: on the sender's timeline, shifted by the least transit of the last two seconds
// and by the target delay. Never by a packet's own arrival, which would turn jitter into standing delay.
import { load32, loadF64, store32, storeF64, toF64 } from "./memory";
import {
  ADAPTIVE,
  BASE_MS,
  BUCKET,
  BUCKETS,
  BUCKET_COUNT,
  BUCKET_START,
  LAST_TRANSIT,
  MAX_DELAY_MS,
  MIN_DELAY_MS,
  MS_PER_TICK,
  OUT_STRETCH,
  POINT_MS,
  REF_MS,
  REF_TS,
  SHRUNK_MS,
  SLACK_MS,
  SLEW_MS,
  STRETCHED_MS,
  TARGET_MS,
} from "./layout";
import { followTarget, learn, startTarget } from "./delay-target";
import { tickDistance } from "./rtp-clock";

const BUCKET_MS: f64 = 125.0;
const WINDOW_MS: f64 = 2000.0; // BUCKET_COUNT x BUCKET_MS; a longer route or a slow sender is learned in this time
const MAX_PAUSE_MS: f64 = 500.0; // of a longer one the window of an adaptive stream sees this much
const SLEW_PER_MS: f64 = 0.05; // 1 ms in 20: what time-scaling can take back unheard

/** Begin a timeline at a packet that arrives at `arrivalMs`: its transit is 0 by definition. */
export function startTimeline(stream: i32, timestamp: i32, arrivalMs: f64): void {
  store32(stream + REF_TS, timestamp);
  storeF64(stream + REF_MS, arrivalMs);
  storeF64(stream + BASE_MS, 0.0);
  storeF64(stream + SLACK_MS, 0.0);
  storeF64(stream + LAST_TRANSIT, 0.0);
  storeF64(stream + SLEW_MS, arrivalMs);
  storeF64(stream + POINT_MS, Infinity);
  clearWindow(stream, arrivalMs);
  if (isAdaptive(stream)) startTarget(stream, arrivalMs);
}

function isAdaptive(stream: i32): bool {
  return load32(stream + ADAPTIVE) != 0;
}

/** The sender's timeline at an RTP timestamp, in local ms for the least transit 0. */
export function timelineMs(stream: i32, timestamp: i32): f64 {
  return loadF64(stream + REF_MS) + ticksMs(stream, tickDistance(timestamp, load32(stream + REF_TS)));
}

/** Milliseconds of a signed number of ticks at the stream's clock rate. */
export function ticksMs(stream: i32, ticks: i32): f64 {
  return toF64(ticks) * loadF64(stream + MS_PER_TICK);
}

/** Carry the reference on to a newer timestamp, so that distances to it stay far below 2^31 ticks. */
export function moveReference(stream: i32, timestamp: i32): void {
  storeF64(stream + REF_MS, timelineMs(stream, timestamp));
  store32(stream + REF_TS, timestamp);
}

/** Local ms at which the packet with this timestamp shall leave. */
export function dueMs(stream: i32, timestamp: i32): f64 {
  return timelineMs(stream, timestamp) + playoutPoint(stream);
}

/** Local ms at which it leaves at the latest: an adaptive target may yet rise to its maximum. */
export function latestDueMs(stream: i32, timestamp: i32): f64 {
  const riseMs = isAdaptive(stream) ? loadF64(stream + MAX_DELAY_MS) - loadF64(stream + TARGET_MS) : 0.0;
  return dueMs(stream, timestamp) + riseMs;
}

function playoutPoint(stream: i32): f64 {
  return loadF64(stream + BASE_MS) + loadF64(stream + SLACK_MS) + loadF64(stream + TARGET_MS);
}

/** At a pop: how far the playout point has moved since the one before, which a player makes good by time-scaling. */
export function noteStretch(stream: i32): void {
  const pointMs = playoutPoint(stream);
  const beforeMs = loadF64(stream + POINT_MS);
  const stretchMs = beforeMs == Infinity ? 0.0 : pointMs - beforeMs;
  storeF64(stream + POINT_MS, pointMs);
  storeF64(stream + OUT_STRETCH, stretchMs);
  const sum = stream + (stretchMs > 0.0 ? STRETCHED_MS : SHRUNK_MS);
  storeF64(sum, loadF64(sum) + (stretchMs > 0.0 ? stretchMs : -stretchMs));
}

/** Change the target: the playout point follows at once, and what is still owed fits below the maximum again. */
export function retarget(stream: i32, targetMs: f64): void {
  storeF64(stream + TARGET_MS, targetMs);
  storeF64(stream + SLACK_MS, boundedSlack(stream, loadF64(stream + SLACK_MS)));
}

/** Change the least an adaptive target may be; the playout point rises to it at once, and falls from it by slew. */
export function setLeastTarget(stream: i32, leastMs: f64): void {
  storeF64(stream + MIN_DELAY_MS, leastMs);
  if (loadF64(stream + TARGET_MS) < leastMs) retarget(stream, leastMs);
}

/**
 * Learn from one packet's transit. While the stream is `running`, a fallen base does not pull packets out early: the
 * slack takes the step and is slewed away; a risen base moves the playout point at once. An adaptive target takes
 * steps in both directions.
 */
export function observeTransit(
  stream: i32,
  sequence: i32,
  timestamp: i32,
  arrivalMs: f64,
  transitMs: f64,
  running: bool,
): void {
  const oldBase = loadF64(stream + BASE_MS);
  const rotated = rotate(stream, arrivalMs);
  const bucket = stream + BUCKETS + (load32(stream + BUCKET) << 3);
  if (transitMs < loadF64(bucket)) storeF64(bucket, transitMs);
  let base = transitMs < oldBase ? transitMs : oldBase;
  if (rotated) base = leastOfWindow(stream);
  storeF64(stream + BASE_MS, base);
  const adaptive = isAdaptive(stream);
  if (adaptive) learn(stream, sequence, timestamp, arrivalMs, transitMs);
  if (adaptive && !running) storeF64(stream + SLEW_MS, arrivalMs); // nothing falls before something plays
  if (!running) return;
  const passedMs = arrivalMs - loadF64(stream + SLEW_MS);
  const elapsedMs = passedMs > 0.0 ? passedMs : 0.0;
  if (passedMs > 0.0) storeF64(stream + SLEW_MS, arrivalMs);
  if (adaptive) {
    followTarget(stream, oldBase + loadF64(stream + TARGET_MS), elapsedMs);
    return;
  }
  const rest = loadF64(stream + SLACK_MS) - elapsedMs * SLEW_PER_MS;
  storeF64(stream + SLACK_MS, boundedSlack(stream, (rest > 0.0 ? rest : 0.0) + oldBase - base));
}

/** Measure from one packet's transit on: what the window has learned before is about another path. */
export function moveBase(stream: i32, arrivalMs: f64, transitMs: f64): void {
  clearWindow(stream, arrivalMs);
  storeF64(stream + BUCKETS, transitMs);
  storeF64(stream + BASE_MS, transitMs);
  storeF64(stream + SLACK_MS, 0.0);
}

function boundedSlack(stream: i32, slackMs: f64): f64 {
  const room = loadF64(stream + MAX_DELAY_MS) - loadF64(stream + TARGET_MS);
  if (slackMs > room) slackMs = room;
  return slackMs > 0.0 ? slackMs : 0.0;
}

// Open the bucket `arrivalMs` belongs to. Returns whether any bucket was left or emptied.
function rotate(stream: i32, arrivalMs: f64): bool {
  let start = loadF64(stream + BUCKET_START);
  if (isAdaptive(stream) && arrivalMs - start > MAX_PAUSE_MS) start = arrivalMs - MAX_PAUSE_MS;
  if (arrivalMs - start < BUCKET_MS) return false;
  if (arrivalMs - start >= WINDOW_MS) {
    clearWindow(stream, arrivalMs);
    return true;
  }
  let bucket = load32(stream + BUCKET);
  while (arrivalMs - start >= BUCKET_MS) {
    start += BUCKET_MS;
    bucket = (bucket + 1) & (BUCKET_COUNT - 1);
    storeF64(stream + BUCKETS + (bucket << 3), Infinity);
  }
  store32(stream + BUCKET, bucket);
  storeF64(stream + BUCKET_START, start);
  return true;
}

function clearWindow(stream: i32, startMs: f64): void {
  for (let i = 0; i < BUCKET_COUNT; i++) storeF64(stream + BUCKETS + (i << 3), Infinity);
  store32(stream + BUCKET, 0);
  storeF64(stream + BUCKET_START, startMs);
}

function leastOfWindow(stream: i32): f64 {
  let least = Infinity;
  for (let i = 0; i < BUCKET_COUNT; i++) {
    const transit = loadF64(stream + BUCKETS + (i << 3));
    if (transit < least) least = transit;
  }
  return least;
}
