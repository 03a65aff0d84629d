// How long after their capture the last frames of one medium came: their median. Reads no clock.
import { TransportError } from "../../errors/errors.ts";
import type { AudioData, VideoData } from "../../runtime/data.ts";

/** Some half a second of pictures, a third of one of sound: what jitters is evened out, what changes is seen soon. */
const KEPT = 15;
/** Fewer say nothing. */
const LEAST = 3;
/** A medium without frames for longer has no delay. */
const STALE_MS = 2000;

/** Delays of the last 15 frames. */
export class RecentDelays {
  readonly #delays: number[] = [];
  #atMs = -Infinity;

  /** @param delayMs ms from the capture to `nowMs`; of any origin, if the clocks have none in common */
  observe(delayMs: number, nowMs: number): void {
    if (nowMs - this.#atMs > STALE_MS) this.reset();
    this.#atMs = nowMs;
    this.#delays.push(delayMs);
    if (this.#delays.length > KEPT) this.#delays.shift();
  }

  /** Median, ms; undefined after fewer than three frames, and when none came for more than 2 s. */
  median(nowMs: number): number | undefined {
    if (this.#delays.length < LEAST || nowMs - this.#atMs > STALE_MS) return undefined;
    const sorted = [...this.#delays].sort((a, b) => a - b);
    const middle = sorted.length >> 1;
    const upper = sorted[middle] as number;
    return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
  }

  /** Forget them: the capture times have stepped. */
  reset(): void {
    this.#delays.length = 0;
  }
}

/**
 * When a frame was captured, ms on the clock of its `timestampUs`.
 * @throws TransportError `INVALID_DATA` when it does not say
 */
export function captureMsOf({ timestampUs }: AudioData | VideoData, nodeId: string): number {
  if (timestampUs !== undefined && Number.isFinite(timestampUs)) return timestampUs / 1000;
  const message = `timestampUs must be the time of capture, got ${timestampUs ?? "none"}`;
  throw new TransportError("INVALID_DATA", message, { nodeId });
}
