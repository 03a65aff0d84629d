// Weighted median of a list of cells {value f64, weight f64}, by quickselect in place: no order is needed beyond it.
import { loadF64, storeF64 } from "./memory";

const CELL_BYTES: i32 = 16;
const WEIGHT: i32 = 8;

/** Bytes of `count` cells. */
export function cellBytes(count: i32): i32 {
  return count * CELL_BYTES;
}

/** Write one cell; `weight` must be positive. */
export function putCell(cells: i32, index: i32, value: f64, weight: f64): void {
  const at = cells + index * CELL_BYTES;
  storeF64(at, value);
  storeF64(at + WEIGHT, weight);
}

/** The least value at or below which half of `total`, usually the sum of all weights, lies; 0 for an empty list. */
export function weightedMedian(cells: i32, count: i32, total: f64): f64 {
  if (count == 0) return 0.0;
  let low = cells;
  let high = cells + (count - 1) * CELL_BYTES;
  let wanted = total / 2.0;
  while (low < high) {
    const pivot = loadF64(low + (((high - low) >> 5) << 4));
    let i = low;
    let j = high;
    while (i <= j) {
      while (loadF64(i) < pivot) i += CELL_BYTES;
      while (loadF64(j) > pivot) j -= CELL_BYTES;
      if (i > j) break;
      swap(i, j);
      i += CELL_BYTES;
      j -= CELL_BYTES;
    }
    // Now low to j is at most the pivot, i to high at least, and what stands between, if anything, equals it.
    let below = 0.0;
    for (let at = low; at <= j; at += CELL_BYTES) below += loadF64(at + WEIGHT);
    if (wanted <= below) {
      high = j;
      continue;
    }
    if (i - j > CELL_BYTES) below += loadF64(j + CELL_BYTES + WEIGHT);
    if (wanted <= below || i > high) return pivot;
    wanted -= below;
    low = i;
  }
  return loadF64(low);
}

function swap(first: i32, second: i32): void {
  const value = loadF64(first);
  const weight = loadF64(first + WEIGHT);
  storeF64(first, loadF64(second));
  storeF64(first + WEIGHT, loadF64(second + WEIGHT));
  storeF64(second, value);
  storeF64(second + WEIGHT, weight);
}
