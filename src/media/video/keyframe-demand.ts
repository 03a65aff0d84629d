// Who wants a keyframe of one encoder, and when it is told: the wishes of all receivers, new ones and old, become few
// keyframes, and none is forgotten. Encodes and sends nothing.
import type { Machine } from "../../runtime/machine.ts";

/** Between two demands lie at least this, ms: a keyframe costs the path many times what other frames do. */
const INTERVAL_MS = 300;

/** A demand that no keyframe answered is repeated after this, ms. */
const ANSWER_MS = 1000;

/** Sources of one peer whose requests are told apart; more of them share the oldest one's place. */
const MAX_SOURCES = 8;

/** What a {@link KeyframeDemand} is told. */
export type KeyframeDemandInput =
  /** A receiver cannot decode (PLI, RFC 4585 section 6.3.1). */
  | { type: "pli" }
  /** A receiver wants a keyframe (FIR, RFC 5104 section 4.3.1), and says the same again until it comes. */
  | { type: "fir"; peerId: string; senderSsrc: number; sequenceNumber: number }
  /** Somebody has come, or moved here from another encoder. */
  | { type: "joined" }
  /** A peer is gone; its requests may begin anew. */
  | { type: "left"; peerId: string }
  /** The encoder has made a keyframe, on demand or not. */
  | { type: "encoded" };

/** What a {@link KeyframeDemand} yields: the next picture has to become a keyframe. */
export interface KeyframeDemandOutput {
  type: "keyframe";
}

/** Counters of a {@link KeyframeDemand}. */
export interface KeyframeDemandCounters {
  plis: number;
  /** New requests. */
  firs: number;
  /** Requests that said the same as the last one of their source. */
  repeatedFirs: number;
  joins: number;
  /** Keyframes demanded of the encoder. */
  demands: number;
}

/** The machine of one encoder's keyframes. */
export class KeyframeDemand implements Machine<KeyframeDemandInput, KeyframeDemandOutput> {
  readonly #counters: KeyframeDemandCounters = { plis: 0, firs: 0, repeatedFirs: 0, joins: 0, demands: 0 };
  /** Last FIR of each source of each peer. */
  readonly #firs = new Map<string, Map<number, number>>();
  #outputs = 0;
  #lastMs = -Infinity;
  #dueMs = Infinity;

  get deadlineMs(): number {
    return this.#dueMs;
  }

  get counters(): KeyframeDemandCounters {
    return { ...this.#counters };
  }

  handle(input: KeyframeDemandInput | { readonly type: "timeout" }, nowMs: number): void {
    switch (input.type) {
      case "pli":
        this.#counters.plis++;
        this.#want(nowMs);
        break;
      case "fir":
        if (this.#isNew(input.peerId, input.senderSsrc, input.sequenceNumber)) this.#want(nowMs);
        break;
      case "joined":
        this.#counters.joins++;
        this.#want(nowMs);
        break;
      case "left":
        this.#firs.delete(input.peerId);
        break;
      case "encoded":
        this.#lastMs = nowMs;
        this.#dueMs = Infinity;
        break;
      case "timeout":
        break;
    }
    if (nowMs < this.#dueMs) return;
    this.#lastMs = nowMs;
    this.#dueMs = nowMs + ANSWER_MS;
    this.#counters.demands++;
    this.#outputs++;
  }

  poll(): KeyframeDemandOutput | undefined {
    if (this.#outputs === 0) return undefined;
    this.#outputs--;
    return { type: "keyframe" };
  }

  /** A demand that has not been answered answers this wish too. */
  #want(nowMs: number): void {
    if (this.#dueMs === Infinity) this.#dueMs = Math.max(nowMs, this.#lastMs + INTERVAL_MS);
  }

  #isNew(peerId: string, senderSsrc: number, sequenceNumber: number): boolean {
    let sources = this.#firs.get(peerId);
    if (sources === undefined) this.#firs.set(peerId, (sources = new Map<number, number>()));
    if (sources.get(senderSsrc) === sequenceNumber) {
      this.#counters.repeatedFirs++;
      return false;
    }
    if (!sources.has(senderSsrc) && sources.size >= MAX_SOURCES) {
      const [oldest] = sources.keys();
      if (oldest !== undefined) sources.delete(oldest);
    }
    sources.set(senderSsrc, sequenceNumber);
    this.#counters.firs++;
    return true;
  }
}
