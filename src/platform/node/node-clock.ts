// The clock of a Node process: monotonic time, and wall time from the process's time origin, never stepped.
import type { Clock, LocalMs } from "../../runtime/time.ts";

/** Longest delay setTimeout obeys (2^31 - 1 ms); beyond it, Node fires at once. */
const MAX_TIMEOUT_MS = 0x7fff_ffff;

/** Local and wall time of this process. Every clock made here shows the same time. */
export function createNodeClock(): Clock {
  const now = (): LocalMs => performance.now();
  return {
    now,
    wallNow: () => performance.timeOrigin + performance.now(),
    setTimer(atMs, callback) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const arm = (): void => {
        const delayMs = Math.min(Math.max(Math.ceil(atMs - now()), 0), MAX_TIMEOUT_MS);
        timer = setTimeout(() => {
          // Timeouts count in whole milliseconds of another clock and may fire up to one of them early.
          if (now() < atMs) return arm();
          callback();
        }, delayMs);
      };
      arm();
      return () => clearTimeout(timer);
    },
  };
}
