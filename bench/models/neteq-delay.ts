// The target delay of libwebrtc's NetEq, as a model written from its description: what our own is measured against.
// It is a policy for playTrace, so model and ours run through the same buffer and the same books. That flatters the
// model a little: its target takes effect at once in both directions, where NetEq itself reaches a new target only
// through time-scaling, and packets wait until they are due in exact time, not in ticks of 10 ms.
import { sequenceDistance, tickDistance } from "../../src/wasm/rtp-clock.ts";
import type { PolicyArrival, TargetPolicy } from "../../src/cli/replay/playback.ts";

const START_DELAY_MS = 80;
const BASE_WINDOW_MS = 2000;
const INTERVAL_MS = 500;
const BUCKETS = 100;
const BUCKET_MS = 20;
const QUANTILE = 0.95;
const FORGET = 0.983;
const REORDER_FORGET = 0.9993;
const START_WEIGHT = 2;
const MS_PER_LOSS_PERCENT = 20;

/** NetEq's default parameters. No bounds: the buffer's own are what limits the target. */
export function netEqPolicy(): TargetPolicy {
  const transits = new WindowedTransits();
  const underruns = new Histogram(FORGET);
  const reorders = new Histogram(REORDER_FORGET);
  let highest: number | undefined;
  let intervalStartMs: number | undefined;
  let largestMs = 0;
  let underrunDelayMs = START_DELAY_MS;

  return (arrival) => {
    const delayMs = transits.relativeDelayMs(arrival);
    const { sequenceNumber, arrivalMs } = arrival;
    const reordered = highest !== undefined && sequenceDistance(sequenceNumber, highest) < 0;
    if (!reordered) {
      highest = sequenceNumber;
      intervalStartMs ??= arrivalMs;
      if (arrivalMs - intervalStartMs > INTERVAL_MS) {
        underruns.add(Math.floor(largestMs / BUCKET_MS));
        underrunDelayMs = (1 + underruns.quantile(QUANTILE)) * BUCKET_MS;
        intervalStartMs = arrivalMs;
        largestMs = 0;
      }
      largestMs = Math.max(largestMs, delayMs);
    }
    reorders.add(reordered ? Math.floor(delayMs / BUCKET_MS) : 0);
    return Math.max(underrunDelayMs, (1 + cheapest(reorders, underrunDelayMs)) * BUCKET_MS);
  };
}

// The bucket at which delay beyond `freeMs`, which is spent anyhow, and loss together cost least.
function cheapest(reorders: Histogram, freeMs: number): number {
  let missing = 1;
  let least = { cost: Infinity, index: 0 };
  reorders.shares.forEach((share, index) => {
    missing -= share;
    const delayMs = Math.max(0, index * BUCKET_MS - freeMs);
    const cost = delayMs + 100 * MS_PER_LOSS_PERCENT * missing;
    if (cost < least.cost) least = { cost, index };
  });
  return least.index;
}

/** Shares of buckets, older ones weighing less; what is added first weighs most until the start is over. */
class Histogram {
  /** Of all; they add up to 1. */
  readonly shares = Array.from({ length: BUCKETS }, (_, index) => 2 ** -(index + 1));
  readonly #forget: number;
  #factor = 0;
  #added = 0;

  constructor(forget: number) {
    this.#forget = forget;
  }

  add(index: number): void {
    if (index >= BUCKETS) return;
    for (let i = 0; i < BUCKETS; i++) this.shares[i] = (this.shares[i] as number) * this.#factor;
    this.shares[index] = (this.shares[index] as number) + 1 - this.#factor;
    this.#added++;
    this.#factor = Math.max(0, Math.min(this.#forget, 1 - START_WEIGHT / (this.#added + 1)));
  }

  quantile(probability: number): number {
    let beyond = 1 - (this.shares[0] as number);
    let index = 0;
    // As there the sum is taken downwards; an error of rounding must not count for a bucket.
    while (beyond > 1 - probability + 1e-9 && index < BUCKETS - 1) beyond -= this.shares[++index] as number;
    return index;
  }
}

/** Delay of every packet above the fastest of the last two seconds. */
class WindowedTransits {
  /** Rising in both: the first is the least of the window. */
  readonly #candidates: { arrivalMs: number; transitMs: number }[] = [];
  #last: { rtpTimestamp: number; mediaMs: number } | undefined;

  relativeDelayMs({ arrivalMs, rtpTimestamp, clockRate }: PolicyArrival): number {
    const last = this.#last ?? { rtpTimestamp, mediaMs: 0 };
    const mediaMs = last.mediaMs + (tickDistance(rtpTimestamp, last.rtpTimestamp) * 1000) / clockRate;
    this.#last = { rtpTimestamp, mediaMs };
    const transitMs = arrivalMs - mediaMs;
    const candidates = this.#candidates;
    while ((candidates.at(-1)?.transitMs ?? -Infinity) >= transitMs) candidates.pop();
    candidates.push({ arrivalMs, transitMs });
    while ((candidates[0] as { arrivalMs: number }).arrivalMs < arrivalMs - BASE_WINDOW_MS)
      candidates.shift();
    return transitMs - (candidates[0] as { transitMs: number }).transitMs;
  }
}
