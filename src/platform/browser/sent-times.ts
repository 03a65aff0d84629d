// Chromium says of a frame that leaves when it was captured, but cuts the time to whole milliseconds. What was written
// tells the rest. Pure.

/** The browser takes sound in pieces of this length, ms, and gives each the time of its first sample. */
const PIECE_MS = 10;
/** Most that is cut, ms; with the resolution of the clocks. */
const MOST_CUT_MS = 1.02;

/**
 * The capture time of a frame that leaves, as exact as the times that were written.
 *
 * @param saidMs as the browser says, at most a millisecond early
 * @param writtenMs capture of the first sample of a block of the same series, whole pieces away; undefined: none was
 *   written, e.g. because a microphone is sent
 * @returns `saidMs` where the two do not fit: what leaves was not written
 */
export function exactSentMs(saidMs: number, writtenMs: number | undefined): number {
  if (writtenMs === undefined) return saidMs;
  const awayMs = writtenMs - saidMs;
  const cutMs = awayMs - Math.floor(awayMs / PIECE_MS) * PIECE_MS;
  return cutMs <= MOST_CUT_MS ? saidMs + cutMs : saidMs;
}
