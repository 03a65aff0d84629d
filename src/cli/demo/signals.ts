// Everything that is said in a run, as one process knows it: the peers of the demo by what they tell of their blocks,
// pages by their samples, and the mixes that a bridge makes of them.
import type { CaptureLags } from "./alignment-judge.ts";
import { KnownSignal } from "./known-signal.ts";
import type { PeerPlan } from "./lineup.ts";
import { MixedReference } from "./reference.ts";
import type { MixPart, Reference } from "./reference.ts";
import { SentStream } from "./similarity.ts";
import type { Talk } from "./talk.ts";
import { SAMPLE_RATE } from "./voice.ts";

/** Findings of the bridge remembered: 8 s of them. */
const MAX_LAGS = 16;

/** What a peer has sent since it last told: three numbers for each block, see {@link SentBlock}, one after the other. */
export interface SentBlocks {
  peerId: string;
  blocks: readonly number[];
}

/** See the header. */
export class Signals {
  readonly #plans: ReadonlyMap<string, PeerPlan>;
  readonly #talk: Talk;
  readonly #clicks: boolean;
  readonly #known = new Map<string, KnownSignal>();
  readonly #pages = new Map<string, SentStream>();
  /** Oldest first. */
  readonly #lags: CaptureLags[] = [];

  constructor(peers: readonly PeerPlan[], talk: Talk, clicks: boolean) {
    this.#plans = new Map(peers.map((plan) => [plan.peerId, plan]));
    this.#talk = talk;
    this.#clicks = clicks;
  }

  /** Note what a peer of the line-up has sent. */
  sent({ peerId, blocks }: SentBlocks): void {
    const signal = this.#signal(peerId);
    for (let i = 0; i + 2 < blocks.length; i += 3) {
      const [number = 0, captureMs = 0, calledMs = 0] = blocks.slice(i, i + 3);
      signal?.note({ number, captureMs, calledMs });
    }
  }

  /** What a page has sent, to be added to. */
  page(peerId: string): SentStream {
    const known = this.#pages.get(peerId);
    if (known !== undefined) return known;
    const made = new SentStream();
    this.#pages.set(peerId, made);
    return made;
  }

  /** Forget a page that has left. */
  forget(peerId: string): void {
    this.#pages.delete(peerId);
  }

  /** Note how much later than its mixes say the bridge found each speaker's samples to be captured. */
  lagged(lags: CaptureLags): void {
    this.#lags.push(lags);
    if (this.#lags.length > MAX_LAGS) this.#lags.shift();
  }

  /**
   * What `to` should hear of `from`. Of a bridge that is the sum of all who speak but `to`, each as the bridge had it:
   * misalignment is judged at the bridge, where it can be seen one by one; here counts that everybody is there, whole,
   * as loud as they spoke, and nothing else.
   */
  reference(from: string, to: string): Reference {
    const plan = this.#plans.get(from);
    if (plan?.bridges === true) return new MixedReference((index) => this.#mixFor(to, index));
    return this.#signal(from) ?? this.page(from);
  }

  #mixFor(listener: string, index: number): MixPart[] {
    const labelMs = (index * 1000) / SAMPLE_RATE;
    const speakers = [...this.#known.entries(), ...this.#pages.entries()];
    return speakers
      .filter(([peerId]) => peerId !== listener)
      .map(([peerId, reference]) => ({
        reference,
        lag: (this.#lagMs(peerId, labelMs) * SAMPLE_RATE) / 1000,
      }));
  }

  /** Between two findings, what lies between; before the first and after the last, that. */
  #lagMs(peerId: string, labelMs: number): number {
    const known = this.#lags.filter(({ lagsMs }) => lagsMs[peerId] !== undefined);
    const after = known.findIndex((lags) => lags.labelMs > labelMs);
    // Beyond the last, both are the last.
    const low = after < 0 ? known.at(-1) : known[Math.max(0, after - 1)];
    const high = known.at(after);
    if (low === undefined || high === undefined) return 0;
    const from = low.lagsMs[peerId] ?? 0;
    const to = high.lagsMs[peerId] ?? 0;
    if (low === high) return from;
    return from + ((to - from) * (labelMs - low.labelMs)) / (high.labelMs - low.labelMs);
  }

  #signal(peerId: string): KnownSignal | undefined {
    const known = this.#known.get(peerId);
    const plan = this.#plans.get(peerId);
    if (known !== undefined || plan === undefined || plan.bridges) return known;
    const made = new KnownSignal(() => this.#talk.of(plan.index), plan.skewPpm, this.#clicks);
    this.#known.set(peerId, made);
    return made;
  }
}
