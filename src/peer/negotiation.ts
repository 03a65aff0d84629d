// Negotiation with one remote peer over one link name: offer/answer, glare, replacement, trickled candidates,
// deadlines. A machine: it never touches a connection, it says what is to be done to which.
import type { ErrorCode } from "../errors/codes.ts";
import type { IceCandidate, LinkState } from "../platform/platform.ts";
import type { Machine } from "../runtime/machine.ts";
import type {
  EndReason,
  Ids,
  NegotiationCounters,
  NegotiationInput,
  NegotiationOutput,
  NegotiationState,
} from "./negotiation-io.ts";

/** Ms until an offer must be answered; the signaling server forgets offers later than that. */
export const ANSWER_TIMEOUT_MS = 10_000;

/**
 * Ms that a connection closed by the other side is kept for the signal that says why: closing travels straight,
 * the reason through the server.
 */
export const LINGER_MS = 500;

/** Inbound candidates kept until there is a remote description; a peer has a few dozen at most. */
const MAX_WAITING_CANDIDATES = 256;

/** Whom a {@link Negotiation} speaks for and with. */
export interface NegotiationOptions {
  localId: string;
  remoteId: string;
  /** Ms that ICE, DTLS and the control channel may take; read at each attempt. */
  iceTimeoutMs: () => number;
}

type Phase = "offering" | "offered" | "accepting" | "answering" | "connecting" | "connected";

interface Attempt extends Ids {
  phase: Phase;
  readonly offerer: boolean;
  deadlineMs: number;
  /** Whether candidates may be handed to the native side. */
  remoteDescribed: boolean;
  inbound: IceCandidate[];
  /** Whether our description was forwarded, so that candidates find somebody who knows what they belong to. */
  forwarded: boolean;
  outbound: IceCandidate[];
}

/** See {@link NegotiationInput} and {@link NegotiationOutput}; the polite side is the one with the greater id. */
export class Negotiation implements Machine<NegotiationInput, NegotiationOutput> {
  readonly counters: NegotiationCounters = { staleSignals: 0, glareIgnored: 0, candidatesDropped: 0 };
  readonly #options: NegotiationOptions;
  readonly #polite: boolean;
  readonly #outputs: NegotiationOutput[] = [];
  /** The connection that carries traffic. */
  #active: Attempt | undefined;
  /** The connection in the making; becomes active when ready. */
  #pending: Attempt | undefined;
  #state: NegotiationState = "new";

  constructor(options: NegotiationOptions) {
    this.#options = options;
    // UTF-16 order, which is what `>` compares: both sides reach opposite conclusions.
    this.#polite = options.localId > options.remoteId;
  }

  get deadlineMs(): number {
    return Math.min(this.#pending?.deadlineMs ?? Infinity, this.#active?.deadlineMs ?? Infinity);
  }

  /** Whether nothing is connected and nothing under way. */
  get idle(): boolean {
    return this.#pending === undefined && this.#active === undefined;
  }

  /** Whether an attempt that this side began is under way. */
  get offering(): boolean {
    return this.#pending?.offerer === true;
  }

  /** Current state, also put out whenever it changes. */
  get state(): NegotiationState {
    return this.#state;
  }

  poll(): NegotiationOutput | undefined {
    return this.#outputs.shift();
  }

  handle(input: NegotiationInput | { readonly type: "timeout" }, nowMs: number): void {
    switch (input.type) {
      case "connect":
        return this.#connect(input, nowMs);
      case "offer":
        return this.#offer(input, nowMs);
      case "answer":
        return this.#answer(input, nowMs);
      case "candidate":
        return this.#candidate(input);
      case "disconnect":
        return this.#disconnect(input.reason);
      case "remote-disconnect":
        return this.#remoteDisconnect(input.connectionId, input.reason);
      case "timeout":
        return this.#timeout(nowMs);
      default:
        return this.#effectResult(input, nowMs);
    }
  }

  // --- what the program and the remote peer ask

  #connect(ids: Ids, nowMs: number): void {
    if (this.#pending !== undefined) return; // the attempt under way serves this caller too
    this.#begin(ids, "offering", nowMs);
    this.#put({ type: "create-offer", connectionId: ids.connectionId });
  }

  #offer(offer: { sdp: string } & Ids, nowMs: number): void {
    if (this.#known(offer.connectionId)) {
      this.counters.staleSignals++; // a repeated offer; renegotiation of a live connection is not part of this
      return;
    }
    const pending = this.#pending;
    if (pending !== undefined && !this.#polite && isUnanswered(pending)) {
      this.counters.glareIgnored++; // the other side is polite and answers ours
      return;
    }
    // Polite: ours is rolled back and theirs adopted. Past the answer it is no glare: the other side started anew.
    if (pending !== undefined) this.#put({ type: "close-link", connectionId: pending.connectionId });
    this.#begin(offer, "answering", nowMs);
    this.#put({ type: "create-answer", connectionId: offer.connectionId, sdp: offer.sdp });
  }

