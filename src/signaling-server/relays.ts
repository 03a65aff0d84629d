// The methods that pass a message on to another peer of the room: descriptions, candidates, the end of a connection.
import type { JsonObject } from "../runtime/data.ts";
import { candidateParams, check, descriptionParams, disconnectParams } from "../signaling/messages.ts";
import type { Checked } from "../signaling/messages.ts";
import { encodeNotification, utf8Bytes } from "../signaling/rpc.ts";
import { done, failed, invalidParams } from "./outcome.ts";
import type { MethodContext, Outcome } from "./outcome.ts";
import type { Registration, Rooms } from "./rooms.ts";

/** `peer.offer` and `peer.answer`. */
export function relayDescription(
  context: MethodContext,
  self: Registration,
  params: unknown,
  type: "offer" | "answer",
): Outcome {
  const checked = withoutSelf(self, check(descriptionParams, params));
  if (!checked.ok) return invalidParams(checked.faults);
  const { rooms, limits, nowMs } = context;
  const { to, sdp, link, request_id: requestId } = checked.value;
  const kind = type === "offer" ? "OFFER_INVALID" : "ANSWER_INVALID";
  const fault = sdpFault(sdp, limits.sdpBytes);
  if (fault !== undefined) {
    return failed({ kind, message: "sdp is not a session description", data: { reason: fault } });
  }
  const target = rooms.find(self.room, to);
  if (target === undefined) return peerNotFound(to);
  if (type === "offer") {
    const refused = rooms.checkOffer(self, target, link, requestId, nowMs);
    if (refused !== undefined) return failed(refused);
  } else if (!rooms.takeOffer(target, self, requestId, nowMs)) {
    const data = { reason: "no_matching_offer" };
    return failed({ kind, message: "no offer with this request_id waits for an answer", data });
  }
  if (!forward(rooms, self, target, `peer.${type}`, checked.value)) return peerNotFound(to);
  if (type === "offer") rooms.placeOffer(self, target, link, requestId, nowMs);
  return done({ status: "forwarded", request_id: requestId });
}

/** `peer.ice_candidate`. */
export function relayCandidate(context: MethodContext, self: Registration, params: unknown): Outcome {
  const checked = withoutSelf(self, check(candidateParams, params));
  if (!checked.ok) return invalidParams(checked.faults);
  const { to, candidate, sdp_mid, sdp_m_line_index } = checked.value;
  const hasMedium = typeof sdp_mid === "string" || typeof sdp_m_line_index === "number";
  const reason = candidateFault(candidate, hasMedium, context.limits.candidateBytes);
  if (reason !== undefined) {
    const message = "the candidate cannot be used";
    return failed({ kind: "ICE_CANDIDATE_INVALID", message, data: { reason } });
  }
  return relay(context, self, to, "peer.ice_candidate", checked.value);
}

/** `peer.disconnect`, which arrives as `peer.disconnected`. */
export function relayDisconnect(context: MethodContext, self: Registration, params: unknown): Outcome {
  const checked = withoutSelf(self, check(disconnectParams, params));
  if (!checked.ok) return invalidParams(checked.faults);
  return relay(context, self, checked.value.to, "peer.disconnected", checked.value);
}

function relay(
  { rooms }: MethodContext,
  self: Registration,
  to: string,
  method: string,
  members: object,
): Outcome {
  const target = rooms.find(self.room, to);
  if (target === undefined || !forward(rooms, self, target, method, members)) return peerNotFound(to);
  return done({ status: "forwarded" });
}

/** Pass the known members on; whatever else the sender put there stays behind. */
function forward(
  rooms: Rooms,
  self: Registration,
  target: Registration,
  method: string,
  members: object,
): boolean {
  const params = { from: self.peerId, ...members } as JsonObject;
  return rooms.deliver(target, encodeNotification(method, params));
}

function sdpFault(sdp: string, maxBytes: number): string | undefined {
  if (utf8Bytes(sdp) > maxBytes) return "too_large";
  if (!/^v=0\r?\n/.test(sdp)) return "missing_v";
  return /^m=/m.test(sdp) ? undefined : "missing_m";
}

function withoutSelf<T extends { to: string }>(self: Registration, checked: Checked<T>): Checked<T> {
  if (!checked.ok || checked.value.to !== self.peerId) return checked;
  return { ok: false, faults: [{ path: "to", reason: "expected another peer than the sender" }] };
}

function peerNotFound(peerId: string): Outcome {
  const message = "there is no such peer in this room";
  return failed({ kind: "PEER_NOT_FOUND", message, data: { peer_id: peerId } });
}

function candidateFault(candidate: string, hasMedium: boolean, maxBytes: number): string | undefined {
  if (utf8Bytes(candidate) > maxBytes) return "too_large";
  if (candidate !== "" && !candidate.startsWith("candidate:")) return "not_a_candidate";
  return hasMedium ? undefined : "no_medium";
}
