// What costs time in time-scaling: the search for the stretch of signal that continues another best, with SIMD. Not in
// the portable dialect: the tests hold references.
import { SCALE_CANDIDATE_ENERGY, SCALE_CORRELATION, SCALE_REFERENCE_ENERGY } from "./time-scale-layout";

/** Keeps silence from being divided by: far below the energy of one bit of 16. */
const LEAST_ENERGY: f32 = 1e-20;

/** Means of `span` samples each: a signal of a lower rate, and one channel of interleaved ones. */
export function decimate(source: usize, target: usize, outputs: i32, span: i32): void {
  const scale: f32 = 1.0 / f32(span);
  for (let i = 0; i < outputs; i++) {
    let sum: f32 = 0;
    for (let end = source + (span << 2); source < end; source += 4) sum += load<f32>(source);
    store<f32>(target, sum * scale);
    target += 4;
  }
}

function sumOfLanes(v: v128): f32 {
  return (
    f32x4.extract_lane(v, 0) +
    f32x4.extract_lane(v, 1) +
    (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
  );
}

function energyOf(source: usize, length: i32): f32 {
  let squares = f32x4.splat(0);
  for (let at = 0; at < length; at += 16) {
    const x = v128.load(source + at);
    squares = f32x4.add(squares, f32x4.mul(x, x));
  }
  return sumOfLanes(squares);
}

/**
 * Compare `count` candidates, `stride` bytes apart, with the reference, all `samples` (a multiple of 4) long. Returns
 * the number of the one with the highest normalized correlation, the last of equals, -1 when none can be compared;
 * the rest is left at `result`.
 */
export function findSimilar(
  result: usize,
  reference: usize,
  candidate: usize,
  stride: i32,
  count: i32,
  samples: i32,
): i32 {
  const length = samples << 2;
  const referenceEnergy = energyOf(reference, length);
  let best = -1;
  let bestCorrelation: f32 = -2;
  for (let i = 0; i < count; i++) {
    let products = f32x4.splat(0);
    let squares = products;
    for (let at = 0; at < length; at += 16) {
      const y = v128.load(candidate + at);
      products = f32x4.add(products, f32x4.mul(v128.load(reference + at), y));
      squares = f32x4.add(squares, f32x4.mul(y, y));
    }
    const energy = sumOfLanes(squares);
    const correlation = sumOfLanes(products) / sqrt<f32>(referenceEnergy * energy + LEAST_ENERGY);
    if (correlation >= bestCorrelation) {
      best = i;
      bestCorrelation = correlation;
      store<f32>(result, energy, SCALE_CANDIDATE_ENERGY);
    }
    candidate += stride;
  }
  store<f32>(result, bestCorrelation, SCALE_CORRELATION);
  store<f32>(result, referenceEnergy, SCALE_REFERENCE_ENERGY);
  return best;
}
