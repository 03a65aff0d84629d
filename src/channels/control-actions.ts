// The actions of the `control` channel that programs ask for, and the replies to them, to and from JSON. Pure; what is
// malformed is told by a reason, never thrown.
import * as v from "valibot";
import { TransportError } from "../errors/errors.ts";
import type {
  AuthorizedAction,
  ControlAction,
  ControlPong,
  ControlResult,
  ControlStatus,
  CustomAction,
} from "../runtime/control-action.ts";
import type { JsonObject, JsonValue } from "../runtime/data.ts";
import { ID_PATTERN, isId } from "../runtime/ids.ts";
import { faultPath, isMembers } from "../runtime/schema.ts";

/** Longest name of a custom message, of a state and of an error's code, in UTF-16 units. */
const MAX_NAME = 64;
/** Longest text of an error; a longer one is cut. */
const MAX_ERROR_TEXT = 1024;
/** Most that is said of what is wrong with an action. */
const MAX_REASON = 256;
/** Most nodes a status names: as many as a manifest may have. */
const MAX_NODES = 256;

/** One message of programs to each other. `requestId` ties a response to its request. */
export type ControlMessage =
  | { readonly type: "request"; readonly requestId: string; readonly action: AuthorizedAction }
  | {
      readonly type: "response";
      readonly requestId: string;
      readonly reply: ControlResult | ControlStatus;
    }
  | { readonly type: "ping"; readonly timestampMs: number }
  | { readonly type: "pong"; readonly reply: ControlPong }
  | { readonly type: "custom"; readonly action: CustomAction };

/** Why an action could not be read, and which request to refuse for it, when it says so. */
export interface MalformedAction {
  readonly type: "malformed";
  /** The names of the members that are wrong. */
  readonly reason: string;
  readonly requestId: string | undefined;
}

const id = v.pipe(v.string(), v.regex(ID_PATTERN));
const name = v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_NAME));
const timestampMs = v.pipe(v.number(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));
const manifest = v.custom<string | JsonObject>((value) => typeof value === "string" || isMembers(value));
const errorText = v.pipe(
  v.string(),
  v.transform((text) => text.slice(0, MAX_ERROR_TEXT)),
);

const request = { request_id: id, session_id: id };
const schema = v.variant("action", [
  v.object({ action: v.literal("reconfigure"), ...request, manifest }),
  v.object({ action: v.picklist(["pause", "resume"]), ...request }),
  v.object({ action: v.literal("get_status"), request_id: id, session_id: v.nullish(id) }),
  v.object({
    action: v.literal("result"),
    request_id: id,
    ok: v.boolean(),
    error: v.nullish(v.object({ code: name, message: errorText })),
  }),
  v.object({
    action: v.literal("status"),
    request_id: id,
    state: name,
    active_nodes: v.pipe(v.array(name), v.maxLength(MAX_NODES)),
    timestamp_ms: timestampMs,
  }),
  v.object({ action: v.literal("ping"), timestamp_ms: timestampMs }),
  v.object({
    action: v.literal("pong"),
    ping_timestamp_ms: timestampMs,
    pong_timestamp_ms: timestampMs,
  }),
  v.object({
    action: v.literal("custom"),
    message_type: name,
    data: v.custom<JsonValue>((value) => value !== undefined),
  }),
]);
type Wire = v.InferOutput<typeof schema>;
const NAMES: ReadonlySet<unknown> = new Set(schema.options.flatMap(namesOf));

/**
 * Check an action that a program hands in; whether JSON can represent the manifest or the data shows when it is sent.
 * @throws TransportError `INVALID_DATA` naming the member that is wrong
 */
export function checkAction(action: ControlAction): void {
  if (!isMembers(action)) throw invalid("action", "an object");
  switch (action.type) {
    case "reconfigure":
      checkSession(action.sessionId);
      if (!v.is(manifest, action.manifest)) throw invalid("action.manifest", "a manifest: text or an object");
      return;
    case "pause":
    case "resume":
      return checkSession(action.sessionId);
    case "getStatus":
      if (action.sessionId !== undefined) checkSession(action.sessionId);
      return;
    case "ping":
      return;
    case "custom":
      if (v.is(name, action.messageType)) return;
      throw invalid("action.messageType", `1 to ${MAX_NAME} characters`);
    default:
      throw invalid("action.type", "'reconfigure', 'pause', 'resume', 'getStatus', 'ping' or 'custom'");
  }
}

