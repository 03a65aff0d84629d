// How long to wait before the socket is opened again, and after which close codes never. Pure arithmetic.

/** First wait after a loss, in ms: a server that restarts is back within a second. */
const INITIAL_DELAY_MS = 500;

/** Longest regular wait, in ms: a returning network is noticed within half a minute. */
const MAX_DELAY_MS = 30_000;

/** Least wait after the server closed for too many messages (4029), in ms. */
const RATE_DELAY_MS = 30_000;

/** Closed because messages came too fast for too long. */
export const CLOSE_OVER_RATE = 4029;

// Normal end, refused by authentication or origin, replaced by another socket of the same registration, kicked.
const FINAL_CODES: ReadonlySet<number> = new Set([1000, 4003, 4009, 4010]);

/** Whether a socket closed with `code` must not be opened again by itself. */
export function isFinalClose(code: number): boolean {
  return FINAL_CODES.has(code);
}

/**
 * Wait before attempt number `attempt` (from 0), in ms: doubling up to 30 s, at least 30 s after 4029.
 *
 * @param random uniform in [0, 1): spreads clients that lost the same server over half the wait
 */
export function reconnectDelayMs(attempt: number, closeCode: number, random: number): number {
  const delayMs = Math.min(INITIAL_DELAY_MS * 2 ** Math.min(attempt, 16), MAX_DELAY_MS);
  if (closeCode === CLOSE_OVER_RATE) return RATE_DELAY_MS + delayMs * random;
  return delayMs * (0.5 + 0.5 * random);
}
