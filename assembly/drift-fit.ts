// The slope through the points of a drift estimator and its standard error: level shifts cut the points into pieces,
// the slope is the median over pairs within one piece (Theil 1950, Sen 1968), weighted by their distance.
import { load32, loadF64, sqrtF64, store32, storeF64, toF64 } from "./memory";
import {
  DRIFT_COUNT,
  DRIFT_D,
  DRIFT_ERROR,
  DRIFT_MAX_POINTS,
  DRIFT_POINTS,
  DRIFT_POINT_BYTES,
  DRIFT_POINT_PIECE,
  DRIFT_SLOPE,
  DRIFT_SPAN_MS,
  DRIFT_TICK_MS,
  DRIFT_X,
} from "./clock-drift-layout";
import { condense, pointAt } from "./clock-drift";
import { cellBytes, putCell, weightedMedian } from "./weighted-median";

const SHIFT_BIN_MS: f64 = 500.0; // so fine that a shift is seen two seconds after it
const FULL_BIN_MS: f64 = 2000.0; // so long that queues as a radio makes them end within
const LEAST_BINS: f64 = 16.0; // of a short observation; its bins are shorter
const AHEAD: i32 = 4; // points that must agree on a shift
const BEHIND: i32 = 6;
const LEAST_SHIFT_MS: f64 = 3.0;
const SHIFT_NOISE: f64 = 5.0; // medians of the steps from point to point
const MIN_SPAN_DIVISOR: f64 = 8.0; // shorter pairs carry more noise than slope
const NOISE_FLOOR_MS: f64 = 0.1; // of a network and of clocks as browsers have them
const FAR_OUT: f64 = 8.0; // medians of the residuals' magnitudes; 5 standard deviations of normal noise
const MAX_CORRELATION: f64 = 0.95;

/** Bytes of scratch space for {@link estimateDrift}: the points and one cell for every pair of them. */
export function driftScratchBytes(): i32 {
  const pairs = (DRIFT_MAX_POINTS * (DRIFT_MAX_POINTS - 1)) >> 1;
  return DRIFT_MAX_POINTS * DRIFT_POINT_BYTES + cellBytes(pairs);
}

/**
 * Fit the closed points and leave slope, error and span in the region. Returns 0 when there is no slope: fewer than
 * three points, or none with a distance between them.
 */
export function estimateDrift(drift: i32, scratch: i32): i32 {
  const cells = scratch + DRIFT_MAX_POINTS * DRIFT_POINT_BYTES;
  const points = drift + DRIFT_POINTS;
  let count = load32(drift + DRIFT_COUNT);
  if (count < 3) return 0;
  // What is no shorter is left as it is.
  const share = (xAt(points, count - 1) - xAt(points, 0)) / LEAST_BINS;
  count = condense(points, count, scratch, share < SHIFT_BIN_MS ? share : SHIFT_BIN_MS);
  const pieces = cutAtShifts(drift, scratch, count, cells);
  const span = loadF64(drift + DRIFT_SPAN_MS);
  if (!(span > 0.0)) return 0;
  count = condense(scratch, count, scratch, share < FULL_BIN_MS ? share : FULL_BIN_MS);
  const slope = medianSlope(scratch, count, cells, span / MIN_SPAN_DIVISOR);
  storeF64(drift + DRIFT_SLOPE, slope);
  const tickMs = loadF64(drift + DRIFT_TICK_MS);
  storeF64(drift + DRIFT_ERROR, standardError(scratch, count, cells, slope, pieces, tickMs));
  return 1;
}

// Number the pieces anew, from 0: a piece also ends where the path became longer or shorter. Returns how many, and
// leaves the span of the longest.
function cutAtShifts(drift: i32, work: i32, count: i32, cells: i32): i32 {
  for (let i = 1; i < count; i++) {
    const step = dAt(work, i) - dAt(work, i - 1);
    putCell(cells, i - 1, step < 0.0 ? -step : step, 1.0);
  }
  let threshold = SHIFT_NOISE * weightedMedian(cells, count - 1, toF64(count - 1));
  if (threshold < LEAST_SHIFT_MS) threshold = LEAST_SHIFT_MS;
  let longest = 0.0;
  let pieces = 0;
  let start = 0;
  let own = pieceAt(work, 0);
  for (let i = 0; i < count; i++) {
    const next = pieceAt(work, i);
    if (next != own || shifts(work, start, i, count, threshold)) {
      own = next;
      pieces++;
      start = i;
    }
    store32(pointAt(work, i) + DRIFT_POINT_PIECE, pieces);
    const span = xAt(work, i) - xAt(work, start);
    if (span > longest) longest = span;
  }
  storeF64(drift + DRIFT_SPAN_MS, longest);
  return pieces + 1;
}

