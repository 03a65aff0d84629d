// All that is measured in a run: who sent what, who received it, how well. One code for the peers of this
// process and for those in pages. Time is ms of the run.
import { percentile } from "./report.ts";
import type { PairCounters, PairRow } from "./report.ts";
import { PairTracker, SentStream } from "./similarity.ts";

/** A window per pair this often, in ms, when there are few pairs. */
const SHORTEST_INTERVAL_MS = 400;
/** Windows judged per second over all pairs: at 1 ms each, about a tenth of a core. */
const WINDOWS_PER_S = 100;
/** Windows judged per tick: pairs connect together, but their windows must not stop the process together. */
const WINDOWS_PER_TICK = 5;
/**
 * Searches for a lost delay, over all pairs: so many at once, and then per second. At 3 ms each, measuring never
 * becomes the load that makes what it measures worse.
 */
const SEARCH_BURST = 100;
const SEARCHES_PER_S = 12;
/** Directed pairs measured at most: ten peers of the demo and ten of pages would make more, and more CPU. */
const MAX_PAIRS = 240;
/** The live table shows the newest so many windows and frames; the report all that are kept. */
const LIVE_WINDOWS = 15;
const LIVE_FRAMES = 500;

const NO_COUNTERS: PairCounters = { packets: 0, lost: 0, concealed: 0, bufferDelayMs: 0 };

interface Pair {
  from: string;
  to: string;
  tracker: PairTracker;
  counters: PairCounters;
}

/** Where blocks and counters are noted and rows are read. */
export class Measurement {
  readonly #senders = new Map<string, SentStream>();
  readonly #pairs = new Map<string, Pair>();
  #searches = SEARCH_BURST;
  #lastTickMs = 0;
  #turn = 0;

  /**
   * `peerId` handed `samples` (mono, 48 kHz) to its transport, after leaving out `missing` ones.
   *
   * @returns their place on the run's clock
   */
  sent(peerId: string, samples: Float32Array, calledMs: number, missing = 0): number {
    return this.#sender(peerId).push(samples, calledMs, missing);
  }

  /** `to` and `from` are connected: from now on something must be heard. Repeating it changes nothing. */
  connected(from: string, to: string, nowMs: number): void {
    const key = pairKey(from, to);
    if (this.#pairs.has(key) || this.#pairs.size >= MAX_PAIRS || from === to) return;
    const tracker = new PairTracker(this.#sender(from), nowMs, SHORTEST_INTERVAL_MS);
    this.#pairs.set(key, { from, to, tracker, counters: NO_COUNTERS });
    const intervalMs = Math.max(SHORTEST_INTERVAL_MS, (1000 * this.#pairs.size) / WINDOWS_PER_S);
    for (const pair of this.#pairs.values()) pair.tracker.intervalMs = intervalMs;
  }

  /**
   * `to` was handed a block that `from` had sent.
   *
   * @param missing samples missing before it
   * @returns its place on the run's clock; undefined for a pair that is not connected
   */
  received(
    from: string,
    to: string,
    samples: Float32Array,
    deliveredMs: number,
    missing: number,
  ): number | undefined {
    return this.#pairs.get(pairKey(from, to))?.tracker.received(samples, deliveredMs, missing);
  }

  /** What the transport of `to` counts about `from`. */
  counted(from: string, to: string, counters: PairCounters): void {
    const pair = this.#pairs.get(pairKey(from, to));
    if (pair !== undefined) pair.counters = counters;
  }

  /** `peerId` has left: its pairs are no longer expected. */
  left(peerId: string): void {
    this.#senders.delete(peerId);
    for (const [key, pair] of this.#pairs) {
      if (pair.from === peerId || pair.to === peerId) this.#pairs.delete(key);
    }
  }

  /** Judge some of the windows that are due; call every 50 ms. */
  tick(nowMs: number): void {
    const earned = ((nowMs - this.#lastTickMs) * SEARCHES_PER_S) / 1000;
    this.#lastTickMs = nowMs;
    this.#searches = Math.min(SEARCH_BURST, this.#searches + earned);
    const maySearch = (): boolean => {
      if (this.#searches < 1) return false;
      this.#searches--;
      return true;
    };
    const pairs = [...this.#pairs.values()];
    let windows = 0;
    for (let i = 0; i < pairs.length && windows < WINDOWS_PER_TICK; i++) {
      // The next tick goes on with the pair behind the last one looked at, so that each has its turn.
      this.#turn = (this.#turn + 1) % pairs.length;
      if (pairs[this.#turn]?.tracker.tick(nowMs, maySearch) === true) windows++;
    }
  }

  /** One row per directed pair, by receiver, then sender. `live`: of the last seconds instead of the run. */
  rows(live = false): PairRow[] {
    const rows = [...this.#pairs.values()].map(({ from, to, tracker, counters }) => ({
      from,
      to,
      ...counters,
      latencyMsP95: percentile(live ? tracker.latenciesMs.slice(-LIVE_FRAMES) : tracker.latenciesMs, 0.95),
      similarity: percentile(live ? tracker.similarities.slice(-LIVE_WINDOWS) : tracker.similarities, 0.5),
    }));
    return rows.sort((a, b) => compare(a.to, b.to) || compare(a.from, b.from));
  }

  #sender(peerId: string): SentStream {
    const known = this.#senders.get(peerId);
    if (known !== undefined) return known;
    const made = new SentStream();
    this.#senders.set(peerId, made);
    return made;
  }
}

function pairKey(from: string, to: string): string {
  return `${from}>${to}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
