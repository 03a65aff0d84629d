// What the examples count with. No part of the library, and nothing a program needs.

/** The value that `share` (0 to 1) of the numbers do not exceed; null of none. */
export function percentile(numbers, share) {
  if (numbers.length === 0) return null;
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

/** With `digits` digits after the point; null stays. */
export function round(number, digits = 1) {
  return number === null ? null : Number(number.toFixed(digits));
}

/** Until `condition` holds. @throws {Error} naming what was waited for, after `timeoutMs` */
export async function until(what, condition, timeoutMs = 20_000) {
  const endMs = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`waited ${timeoutMs / 1000} s for ${what}`);
    await pause(20);
  }
}

export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Call `step(index)` `perSecond` times a second for `seconds`, on time: a late call delays none of those that follow.
 */
export async function paced(perSecond, seconds, step) {
  const beganMs = performance.now();
  const count = Math.round(perSecond * seconds);
  for (let index = 0; index < count; index++) {
    await pause(beganMs + (index * 1000) / perSecond - performance.now());
    step(index);
  }
}
