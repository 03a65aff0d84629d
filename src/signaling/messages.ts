// The members of every signaling message, as schemas: what a client may send, what a server may send.
// Wire names (snake_case) only; extra members are dropped. Sizes that a server configures are checked there.
import * as z from "zod/mini";
import { ID_PATTERN } from "../runtime/ids.ts";

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

const id = z
  .string("expected a string")
  .check(z.regex(ID_PATTERN, "expected 1 to 64 letters, digits, '_' or '-'"));
const text = z.string("expected a string");
const flag = z.boolean("expected true or false");
const capability = z.enum(["audio", "video", "data"], "expected audio, video or data");
const capabilities = z.array(capability, "expected an array").check(
  z.minLength(1, "expected at least one of audio, video, data"),
  z.refine((list) => new Set(list).size === list.length, "expected each at most once"),
);
const disconnectReason = z.enum(
  ["user_requested", "network_error", "timeout", "error", "unknown", "rejected", "replaced"],
  "expected user_requested, network_error, timeout, error, unknown, rejected or replaced",
);
const exchange = {
  request_id: id,
  connection_id: z.optional(id),
  link: z._default(id, DEFAULT_LINK),
};
const description = { ...exchange, sdp: text, can_trickle_ice_candidates: flag };
const candidate = {
  ...exchange,
  candidate: text,
  sdp_mid: z.optional(z.nullable(text)),
  sdp_m_line_index: z.optional(
    z.nullable(z.int("expected an integer").check(z.minimum(0, "expected 0 or more"))),
  ),
  user_fragment: z.optional(z.nullable(text)),
};
const disconnect = {
  reason: disconnectReason,
  details: z.optional(
    z.nullable(
      text.check(z.maxLength(MAX_DETAILS_LENGTH, `expected at most ${MAX_DETAILS_LENGTH} characters`)),
    ),
  ),
  connection_id: z.optional(z.nullable(id)),
};
const optionalText = z.optional(z.nullable(text));

/** Params of `peer.announce`. */
export const announceParams = z.object({
  peer_id: id,
  capabilities,
  room: z._default(id, DEFAULT_ROOM),
  protocol_version: z._default(z.int("expected an integer"), PROTOCOL_VERSION),
  user_data: z.optional(z.unknown()),
  auth_token: z.optional(text),
  session_key: z.optional(text),
});
/** Params of `peer.offer` and `peer.answer` on their way to the server. */
export const descriptionParams = z.object({ to: id, ...description });
/** Params of `peer.ice_candidate` on their way to the server. */
export const candidateParams = z.object({ to: id, ...candidate });
/** Params of `peer.disconnect`. */
export const disconnectParams = z.object({ to: id, ...disconnect });
/** Params of `peer.state_changed`. */
export const stateChangedParams = z.object({
  to: z.optional(z.nullable(id)),
  connection_id: z.optional(z.nullable(id)),
  connection_state: optionalText,
  ice_connection_state: optionalText,
  ice_gathering_state: optionalText,
  signaling_state: optionalText,
  timestamp: z.optional(z.unknown()),
});
/** Params of methods that take none. */
export const noParams = z.object({});

/** Params of `peer.offer` and `peer.answer` as they arrive. */
export const descriptionNotice = z.object({ from: id, ...description });
/** Params of `peer.ice_candidate` as they arrive. */
export const candidateNotice = z.object({ from: id, ...candidate });
/** Params of `peer.disconnected`. */
export const disconnectedNotice = z.object({
  from: id,
  reason: z.catch(disconnectReason, "unknown"),
  details: optionalText,
  connection_id: z.optional(z.nullable(id)),
});
/** Params of `peer.announced`, and the members of `peers`. */
export const peerEntry = z.object({
  peer_id: id,
  capabilities: z.array(capability),
  user_data: z.optional(z.unknown()),
  announced_at: z.number(),
});
/** Params of `peer.left`. */
export const peerLeftNotice = z.object({
  peer_id: id,
  reason: z.catch(z.enum(["left", "timeout", "closed", "kicked"]), "closed"),
});
/** Result of `peer.announce`. Entries of `peers` are read one by one, so that a bad one costs only itself. */
export const announceResult = z.object({
  status: z.literal("registered"),
  session_key: text,
  resumed: z._default(z.boolean(), false),
  server_time: z._default(text, ""),
  peers: z._default(z.array(z.unknown()), []),
  limits: z._default(z.record(z.string(), z.unknown()), {}),
});
/** Result of `peer.list`. */
export const listResult = z.object({ peers: z.array(z.unknown()) });

/** One fault of a message: the member's path with dots (empty: the params themselves) and what was expected. */
export interface MemberFault {
  path: string;
  reason: string;
}

/** Parsed members, or all their faults. */
export type Checked<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly faults: MemberFault[] };

/** Check `params` against one of the schemas above. Missing params count as none given. */
export function check<T>(schema: z.ZodMiniType<T>, params: unknown): Checked<T> {
  const parsed = z.safeParse(schema, params ?? {});
  if (parsed.success) return { ok: true, value: parsed.data };
  const faults = parsed.error.issues.map((issue) => ({
    path: issue.path.map(String).join("."),
    reason: issue.message === "Invalid input" ? `expected ${expectation(issue)}` : issue.message,
  }));
  return { ok: false, faults };
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code !== "invalid_type") return "another value";
  return issue.expected === "object" ? "an object" : issue.expected;
}