/** The wire form of a message. Errors and lists that are too long are cut. */
export function encodeControlMessage(message: ControlMessage): JsonObject {
  switch (message.type) {
    case "request":
      return encodeRequest(message.requestId, message.action);
    case "response":
      return encodeResponse(message.requestId, message.reply);
    case "ping":
      return { action: "ping", timestamp_ms: message.timestampMs };
    case "pong": {
      const { pingTimestampMs, pongTimestampMs } = message.reply;
      return { action: "pong", ping_timestamp_ms: pingTimestampMs, pong_timestamp_ms: pongTimestampMs };
    }
    case "custom":
      return { action: "custom", message_type: message.action.messageType, data: message.action.data };
  }
}

/** Read a message. @returns undefined when its action is not one of these */
export function parseControlMessage(value: JsonObject): ControlMessage | MalformedAction | undefined {
  const { action } = value;
  if (typeof action !== "string" || !NAMES.has(action)) return undefined;
  const parsed = v.safeParse(schema, value);
  if (!parsed.success) {
    const reason = `${action}: ${parsed.issues.map(faultPath).join(", ")}`.slice(0, MAX_REASON);
    // What answers a request is itself never answered.
    const isReply = action === "result" || action === "status";
    return { type: "malformed", reason, requestId: isReply ? undefined : requestIdOf(value) };
  }
  return messageOf(parsed.output);
}

/** The id by which whoever sent this waits for a reply, if it does. */
export function requestIdOf(value: JsonObject): string | undefined {
  return isId(value.request_id) ? value.request_id : undefined;
}

function namesOf({ entries }: (typeof schema)["options"][number]): readonly string[] {
  return "literal" in entries.action ? [entries.action.literal] : entries.action.options;
}

function messageOf(wire: Wire): ControlMessage {
  switch (wire.action) {
    case "reconfigure":
    case "pause":
    case "resume":
    case "get_status":
      return { type: "request", requestId: wire.request_id, action: actionOf(wire) };
    case "result":
      return { type: "response", requestId: wire.request_id, reply: resultOf(wire) };
    case "status": {
      const { state, active_nodes: activeNodes } = wire;
      const reply: ControlStatus = { type: "status", state, activeNodes, timestampMs: wire.timestamp_ms };
      return { type: "response", requestId: wire.request_id, reply };
    }
    case "ping":
      return { type: "ping", timestampMs: wire.timestamp_ms };
    case "pong": {
      const { ping_timestamp_ms: pingTimestampMs, pong_timestamp_ms: pongTimestampMs } = wire;
      return { type: "pong", reply: { type: "pong", pingTimestampMs, pongTimestampMs } };
    }
    case "custom":
      return {
        type: "custom",
        action: { type: "custom", messageType: wire.message_type, data: wire.data },
      };
  }
}

function actionOf(wire: Extract<Wire, { session_id?: unknown }>): AuthorizedAction {
  switch (wire.action) {
    case "reconfigure":
      return { type: "reconfigure", sessionId: wire.session_id, manifest: wire.manifest };
    case "get_status": {
      const sessionId = wire.session_id ?? undefined;
      return sessionId === undefined ? { type: "getStatus" } : { type: "getStatus", sessionId };
    }
    default:
      return { type: wire.action, sessionId: wire.session_id };
  }
}

function resultOf({ ok, error }: Extract<Wire, { ok: boolean }>): ControlResult {
  if (ok) return { type: "result", ok };
  const { code, message } = error ?? { code: "INTERNAL_ERROR", message: "the peer gave no reason" };
  return { type: "result", ok, error: { code, message } };
}

function encodeRequest(requestId: string, action: AuthorizedAction): JsonObject {
  const head = { request_id: requestId };
  switch (action.type) {
    case "reconfigure":
      return {
        action: action.type,
        ...head,
        session_id: action.sessionId,
        manifest: action.manifest as JsonValue,
      };
    case "getStatus":
      return {
        action: "get_status",
        ...head,
        ...(action.sessionId !== undefined && { session_id: action.sessionId }),
      };
    default:
      return { action: action.type, ...head, session_id: action.sessionId };
  }
}

function encodeResponse(requestId: string, reply: ControlResult | ControlStatus): JsonObject {
  const head = { action: reply.type, request_id: requestId };
  if (reply.type === "status") {
    const { state, activeNodes, timestampMs: timestamp } = reply;
    return { ...head, state, active_nodes: activeNodes.slice(0, MAX_NODES), timestamp_ms: timestamp };
  }
  if (reply.ok) return { ...head, ok: true };
  const { code, message } = reply.error;
  return { ...head, ok: false, error: { code, message: message.slice(0, MAX_ERROR_TEXT) } };
}

function checkSession(sessionId: unknown): void {
  if (!isId(sessionId)) throw invalid("action.sessionId", "1 to 64 letters, digits, '_' or '-'");
}

function invalid(what: string, expected: string): TransportError {
  return new TransportError("INVALID_DATA", `${what} must be ${expected}`);
}