// Whether the points from `at` on all lie beyond the last ones of the piece that began at `start`.
function shifts(work: i32, start: i32, at: i32, count: i32, threshold: f64): bool {
  if (at == start || at + AHEAD > count) return false;
  let least = Infinity;
  let most = -Infinity;
  for (let i = at - BEHIND < start ? start : at - BEHIND; i < at; i++) {
    for (let j = at; j < at + AHEAD; j++) {
      const step = dAt(work, j) - dAt(work, i);
      if (step < least) least = step;
      if (step > most) most = step;
    }
  }
  return least > threshold || most < -threshold;
}

function medianSlope(work: i32, count: i32, cells: i32, leastDistance: f64): f64 {
  let pairs = 0;
  let total = 0.0;
  for (let i = 0; i < count; i++) {
    for (let j = i + 1; j < count; j++) {
      if (pieceAt(work, j) != pieceAt(work, i)) break;
      const distance = xAt(work, j) - xAt(work, i);
      if (distance <= leastDistance) continue;
      putCell(cells, pairs, (dAt(work, j) - dAt(work, i)) / distance, distance);
      total += distance;
      pairs++;
    }
  }
  return weightedMedian(cells, pairs, total);
}

// From residuals around each piece's level; their correlation from point to point counts, because queues last. Those far
// out are taken as less: a median is not moved by how far out they lie.
function standardError(work: i32, count: i32, cells: i32, slope: f64, pieces: i32, tickMs: f64): f64 {
  const sxx = detrend(work, count, cells, slope);
  for (let i = 0; i < count; i++) {
    const e = dAt(work, i);
    putCell(cells, i, e < 0.0 ? -e : e, 1.0);
  }
  // Every piece's level lies on a point or between two: that many residuals are small by themselves.
  const limit = FAR_OUT * weightedMedian(cells, count, toF64(count + pieces));
  let squares = 0.0;
  let products = 0.0;
  let before = 0.0;
  for (let i = 0; i < count; i++) {
    let e = dAt(work, i);
    if (e > limit) e = limit;
    if (e < -limit) e = -limit;
    squares += e * e;
    products += e * before;
    before = e;
  }
  const freedom = count - pieces - 1;
  let noise = sqrtF64(squares / toF64(freedom > 1 ? freedom : 1));
  // Residuals finer than the media clock's own step came over no network: such data need no floor.
  if (noise > tickMs && noise < NOISE_FLOOR_MS) noise = NOISE_FLOOR_MS;
  let r = squares > 0.0 ? products / squares : 0.0;
  if (r < 0.0) r = 0.0;
  if (r > MAX_CORRELATION) r = MAX_CORRELATION;
  return (noise / sqrtF64(sxx)) * sqrtF64((1.0 + r) / (1.0 - r));
}

// Turn d into the residual around slope and median level of its piece. Returns the sum of squares of x around the mean
// of its piece.
function detrend(work: i32, count: i32, cells: i32, slope: f64): f64 {
  let sxx = 0.0;
  let start = 0;
  for (let end = 1; end <= count; end++) {
    if (end < count && pieceAt(work, end) == pieceAt(work, start)) continue;
    let meanX = 0.0;
    for (let i = start; i < end; i++) {
      const x = xAt(work, i);
      meanX += (x - meanX) / toF64(i - start + 1);
      putCell(cells, i - start, dAt(work, i) - slope * x, 1.0);
    }
    const level = weightedMedian(cells, end - start, toF64(end - start));
    for (let i = start; i < end; i++) {
      const x = xAt(work, i);
      sxx += (x - meanX) * (x - meanX);
      storeF64(pointAt(work, i) + DRIFT_D, dAt(work, i) - slope * x - level);
    }
    start = end;
  }
  return sxx;
}

function xAt(table: i32, index: i32): f64 {
  return loadF64(pointAt(table, index) + DRIFT_X);
}

function dAt(table: i32, index: i32): f64 {
  return loadF64(pointAt(table, index) + DRIFT_D);
}

function pieceAt(table: i32, index: i32): i32 {
  return load32(pointAt(table, index) + DRIFT_POINT_PIECE);
}