  #answer(answer: { sdp: string } & Ids, nowMs: number): void {
    const pending = this.#pending;
    const expected =
      pending?.phase === "offered" &&
      pending.connectionId === answer.connectionId &&
      pending.requestId === answer.requestId;
    if (pending === undefined || !expected) {
      this.counters.staleSignals++;
      return;
    }
    pending.phase = "accepting";
    pending.deadlineMs = nowMs + this.#options.iceTimeoutMs();
    // Whoever answers has seen the offer: our candidates need not wait for the server's receipt.
    this.#releaseOutbound(pending);
    this.#put({ type: "accept-answer", connectionId: answer.connectionId, sdp: answer.sdp });
  }

  #candidate(input: { candidate: IceCandidate } & Ids): void {
    const attempt = this.#find(input.connectionId);
    if (attempt === undefined) {
      this.counters.staleSignals++;
      return;
    }
    if (attempt.remoteDescribed) {
      this.#put({ type: "add-candidate", connectionId: attempt.connectionId, candidate: input.candidate });
    } else if (attempt.inbound.length < MAX_WAITING_CANDIDATES) {
      attempt.inbound.push(input.candidate);
    } else {
      this.counters.candidatesDropped++;
    }
  }

  #disconnect(reason: EndReason): void {
    const attempts = [this.#pending, this.#active];
    const wasActive = this.#active !== undefined;
    const wasPending = this.#pending !== undefined;
    this.#pending = undefined;
    this.#active = undefined;
    for (const attempt of attempts) {
      if (attempt === undefined) continue;
      this.#put({ type: "send-disconnect", connectionId: attempt.connectionId, reason });
      this.#put({ type: "close-link", connectionId: attempt.connectionId });
    }
    if (wasPending && !wasActive) {
      this.#put({ type: "failed", code: "CONNECTION_FAILED", message: "the connection was given up here" });
    }
    if (wasActive) this.#put({ type: "ended", reason });
    this.#become("closed");
  }

  #remoteDisconnect(connectionId: string | null, reason: EndReason): void {
    if (connectionId !== null && !this.#known(connectionId)) {
      this.counters.staleSignals++;
      return;
    }
    const pending = this.#pending;
    if (pending !== undefined && (connectionId === null || pending.connectionId === connectionId)) {
      const rejected = reason === "rejected";
      this.#failPending(
        rejected ? "PEER_REJECTED" : "CONNECTION_FAILED",
        rejected ? "the peer refused the connection" : `the peer ended the attempt (${reason})`,
        undefined,
      );
    }
    const active = this.#active;
    if (active !== undefined && (connectionId === null || active.connectionId === connectionId)) {
      this.#endActive(reason, undefined);
    }
  }

  // --- what became of the effects

  #effectResult(input: Exclude<NegotiationInput, { type: RequestType }>, nowMs: number): void {
    const attempt = this.#find(input.connectionId);
    if (attempt === undefined) return; // of a connection closed meanwhile
    switch (input.type) {
      case "local-offer":
        attempt.phase = "offered";
        attempt.deadlineMs = nowMs + ANSWER_TIMEOUT_MS;
        this.#put({ type: "send-offer", ...ids(attempt), sdp: input.sdp });
        return this.#become(this.#active === undefined ? "connecting" : "connected");
      case "local-answer":
        attempt.phase = "connecting";
        attempt.deadlineMs = nowMs + this.#options.iceTimeoutMs();
        this.#put({ type: "send-answer", ...ids(attempt), sdp: input.sdp });
        return this.#describedRemotely(attempt);
      case "answer-accepted":
        attempt.phase = "connecting";
        return this.#describedRemotely(attempt);
      case "description-forwarded":
        return this.#releaseOutbound(attempt);
      case "local-candidate":
        if (attempt.forwarded)
          this.#put({ type: "send-candidate", ...ids(attempt), candidate: input.candidate });
        else attempt.outbound.push(input.candidate);
        return;
      case "attempt-failed":
        if (attempt !== this.#pending) return;
        // Trying again would change nothing.
        return this.#failPending(
          input.code,
          input.message,
          input.code === "CODEC_MISMATCH" ? "rejected" : "error",
        );
      case "link-state":
        return this.#linkState(attempt, input.state, nowMs);
      case "ready":
        return this.#ready(attempt);
    }
  }

  #describedRemotely(attempt: Attempt): void {
    attempt.remoteDescribed = true;
    for (const candidate of attempt.inbound.splice(0)) {
      this.#put({ type: "add-candidate", connectionId: attempt.connectionId, candidate });
    }
  }

  #releaseOutbound(attempt: Attempt): void {
    attempt.forwarded = true;
    for (const candidate of attempt.outbound.splice(0)) {
      this.#put({ type: "send-candidate", ...ids(attempt), candidate });
    }
  }

  #linkState(attempt: Attempt, state: LinkState, nowMs: number): void {
    if (state !== "failed" && state !== "closed") return;
    if (attempt === this.#active) {
      if (state === "failed") return this.#endActive("network_error", "network_error");
      attempt.deadlineMs = Math.min(attempt.deadlineMs, nowMs + LINGER_MS);
      return;
    }
    const code = state === "failed" ? "NAT_TRAVERSAL_FAILED" : "CONNECTION_FAILED";
    this.#failPending(code, `the connection ${state} before it was up`, "network_error");
  }

  #ready(attempt: Attempt): void {
    if (attempt !== this.#pending) return;
    const replaced = this.#active;
    this.#pending = undefined;
    this.#active = attempt;
    attempt.phase = "connected";
    attempt.deadlineMs = Infinity;
    this.#put({ type: "connected", connectionId: attempt.connectionId });
    if (replaced !== undefined) this.#put({ type: "close-link", connectionId: replaced.connectionId });
    this.#become("connected");
  }

  #timeout(nowMs: number): void {
    if (this.#active !== undefined && nowMs >= this.#active.deadlineMs) {
      this.#endActive("network_error", "network_error");
    }
    const pending = this.#pending;
    if (pending === undefined || nowMs < pending.deadlineMs) return;
    const described = pending.phase === "accepting" || pending.phase === "connecting";
    if (described) {
      this.#failPending("NAT_TRAVERSAL_FAILED", "no path to the peer was found in time", "timeout");
    } else {
      this.#failPending("OPERATION_TIMEOUT", "the peer did not answer the offer in time", "timeout");
    }
  }

  // --- transitions

  #begin({ connectionId, requestId }: Ids, phase: Phase, nowMs: number): void {
    this.#pending = {
      connectionId,
      requestId,
      phase,
      offerer: phase === "offering",
      deadlineMs: nowMs + ANSWER_TIMEOUT_MS,
      remoteDescribed: false,
      inbound: [],
      forwarded: false,
      outbound: [],
    };
    this.#put({ type: "open-link", connectionId });
    if (this.#active === undefined) this.#become(phase === "offering" ? "gatheringIce" : "connecting");
  }

  // `tell`: the reason the other side is given; undefined when it knows already.
  #failPending(code: ErrorCode, message: string, tell: EndReason | undefined): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    if (tell !== undefined) {
      this.#put({ type: "send-disconnect", connectionId: pending.connectionId, reason: tell });
    }
    this.#put({ type: "close-link", connectionId: pending.connectionId });
    this.#put({ type: "failed", code, message });
    if (this.#active === undefined) this.#become("failed");
  }

  #endActive(reason: EndReason, tell: EndReason | undefined): void {
    const active = this.#active;
    if (active === undefined) return;
    this.#active = undefined;
    if (tell !== undefined) {
      this.#put({ type: "send-disconnect", connectionId: active.connectionId, reason: tell });
    }
    this.#put({ type: "close-link", connectionId: active.connectionId });
    this.#put({ type: "ended", reason });
    this.#become(this.#pending === undefined ? "closed" : "connecting");
  }

  #find(connectionId: string): Attempt | undefined {
    return [this.#pending, this.#active].find((attempt) => attempt?.connectionId === connectionId);
  }

  #known(connectionId: string): boolean {
    return this.#find(connectionId) !== undefined;
  }

  #become(state: NegotiationState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#put({ type: "state", state });
  }

  #put(output: NegotiationOutput): void {
    this.#outputs.push(output);
  }
}

type RequestType = "connect" | "offer" | "answer" | "candidate" | "disconnect" | "remote-disconnect";

function ids({ connectionId, requestId }: Attempt): Ids {
  return { connectionId, requestId };
}

function isUnanswered(attempt: Attempt): boolean {
  return attempt.phase === "offering" || attempt.phase === "offered";
}
