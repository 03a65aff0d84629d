// What goes into the negotiation with a peer and what comes out of it. Types only.
import type { ErrorCode } from "../errors/codes.ts";
import type { IceCandidate, LinkState } from "../platform/platform.ts";

/** Why a connection that was up has ended. */
export type EndReason =
  "user_requested" | "network_error" | "timeout" | "error" | "unknown" | "rejected" | "replaced";

/** `connectionId` names one native connection pair, `requestId` one offer/answer exchange. */
export interface Ids {
  connectionId: string;
  requestId: string;
}

/** What the machine is told: wishes, signals, and what became of the effects. */
export type NegotiationInput =
  | ({ type: "connect" } & Ids)
  | ({ type: "offer"; sdp: string } & Ids)
  | ({ type: "answer"; sdp: string } & Ids)
  | ({ type: "candidate"; candidate: IceCandidate } & Ids)
  // What the door reports of the effects asked of it.
  | { type: "local-offer"; connectionId: string; sdp: string }
  | { type: "local-answer"; connectionId: string; sdp: string }
  | { type: "answer-accepted"; connectionId: string }
  | { type: "description-forwarded"; connectionId: string }
  | { type: "attempt-failed"; connectionId: string; code: ErrorCode; message: string }
  | { type: "local-candidate"; connectionId: string; candidate: IceCandidate }
  | { type: "link-state"; connectionId: string; state: LinkState }
  | { type: "ready"; connectionId: string }
  // Ends.
  | { type: "disconnect"; reason: EndReason }
  | { type: "remote-disconnect"; connectionId: string | null; reason: EndReason };

/** What is to be done, and what became of the connection. */
export type NegotiationOutput =
  | { type: "open-link"; connectionId: string }
  | { type: "create-offer"; connectionId: string }
  | { type: "create-answer"; connectionId: string; sdp: string }
  | { type: "accept-answer"; connectionId: string; sdp: string }
  | { type: "add-candidate"; connectionId: string; candidate: IceCandidate }
  | { type: "close-link"; connectionId: string }
  | ({ type: "send-offer"; sdp: string } & Ids)
  | ({ type: "send-answer"; sdp: string } & Ids)
  | ({ type: "send-candidate"; candidate: IceCandidate } & Ids)
  | { type: "send-disconnect"; connectionId: string; reason: EndReason }
  | { type: "state"; state: NegotiationState }
  /** The connection with this id carries the traffic from now on. */
  | { type: "connected"; connectionId: string }
  /** An attempt has failed; what was connected before it stays. */
  | { type: "failed"; code: ErrorCode; message: string }
  /** What was connected is no more. */
  | { type: "ended"; reason: EndReason };

/** As seen from outside; the words of the peer's ConnectionState. */
export type NegotiationState = "new" | "gatheringIce" | "connecting" | "connected" | "failed" | "closed";

/** Counters of what was dropped and why. */
export interface NegotiationCounters {
  /** Answers, candidates and disconnects of connections that are not current. */
  staleSignals: number;
  /** Offers ignored because ours goes first. */
  glareIgnored: number;
  /** Candidates beyond the bound. */
  candidatesDropped: number;
}
