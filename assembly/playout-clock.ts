// When a packet of one stream is due: on the sender's timeline, shifted by the least transit of the last two seconds
// and by the target delay. Never by a packet's own arrival, which would turn jitter into standing delay.
import { load32, loadF64, store32, storeF64, toF64 } from "./memory";
import {
  BASE_MS,
  BUCKET,
  BUCKETS,
  BUCKET_COUNT,
  BUCKET_START,
  LAST_TRANSIT,
  MAX_DELAY_MS,
  MS_PER_TICK,
  REF_MS,
  REF_TS,
  SLACK_MS,
  SLEW_MS,
  TARGET_MS,
} from "./layout";
import { tickDistance } from "./rtp-clock";

const BUCKET_MS: f64 = 125.0;
const WINDOW_MS: f64 = 2000.0; // BUCKET_COUNT x BUCKET_MS; a longer route or a slow sender is learned in this time
const SLEW_PER_MS: f64 = 0.05; // 1 ms in 20: what time-scaling can take back unheard

/** Begin a timeline at a packet that arrives at `arrivalMs`: its transit is 0 by definition. */
export function startTimeline(stream: i32, timestamp: i32, arrivalMs: f64): void {
  store32(stream + REF_TS, timestamp);
  storeF64(stream + REF_MS, arrivalMs);
  storeF64(stream + BASE_MS, 0.0);
  storeF64(stream + SLACK_MS, 0.0);
  storeF64(stream + LAST_TRANSIT, 0.0);
  storeF64(stream + SLEW_MS, arrivalMs);
  clearWindow(stream, arrivalMs);
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
  const playoutMs = loadF64(stream + BASE_MS) + loadF64(stream + SLACK_MS) + loadF64(stream + TARGET_MS);
  return timelineMs(stream, timestamp) + playoutMs;
}

/** Change the target: the playout point follows at once, and what is still owed fits below the maximum again. */
export function retarget(stream: i32, targetMs: f64): void {
  storeF64(stream + TARGET_MS, targetMs);
  storeF64(stream + SLACK_MS, boundedSlack(stream, loadF64(stream + SLACK_MS)));
}

/**
 * Learn from one packet's transit. While the stream is `running`, a fallen base does not pull packets out early: the
 * slack takes the step and is slewed away; a risen base moves the playout point at once.
 */
export function observeTransit(stream: i32, arrivalMs: f64, transitMs: f64, running: bool): void {
  const oldBase = loadF64(stream + BASE_MS);
  const rotated = rotate(stream, arrivalMs);
  const bucket = stream + BUCKETS + (load32(stream + BUCKET) << 3);
  if (transitMs < loadF64(bucket)) storeF64(bucket, transitMs);
  let base = transitMs < oldBase ? transitMs : oldBase;
  if (rotated) base = leastOfWindow(stream);
  storeF64(stream + BASE_MS, base);
  if (!running) return;
  const elapsedMs = arrivalMs - loadF64(stream + SLEW_MS);
  const slewedMs = elapsedMs > 0.0 ? elapsedMs * SLEW_PER_MS : 0.0;
  const rest = loadF64(stream + SLACK_MS) - slewedMs;
  storeF64(stream + SLACK_MS, boundedSlack(stream, (rest > 0.0 ? rest : 0.0) + oldBase - base));
  if (elapsedMs > 0.0) storeF64(stream + SLEW_MS, arrivalMs);
}

function boundedSlack(stream: i32, slackMs: f64): f64 {
  const room = loadF64(stream + MAX_DELAY_MS) - loadF64(stream + TARGET_MS);
  if (slackMs > room) slackMs = room;
  return slackMs > 0.0 ? slackMs : 0.0;
}

// Open the bucket `arrivalMs` belongs to. Returns whether any bucket was left or emptied.
function rotate(stream: i32, arrivalMs: f64): bool {
  let start = loadF64(stream + BUCKET_START);
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
