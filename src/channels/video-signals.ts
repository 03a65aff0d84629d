// The action `video` of the `control` channel: how two peers agree on the native connection that carries their video.
// The words of signaling, without a server between them. Pure; nothing malformed is thrown.
import * as v from "valibot";
import type { IceCandidate } from "../platform/platform.ts";
import type { JsonObject } from "../runtime/data.ts";
import { ID_PATTERN } from "../runtime/ids.ts";
import { faultPath, wholeNumber } from "../runtime/schema.ts";

/** Longest session description, in UTF-16 units; ours have some 3000. */
const MAX_SDP_LENGTH = 65_536;
/** Longest candidate: an address and its attributes. */
const MAX_CANDIDATE_LENGTH = 1024;

/** Why a video connection ends; what is not known here counts as unknown. */
const REASONS = [
  "user_requested",
  "network_error",
  "timeout",
  "error",
  "unknown",
  "rejected",
  "replaced",
] as const;

/** `connectionId` names the pair of native connections, `requestId` one exchange of descriptions. */
export interface VideoSignalIds {
  readonly connectionId: string;
  readonly requestId: string;
}

/** One word about the video connection. */
export type VideoSignal =
  | ({ readonly kind: "offer" | "answer"; readonly sdp: string } & VideoSignalIds)
  | ({ readonly kind: "candidate"; readonly candidate: IceCandidate } & VideoSignalIds)
  | { readonly kind: "disconnect"; readonly connectionId: string; readonly reason: (typeof REASONS)[number] };

const id = v.pipe(v.string(), v.regex(ID_PATTERN));
const ids = { connection_id: id, request_id: id };
const sdp = v.pipe(v.string(), v.maxLength(MAX_SDP_LENGTH));
const candidateText = v.pipe(v.string(), v.maxLength(MAX_CANDIDATE_LENGTH));
const index = v.pipe(wholeNumber("expected an integer"), v.minValue(0));

const signalSchema = v.variant("kind", [
  v.object({ kind: v.literal("offer"), ...ids, sdp }),
  v.object({ kind: v.literal("answer"), ...ids, sdp }),
  v.object({
    kind: v.literal("candidate"),
    ...ids,
    candidate: candidateText,
    sdp_mid: v.nullish(v.pipe(v.string(), v.maxLength(64)), null),
    sdp_m_line_index: v.nullish(index, null),
    user_fragment: v.nullish(v.pipe(v.string(), v.maxLength(256)), null),
  }),
  v.object({
    kind: v.literal("disconnect"),
    connection_id: id,
    reason: v.fallback(v.picklist(REASONS), "unknown"),
  }),
]);

/** The wire form of a signal. */
export function encodeVideoSignal(signal: VideoSignal): JsonObject {
  const { kind, connectionId } = signal;
  const head = { action: "video", kind, connection_id: connectionId };
  if (signal.kind === "disconnect") return { ...head, reason: signal.reason };
  if (signal.kind !== "candidate") return { ...head, request_id: signal.requestId, sdp: signal.sdp };
  const { candidate, sdpMid, sdpMLineIndex, usernameFragment } = signal.candidate;
  return {
    ...head,
    request_id: signal.requestId,
    candidate,
    sdp_mid: sdpMid,
    sdp_m_line_index: sdpMLineIndex,
    user_fragment: usernameFragment ?? null,
  };
}

/** Read a signal. @returns the names of the members that are wrong, as text, instead */
export function parseVideoSignal(value: JsonObject): VideoSignal | string {
  const parsed = v.safeParse(signalSchema, value);
  if (!parsed.success) return parsed.issues.map(faultPath).join(", ");
  const { output } = parsed;
  const connectionId = output.connection_id;
  if (output.kind === "disconnect") return { kind: output.kind, connectionId, reason: output.reason };
  const requestId = output.request_id;
  if (output.kind !== "candidate") return { kind: output.kind, connectionId, requestId, sdp: output.sdp };
  const candidate = {
    candidate: output.candidate,
    sdpMid: output.sdp_mid,
    sdpMLineIndex: output.sdp_m_line_index,
    usernameFragment: output.user_fragment,
  };
  return { kind: output.kind, connectionId, requestId, candidate };
}
