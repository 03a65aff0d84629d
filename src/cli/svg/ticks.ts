// Round numbers for the axes of a plot. Pure.

/** A range and the round numbers in it. */
export interface Axis {
  readonly low: number;
  readonly high: number;
  readonly ticks: readonly { readonly value: number; readonly label: string }[];
}

/**
 * An axis that holds all of `low` to `high`, with ticks at 1, 2 or 5 times a power of ten.
 *
 * @param count about how many steps
 * @param widen whether the axis ends at ticks; otherwise at the range itself
 */
export function niceAxis(low: number, high: number, count: number, widen: boolean): Axis {
  const span = high - low || Math.abs(high) || 1;
  const step = niceStep(span / Math.max(1, count));
  const first = widen ? Math.floor(low / step) : Math.ceil(low / step - 1e-9);
  let last = widen ? Math.ceil(high / step) : Math.floor(high / step + 1e-9);
  if (widen && last === first) last++;
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const ticks = Array.from({ length: Math.max(0, last - first) + 1 }, (_, i) => {
    const value = (first + i) * step;
    return { value, label: (value === 0 ? 0 : value).toFixed(Math.min(digits, 20)) };
  });
  return widen
    ? { low: first * step, high: last * step, ticks }
    : { low, high: high > low ? high : low + span, ticks };
}

/** The smallest 1, 2 or 5 times a power of ten that is at least `rough`. */
function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5].find((nice) => rough <= nice * power * (1 + 1e-9)) ?? 10;
  return factor * power;
}
