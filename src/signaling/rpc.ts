// JSON-RPC 2.0 as it travels in WebSocket text frames: reading with every fault named, and writing.
// Knows no methods and never throws on what it reads.
import type { JsonObject, JsonValue } from "../runtime/data.ts";
import { RPC_ERRORS } from "./rpc-errors.ts";
import type { RpcErrorKind } from "./rpc-errors.ts";

/** Id of a request. Null is an id like any other; only a missing one makes a notification. */
export type RpcId = string | number | null;

/** The `error` member of a response, as received: nothing in it is trusted. */
export interface RpcErrorBody {
  readonly code: unknown;
  readonly message: unknown;
  readonly data: unknown;
}

/** One object of a frame. */
export type RpcMember =
  | { readonly type: "request"; readonly id: RpcId; readonly method: string; readonly params: unknown }
  | { readonly type: "notification"; readonly method: string; readonly params: unknown }
  | { readonly type: "result"; readonly id: RpcId; readonly result: unknown }
  | { readonly type: "error"; readonly id: RpcId; readonly error: RpcErrorBody }
  | { readonly type: "invalid"; readonly id: RpcId; readonly reason: string };

/** A frame: one object, a batch in order, or a fault that concerns the frame as a whole. */
export type RpcFrame =
  | { readonly type: "single"; readonly members: readonly [RpcMember] }
  | { readonly type: "batch"; readonly members: readonly RpcMember[] }
  | {
      readonly type: "unreadable";
      readonly kind: "PARSE_ERROR" | "INVALID_REQUEST";
      readonly reason: string;
    };

/** A refusal, before it has an id. `data.kind` is added in writing. */
export interface RpcFailure {
  readonly kind: RpcErrorKind;
  readonly message: string;
  readonly data?: JsonObject;
}

/**
 * Read one text frame (JSON-RPC 2.0 sections 4 to 6).
 *
 * @param maxBatch longest batch; a longer one is one INVALID_REQUEST
 */
export function parseFrame(text: string, maxBatch: number): RpcFrame {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message quotes the input, which may hold a token: it is not passed on.
    return { type: "unreadable", kind: "PARSE_ERROR", reason: "the frame is not JSON" };
  }
  if (!Array.isArray(value)) {
    if (isObject(value)) return { type: "single", members: [parseMember(value)] };
    return unreadable("the frame is neither an object nor a batch");
  }
  if (value.length === 0) return unreadable("the batch is empty");
  if (value.length > maxBatch) return unreadable(`the batch has more than ${maxBatch} members`);
  return { type: "batch", members: value.map(parseMember) };
}

/** The text of a request. */
export function encodeRequest(id: string, method: string, params: JsonObject): string {
  return JSON.stringify({ jsonrpc: "2.0", id, method, params });
}

/** The text of a notification. */
export function encodeNotification(method: string, params: JsonObject): string {
  return JSON.stringify({ jsonrpc: "2.0", method, params });
}

/** A response object with a result, to be written alone or within a batch. */
export function resultResponse(id: RpcId, result: JsonObject): JsonObject {
  return { jsonrpc: "2.0", id, result };
}

/** A response object with an error; its number and `data.kind` follow from the failure's kind. */
export function errorResponse(id: RpcId, failure: RpcFailure): JsonObject {
  const data: JsonObject = { ...failure.data, kind: failure.kind };
  return { jsonrpc: "2.0", id, error: { code: RPC_ERRORS[failure.kind], message: failure.message, data } };
}

/** Whether `value` is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Bytes of `text` in UTF-8; a lone surrogate counts as the replacement character it becomes. */
export function utf8Bytes(text: string): number {
  let bytes = 0;
  for (let index = 0; index < text.length; index++) {
    const point = text.codePointAt(index) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    if (point >= 0x10000) index++;
  }
  return bytes;
}

/** Bytes of `value` written as JSON, or Infinity when it cannot be written (nested too deeply, cyclic). */
export function jsonBytes(value: JsonValue | undefined): number {
  if (value === undefined) return 0;
  try {
    return utf8Bytes(JSON.stringify(value));
  } catch {
    // Reading JSON needs no stack, writing it does: some thousand brackets can be read and not be written.
    return Infinity;
  }
}

function unreadable(reason: string): RpcFrame {
  return { type: "unreadable", kind: "INVALID_REQUEST", reason };
}

function parseMember(value: unknown): RpcMember {
  if (!isObject(value)) return { type: "invalid", id: null, reason: "not an object" };
  const id = own(value, "id");
  const echo = typeof id === "string" || typeof id === "number" ? id : null;
  if (!Object.hasOwn(value, "method")) {
    const error = own(value, "error");
    if (isObject(error)) {
      const { code, message, data } = error;
      return { type: "error", id: echo, error: { code, message, data } };
    }
    if (Object.hasOwn(value, "result")) return { type: "result", id: echo, result: value.result };
    if (error !== undefined) {
      return { type: "error", id: echo, error: { code: undefined, message: undefined, data: undefined } };
    }
  }
  if (own(value, "jsonrpc") !== "2.0") return { type: "invalid", id: echo, reason: 'jsonrpc must be "2.0"' };
  const method = own(value, "method");
  if (typeof method !== "string") return { type: "invalid", id: echo, reason: "method must be a string" };
  const params = own(value, "params");
  if (params !== undefined && (typeof params !== "object" || params === null)) {
    return { type: "invalid", id: echo, reason: "params must be an object" };
  }
  if (id === undefined) return { type: "notification", method, params };
  if (id === null || echo !== null) return { type: "request", id: echo, method, params };
  return { type: "invalid", id: null, reason: "id must be a string, a number or null" };
}

function own(value: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}
