// The browser's clock. Wall time is the page's time origin plus monotonic time, so nothing steps it.
import type { Clock, LocalMs, WallMs } from "../../runtime/time.ts";

/** Longest delay setTimeout takes; more wraps to zero (a 32-bit integer of ms). */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * The page's monotonic clock with timers that never fire early. Browsers hold timers of hidden pages back to one
 * a second; they fire late then, not never.
 */
export const browserClock: Clock = {
  now: (): LocalMs => performance.now(),
  wallNow: (): WallMs => performance.timeOrigin + performance.now(),
  setTimer(atMs: LocalMs, callback: () => void): () => void {
    let handle: ReturnType<typeof setTimeout> | undefined;
    const arm = (): void => {
      // setTimeout takes whole ms and may round down: a timer that came too soon is set again.
      const waitMs = Math.min(Math.max(Math.ceil(atMs - performance.now()), 0), MAX_TIMEOUT_MS);
      handle = setTimeout(() => {
        if (performance.now() < atMs) return arm();
        handle = undefined;
        callback();
      }, waitMs);
    };
    arm();
    return () => clearTimeout(handle);
  },
};
