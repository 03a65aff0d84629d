// What a session counts: frames in, out and dropped, by kind, by peer and by reason, and errors. Numbers only.
import { KINDS } from "../pipeline/node.ts";
import type { Kind } from "../pipeline/node.ts";
import type { SessionState } from "./session-events.ts";

/** Why something did not go on. */
export type DropReason =
  /** Came faster than the pipeline worked; or outputs were made faster than read or delivered. */
  | "full"
  /** Coded pictures that build on one that was dropped. */
  | "awaitingKeyframe"
  /** Media while paused. */
  | "paused"
  /** A kind that no first node of the pipeline takes, or data of the wrong shape. */
  | "refused"
  /** Waited for a peer that was detached, or when the session was aborted. */
  | "ended"
  /** An output that no route names. */
  | "unrouted"
  /** A peer could not be reached. */
  | "undelivered";

/** Frames, or messages, since the session began. */
export interface FrameCounts {
  readonly framesIn: number;
  readonly framesOut: number;
  readonly framesDropped: number;
}

type Counts = { -readonly [Name in keyof FrameCounts]: FrameCounts[Name] };

/** A copy of all counters. */
export interface SessionCounts extends FrameCounts {
  /** Errors of nodes. */
  readonly errors: number;
  readonly kinds: Readonly<Record<Kind, FrameCounts>>;
  /** Of attached peers: what came from them, went to them, and was dropped of either. */
  readonly peers: Readonly<Record<string, FrameCounts>>;
  readonly drops: Readonly<Record<DropReason, number>>;
}

/** A snapshot of what a session has done; frozen. */
export interface SessionMetrics<NodeFigures = unknown> extends SessionCounts {
  readonly sessionId: string;
  readonly state: SessionState;
  /** Inputs that wait to enter the pipeline. */
  readonly queuedInputs: number;
  /** Outputs that wait for the program to read them. */
  readonly queuedOutputs: number;
  /** Outputs on their way to peers. */
  readonly queuedDeliveries: number;
  /** By node id. */
  readonly nodes: Readonly<Record<string, NodeFigures>>;
}

const REASONS = [
  "full",
  "awaitingKeyframe",
  "paused",
  "refused",
  "ended",
  "unrouted",
  "undelivered",
] as const satisfies DropReason[];

/** See the header. */
export class SessionCounters {
  #errors = 0;
  readonly #all = zero();
  readonly #kinds = Object.fromEntries(KINDS.map((kind) => [kind, zero()])) as Record<Kind, Counts>;
  readonly #peers = new Map<string, Counts>();
  readonly #drops = Object.fromEntries(REASONS.map((reason) => [reason, 0])) as Record<DropReason, number>;

  /** Count a peer from now on. */
  attach(peerId: string): void {
    if (!this.#peers.has(peerId)) this.#peers.set(peerId, zero());
  }

  /** Whether a peer is counted. */
  has(peerId: string): boolean {
    return this.#peers.has(peerId);
  }

  detach(peerId: string): void {
    this.#peers.delete(peerId);
  }

  input(kind: Kind, peerId?: string): void {
    this.#add("framesIn", kind, peerId);
  }

  /** An output of the pipeline, once whoever gets it. */
  output(kind: Kind): void {
    this.#add("framesOut", kind);
  }

  /** An output has reached a peer. */
  delivered(peerId: string): void {
    const peer = this.#peers.get(peerId);
    if (peer !== undefined) peer.framesOut++;
  }

  /** @param peerId where it came from or was to go; undefined for the program */
  dropped(reason: DropReason, kind: Kind, peerId?: string): void {
    this.#drops[reason]++;
    this.#add("framesDropped", kind, peerId);
  }

  /** Something of a peer has not been let in. @param kind undefined where it has none */
  refused(peerId: string, kind?: Kind): void {
    this.#drops.refused++;
    this.#all.framesDropped++;
    if (kind !== undefined) this.#kinds[kind].framesDropped++;
    const peer = this.#peers.get(peerId);
    if (peer !== undefined) peer.framesDropped++;
  }

  error(): void {
    this.#errors++;
  }

  snapshot(): SessionCounts {
    const copies = (entries: Iterable<[string, Counts]>): Record<string, FrameCounts> =>
      Object.fromEntries(Array.from(entries, ([name, counts]) => [name, Object.freeze({ ...counts })]));
    return {
      ...this.#all,
      errors: this.#errors,
      kinds: Object.freeze(copies(Object.entries(this.#kinds)) as Record<Kind, FrameCounts>),
      peers: Object.freeze(copies(this.#peers)),
      drops: Object.freeze({ ...this.#drops }),
    };
  }

  #add(name: keyof FrameCounts, kind: Kind, peerId?: string): void {
    this.#all[name]++;
    this.#kinds[kind][name]++;
    const peer = peerId === undefined ? undefined : this.#peers.get(peerId);
    if (peer !== undefined) peer[name]++;
  }
}

function zero(): Counts {
  return { framesIn: 0, framesOut: 0, framesDropped: 0 };
}
