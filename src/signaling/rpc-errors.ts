// JSON-RPC error numbers and names, and the codes they become in the client. Data and look-ups only.
import { ERROR_CODES } from "../errors/codes.ts";
import type { ErrorCode } from "../errors/codes.ts";

/** Name (`error.data.kind`, which clients branch on) -> number (`error.code`). */
export const RPC_ERRORS = {
  PARSE_ERROR: -32700,
  INVALID_REQUEST: -32600,
  NOT_ANNOUNCED: -32600,
  ALREADY_ANNOUNCED: -32600,
  METHOD_NOT_FOUND: -32601,
  INVALID_PARAMS: -32602,
  INTERNAL_ERROR: -32603,
  PEER_NOT_FOUND: -32000,
  LIMIT_EXCEEDED: -32001,
  OFFER_INVALID: -32002,
  ANSWER_INVALID: -32003,
  ICE_CANDIDATE_INVALID: -32004,
  NEGOTIATION_IN_PROGRESS: -32005,
  OPERATION_TIMEOUT: -32006,
  CODEC_MISMATCH: -32007,
  PEER_ID_TAKEN: -32008,
  UNAUTHORIZED: -32009,
  RATE_LIMITED: -32010,
  VERSION_UNSUPPORTED: -32011,
} as const;

/** Name of a JSON-RPC error. */
export type RpcErrorKind = keyof typeof RPC_ERRORS;

const RENAMED: Partial<Record<RpcErrorKind, ErrorCode>> = {
  OFFER_INVALID: "SDP_ERROR",
  ANSWER_INVALID: "SDP_ERROR",
  ICE_CANDIDATE_INVALID: "ICE_CANDIDATE_ERROR",
};

/**
 * The name of a received error: `data.kind` when it is one of ours, else by number.
 * Undefined for numbers this protocol does not know.
 */
export function rpcErrorKind(code: unknown, kind: unknown): RpcErrorKind | undefined {
  if (typeof kind === "string" && Object.hasOwn(RPC_ERRORS, kind)) return kind as RpcErrorKind;
  return (Object.keys(RPC_ERRORS) as RpcErrorKind[]).find((name) => RPC_ERRORS[name] === code);
}

/** The library's code for a JSON-RPC error; `SIGNALING_ERROR` for -32700 to -32600 and all that is unknown. */
export function toErrorCode(kind: RpcErrorKind | undefined): ErrorCode {
  if (kind === undefined || RPC_ERRORS[kind] <= -32600) return "SIGNALING_ERROR";
  const code = RENAMED[kind] ?? kind;
  return Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : "SIGNALING_ERROR";
}
