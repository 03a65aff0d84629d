// What tables and reports say numbers with. Pure.
/** The value that `share` (0..1) of the values do not exceed (nearest rank); null of nothing. */
export function percentile(values: readonly number[], share: number): number | null {
  if (values.length === 0) return null;
  // Thousands of values of each pair, once a second: typed arrays are sorted without a box for every number.
  const sorted = Float64Array.from(values).sort();
  const rank = Math.ceil(share * sorted.length) - 1;
  return sorted[Math.min(sorted.length - 1, Math.max(0, rank))] ?? null;
}

/** `value` with `digits` digits after the point, as a number. */
export function round(value: number, digits = 1): number {
  return Number(value.toFixed(digits));
}
