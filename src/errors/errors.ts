// The one error type of the public surface. Errors from outside are wrapped with `cause`;
// garbage from the network never becomes an exception, it is counted where it arrives.
import type { JsonObject } from "../runtime/data.ts";
import { ERROR_CODES } from "./codes.ts";
import type { ErrorCode, ErrorKind } from "./codes.ts";

/** What may accompany a {@link TransportError}. */
export interface TransportErrorOptions {
  /** Overrides the code's default suggestion; says what to do next. */
  suggestion?: string | undefined;
  peerId?: string | undefined;
  sessionId?: string | undefined;
  nodeId?: string | undefined;
  /** JSON facts about the failure, e.g. `issues`, `maxBytes`, `retryAfterMs`. */
  details?: JsonObject | undefined;
  /** The error underneath. */
  cause?: unknown;
}

/**
 * The only error the public API throws or rejects with. Branch on `code`; `suggestion` is never empty and
 * says what to do next; `retryable` says whether the same call may succeed later.
 */
export class TransportError extends Error {
  override readonly name = "TransportError";
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly retryable: boolean;
  readonly suggestion: string;
  readonly peerId: string | undefined;
  readonly sessionId: string | undefined;
  readonly nodeId: string | undefined;
  readonly details: JsonObject | undefined;

  constructor(code: ErrorCode, message: string, options: TransportErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    const facts = ERROR_CODES[code];
    this.code = code;
    this.kind = facts.kind;
    this.retryable = facts.retryable;
    this.suggestion = options.suggestion ?? facts.suggestion;
    this.peerId = options.peerId;
    this.sessionId = options.sessionId;
    this.nodeId = options.nodeId;
    this.details = options.details;
  }

  /** A JSON form for logs and for the wire: everything but the stack; the cause by its message. */
  toJSON(): JsonObject {
    const json: JsonObject = {
      name: this.name,
      code: this.code,
      kind: this.kind,
      message: this.message,
      retryable: this.retryable,
      suggestion: this.suggestion,
    };
    if (this.peerId !== undefined) json.peerId = this.peerId;
    if (this.sessionId !== undefined) json.sessionId = this.sessionId;
    if (this.nodeId !== undefined) json.nodeId = this.nodeId;
    if (this.details !== undefined) json.details = this.details;
    if (this.cause !== undefined) json.cause = describeError(this.cause);
    return json;
  }
}

/** `error` itself when it is ours, else a {@link TransportError} with `code` around it. */
export function toTransportError(
  error: unknown,
  code: ErrorCode,
  context: string,
  options: TransportErrorOptions = {},
): TransportError {
  if (error instanceof TransportError) return error;
  return new TransportError(code, `${context}: ${describeError(error)}`, { ...options, cause: error });
}

/** The message of anything that was thrown. */
export function describeError(error: unknown): string {
  if (error instanceof Error) return error.message;
  try {
    return String(error);
  } catch {
    return "a value that has no text"; // an object without prototype, or with a toString that throws
  }
}
