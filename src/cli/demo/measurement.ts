// All that is measured in a process of a run: who of its peers, or of the pages, received whom, how well. One code for
// both. Time is ms of the run.
import type { Reference } from "./reference.ts";
import { percentile } from "./numbers.ts";
import type { PairCounters, PairRow } from "./report.ts";
import { PairTracker } from "./similarity.ts";

/** A window per pair this often, in ms, when there are few pairs. */
const SHORTEST_INTERVAL_MS = 400;
/** Windows judged per second over all pairs of a run: at 1 ms each, about a tenth of a core. */
const WINDOWS_PER_S = 100;
/** Where so many peers talk that they are spread over processes, the media need the time more. */
const WINDOWS_PER_S_SPREAD = 40;
/** Windows judged per tick: pairs connect together, but their windows must not stop the process together. */
const WINDOWS_PER_TICK = 5;
/**
 * Searches for a lost delay, over all pairs of a run: so many at once, and then per second. At 3 ms each, measuring never
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

/** Mono audio at 48 kHz that one peer was handed of another. */
export interface ReceivedBlock {
  from: string;
  to: string;
  /** Belong to the callee. */
  samples: Float32Array;
  deliveredMs: number;
  /** Samples missing before it. */
  missing: number;
  /** True time at which its first sample is said to have been captured; undefined: nothing is said. */
  labelMs?: number | undefined;
  /** How fast the sender's clock is said to run, against the receiver's; undefined: nothing is said. */
  driftPpm?: number | undefined;
  /** How long its packet lay in the jitter buffer; undefined: nothing is said. */
  bufferMs?: number | undefined;
}

/** How a {@link Measurement} judges. */
export interface MeasurementOptions {
  /** What `to` should hear of `from`. */
  reference: (from: string, to: string) => Reference;
  /** In how many processes a run is measured: its windows are shared among them. Default 1. */
  processes?: number;
  /** From the connection of a pair on, its capture times are judged after so long. Default 0. */
  settleMs?: number;
}

interface Pair {
  from: string;
  to: string;
  connectedMs: number;
  tracker: PairTracker;
  counters: PairCounters;
  driftPpm: number | null;
}

/** Where blocks and counters are noted and rows are read. */
export class Measurement {
  readonly #reference: (from: string, to: string) => Reference;
  readonly #windowsPerS: number;
  readonly #processes: number;
  readonly #settleMs: number;
  readonly #pairs = new Map<string, Pair>();
  #searches: number;
  #lastTickMs = 0;
  #turn = 0;

  constructor({ reference, processes = 1, settleMs = 0 }: MeasurementOptions) {
    this.#reference = reference;
    this.#windowsPerS = (processes > 1 ? WINDOWS_PER_S_SPREAD : WINDOWS_PER_S) / processes;
    this.#processes = processes;
    this.#searches = SEARCH_BURST / processes;
    this.#settleMs = settleMs;
  }

  /** `to` and `from` are connected: from now on something must be heard. Repeating it changes nothing. */
  connected(from: string, to: string, nowMs: number): void {
    const key = pairKey(from, to);
    if (this.#pairs.has(key) || this.#pairs.size >= MAX_PAIRS || from === to) return;
    const tracker = new PairTracker(this.#reference(from, to), nowMs, SHORTEST_INTERVAL_MS);
    const pair = { from, to, connectedMs: nowMs, tracker, counters: NO_COUNTERS, driftPpm: null };
    this.#pairs.set(key, pair);
    const intervalMs = Math.max(SHORTEST_INTERVAL_MS, (1000 * this.#pairs.size) / this.#windowsPerS);
    for (const each of this.#pairs.values()) each.tracker.intervalMs = intervalMs;
  }

  /** Note a block. @returns its place on the run's clock; undefined for a pair that is not connected */
  received(block: ReceivedBlock): number | undefined {
    const { from, to, deliveredMs, driftPpm } = block;
    const pair = this.#pairs.get(pairKey(from, to));
    if (pair === undefined) return undefined;
    if (driftPpm !== undefined) pair.driftPpm = driftPpm;
    return pair.tracker.received(block, deliveredMs >= pair.connectedMs + this.#settleMs);
  }

  /** What the transport of `to` counts about `from`; the drift, unless blocks tell it. */
  counted(
    from: string,
    to: string,
    { driftPpm, ...counters }: PairCounters & { driftPpm?: number | null },
  ): void {
    const pair = this.#pairs.get(pairKey(from, to));
    if (pair === undefined) return;
    pair.counters = counters;
    if (driftPpm !== undefined) pair.driftPpm = driftPpm;
  }

  /** `peerId` has left: its pairs are no longer expected. */
  left(peerId: string): void {
    for (const [key, pair] of this.#pairs) {
      if (pair.from === peerId || pair.to === peerId) this.#pairs.delete(key);
    }
  }

  /** Judge some of the windows that are due; call every 50 ms. */
  tick(nowMs: number): void {
    const earned = ((nowMs - this.#lastTickMs) * SEARCHES_PER_S) / 1000 / this.#processes;
    this.#lastTickMs = nowMs;
    this.#searches = Math.min(SEARCH_BURST / this.#processes, this.#searches + earned);
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
    const rows = [...this.#pairs.values()].map(({ from, to, tracker, counters, driftPpm }) => {
      const latest = (values: readonly number[], count: number): readonly number[] =>
        live ? values.slice(-count) : values;
      return {
        from,
        to,
        ...counters,
        latencyMsP95: percentile(latest(tracker.latenciesMs, LIVE_FRAMES), 0.95),
        beyondBufferMsP95: percentile(latest(tracker.beyondBufferMs, LIVE_FRAMES), 0.95),
        similarity: percentile(latest(tracker.similarities, LIVE_WINDOWS), 0.5),
        driftPpm,
        captureErrorUs: percentile(latest(tracker.captureErrorsUs, LIVE_FRAMES), 0.5),
      };
    });
    return sortRows(rows);
  }
}

/** By receiver, then sender. */
export function sortRows<Row extends { from: string; to: string }>(rows: Row[]): Row[] {
  return rows.sort((a, b) => compare(a.to, b.to) || compare(a.from, b.from));
}

function pairKey(from: string, to: string): string {
  return `${from}>${to}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
