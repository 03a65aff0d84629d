// The members of every signaling message, as schemas: what a client may send, what a server may send.
// Wire names (snake_case) only; extra members are dropped. Sizes that a server configures are checked there.
import * as v from "valibot";
import { ID_PATTERN } from "../runtime/ids.ts";
import { faultPath, isMembers, members, wholeNumber } from "../runtime/schema.ts";

/** The one protocol version spoken here. */
export const PROTOCOL_VERSION = 1;

/** Room of an announcement that names none. */
export const DEFAULT_ROOM = "default";

/** Native connection of a message that names none. */
export const DEFAULT_LINK = "media";

/** Largest session description, in bytes of UTF-8; a server's default, and what a client sends at most. */
export const MAX_SDP_BYTES = 65_536;

/** Largest `user_data`, in bytes of JSON. */
export const MAX_USER_DATA_BYTES = 1024;

/** Largest `auth_token`, in bytes of UTF-8. */
export const MAX_AUTH_TOKEN_BYTES = 4096;

/** Longest `details` of a disconnect, in UTF-16 units: a remark for people, not a payload. */
export const MAX_DETAILS_LENGTH = 1024;

const text = v.string("expected a string");
const id = v.pipe(text, v.regex(ID_PATTERN, "expected 1 to 64 letters, digits, '_' or '-'"));
const integer = wholeNumber("expected an integer");
const flag = v.boolean("expected true or false");
const capability = v.picklist(["audio", "video", "data"], "expected audio, video or data");
const capabilities = v.pipe(
  v.array(capability, "expected an array"),
  v.minLength(1, "expected at least one of audio, video, data"),
  v.check((list) => new Set(list).size === list.length, "expected each at most once"),
);
const disconnectReason = v.picklist(
  ["user_requested", "network_error", "timeout", "error", "unknown", "rejected", "replaced"],
  "expected user_requested, network_error, timeout, error, unknown, rejected or replaced",
);
const exchange = {
  request_id: id,
  connection_id: v.optional(id),
  link: v.optional(id, DEFAULT_LINK),
};
const description = { ...exchange, sdp: text, can_trickle_ice_candidates: flag };
const candidate = {
  ...exchange,
  candidate: text,
  sdp_mid: v.nullish(text),
  sdp_m_line_index: v.nullish(v.pipe(integer, v.minValue(0, "expected 0 or more"))),
  user_fragment: v.nullish(text),
};
const disconnect = {
  reason: disconnectReason,
  details: v.nullish(
    v.pipe(text, v.maxLength(MAX_DETAILS_LENGTH, `expected at most ${MAX_DETAILS_LENGTH} characters`)),
  ),
  connection_id: v.nullish(id),
};
const entries = v.array(v.unknown(), "expected an array");
const optionalText = v.nullish(text);

/** Params of `peer.announce`. */
export const announceParams = members({
  peer_id: id,
  capabilities,
  room: v.optional(id, DEFAULT_ROOM),
  protocol_version: v.optional(integer, PROTOCOL_VERSION),
  user_data: v.optional(v.unknown()),
  auth_token: v.optional(text),
  session_key: v.optional(text),
});
/** Params of `peer.offer` and `peer.answer` on their way to the server. */
export const descriptionParams = members({ to: id, ...description });
/** Params of `peer.ice_candidate` on their way to the server. */
export const candidateParams = members({ to: id, ...candidate });
/** Params of `peer.disconnect`. */
export const disconnectParams = members({ to: id, ...disconnect });
/** Params of `peer.state_changed`. */
export const stateChangedParams = members({
  to: v.nullish(id),
  connection_id: v.nullish(id),
  connection_state: optionalText,
  ice_connection_state: optionalText,
  ice_gathering_state: optionalText,
  signaling_state: optionalText,
  timestamp: v.optional(v.unknown()),
});
/** Params of methods that take none. */
export const noParams = members({});

/** Params of `peer.offer` and `peer.answer` as they arrive. */
export const descriptionNotice = members({ from: id, ...description });
/** Params of `peer.ice_candidate` as they arrive. */
export const candidateNotice = members({ from: id, ...candidate });
/** Params of `peer.disconnected`. */
export const disconnectedNotice = members({
  from: id,
  reason: v.fallback(disconnectReason, "unknown"),
  details: optionalText,
  connection_id: v.nullish(id),
});
/** Params of `peer.announced`, and the members of `peers`. */
export const peerEntry = members({
  peer_id: id,
  capabilities: v.array(capability, "expected an array"),
  user_data: v.optional(v.unknown()),
  announced_at: v.pipe(v.number("expected a number"), v.finite("expected a number")),
});
/** Params of `peer.left`. */
export const peerLeftNotice = members({
  peer_id: id,
  reason: v.fallback(v.picklist(["left", "timeout", "closed", "kicked"]), "closed"),
});
/** Result of `peer.announce`. Entries of `peers` are read one by one, so that a bad one costs only itself. */
export const announceResult = members({
  status: v.literal("registered", "expected registered"),
  session_key: text,
  resumed: v.optional(flag, false),
  server_time: v.optional(text, ""),
  peers: v.optional(entries, []),
  limits: v.optional(v.custom<Record<string, unknown>>(isMembers, "expected an object"), {}),
});
/** Result of `peer.list`. */
export const listResult = members({ peers: entries });

/** One fault of a message: the member's path with dots (empty: the params themselves) and what was expected. */
export interface MemberFault {
  path: string;
  reason: string;
}

/** Parsed members, or all their faults. */
export type Checked<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly faults: MemberFault[] };

/** Check `params` against one of the schemas above. Missing params count as none given. */
export function check<T>(schema: v.GenericSchema<unknown, T>, params: unknown): Checked<T> {
  const parsed = v.safeParse(schema, params ?? {});
  if (parsed.success) return { ok: true, value: parsed.output };
  const faults = parsed.issues.map((issue) => ({ path: faultPath(issue), reason: issue.message }));
  return { ok: false, faults };
}
