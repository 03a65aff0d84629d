// What a drift estimator keeps of its observations: the least d = time - media time of every bin, because a packet that
// met no queue is the only one that tells the clocks. The slope through these points is drift-fit.ts, on demand.
import { load32, loadF64, store32, storeF64, zeroBytes } from "./memory";
import {
  DRIFT_BIN_END,
  DRIFT_BIN_MS,
  DRIFT_COUNT,
  DRIFT_D,
  DRIFT_MAX_BIN_MS,
  DRIFT_MAX_POINTS,
  DRIFT_OPEN,
  DRIFT_PIECE,
  DRIFT_POINTS,
  DRIFT_POINT_BYTES,
  DRIFT_POINT_PIECE,
  DRIFT_TICK_MS,
  DRIFT_X,
} from "./clock-drift-layout";

const FIRST_BIN_MS: f64 = 15.625; // doubled five times it is 500 ms; so fine that one second gives a slope too
const FORGOTTEN: i32 = 32; // points that leave together once bins do not grow any more

/** Bytes of an estimator's region. */
export function driftBytes(): i32 {
  return DRIFT_POINTS + DRIFT_MAX_POINTS * DRIFT_POINT_BYTES;
}

/**
 * Begin, or begin anew, an estimator for a media clock whose tick takes `tickMs`. Bins grow up to `maxBinMs`; it looks
 * back over the last 96 to 128 of those.
 */
export function initDrift(drift: i32, tickMs: f64, maxBinMs: f64): void {
  zeroBytes(drift, driftBytes());
  storeF64(drift + DRIFT_TICK_MS, tickMs);
  storeF64(drift + DRIFT_BIN_MS, FIRST_BIN_MS);
  storeF64(drift + DRIFT_MAX_BIN_MS, maxBinMs);
}

/**
 * One observation at `nowMs`: media time `x`, and `d` by which some clock is ahead of it, all in ms since any start.
 * Returns 1 when it opened a bin, so that the one before it counts.
 */
export function addDrift(drift: i32, nowMs: f64, x: f64, d: f64): i32 {
  let opened = 0;
  if (load32(drift + DRIFT_OPEN) == 0 || nowMs >= loadF64(drift + DRIFT_BIN_END)) {
    closeBin(drift);
    store32(drift + DRIFT_OPEN, 1);
    storeF64(drift + DRIFT_BIN_END, nowMs + loadF64(drift + DRIFT_BIN_MS));
    opened = 1;
  }
  const open = pointAt(drift + DRIFT_POINTS, load32(drift + DRIFT_COUNT));
  if (opened == 0 && d >= loadF64(open + DRIFT_D)) return 0;
  putPoint(open, x, d, load32(drift + DRIFT_PIECE));
  return opened;
}

/** From here on d is counted from another origin. */
export function cutDrift(drift: i32): void {
  closeBin(drift);
  store32(drift + DRIFT_PIECE, (load32(drift + DRIFT_PIECE) + 1) | 0);
}

/**
 * Copy `count` points, of those within `width` of media time and in one piece the one with the least d. May work in
 * place. Returns how many are left.
 */
export function condense(from: i32, count: i32, to: i32, width: f64): i32 {
  let kept = -1;
  let end = 0.0;
  for (let i = 0; i < count; i++) {
    const point = pointAt(from, i);
    const x = loadF64(point + DRIFT_X);
    const d = loadF64(point + DRIFT_D);
    const piece = load32(point + DRIFT_POINT_PIECE);
    const last = pointAt(to, kept);
    if (kept < 0 || x >= end || piece != load32(last + DRIFT_POINT_PIECE)) {
      kept++;
      end = x + width;
    } else if (d >= loadF64(last + DRIFT_D)) continue;
    putPoint(pointAt(to, kept), x, d, piece);
  }
  return kept + 1;
}

/** Address of a point of a table. */
export function pointAt(table: i32, index: i32): i32 {
  return table + index * DRIFT_POINT_BYTES;
}

function putPoint(at: i32, x: f64, d: f64, piece: i32): void {
  storeF64(at + DRIFT_X, x);
  storeF64(at + DRIFT_D, d);
  store32(at + DRIFT_POINT_PIECE, piece);
}

// The full table is thinned out: twice the bin, half the points. Where observations are too rare for that, and once
// bins do not grow any more, the oldest points go.
function closeBin(drift: i32): void {
  if (load32(drift + DRIFT_OPEN) == 0) return;
  store32(drift + DRIFT_OPEN, 0);
  const points = drift + DRIFT_POINTS;
  let count = load32(drift + DRIFT_COUNT) + 1;
  if (count == DRIFT_MAX_POINTS) {
    let binMs = loadF64(drift + DRIFT_BIN_MS);
    while (count > DRIFT_MAX_POINTS - FORGOTTEN && binMs < loadF64(drift + DRIFT_MAX_BIN_MS)) {
      binMs *= 2.0;
      count = condense(points, count, points, binMs);
    }
    storeF64(drift + DRIFT_BIN_MS, binMs);
    if (count > DRIFT_MAX_POINTS - FORGOTTEN) {
      count -= FORGOTTEN;
      condense(pointAt(points, FORGOTTEN), count, points, 0.0);
    }
  }
  store32(drift + DRIFT_COUNT, count);
}
