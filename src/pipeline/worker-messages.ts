// What a pipeline and the worker that runs some of its nodes say to each other: plain data. Pure.
import { ERROR_CODES } from "../errors/codes.ts";
import type { ErrorCode } from "../errors/codes.ts";
import { describeError, TransportError } from "../errors/errors.ts";
import type { JsonObject, JsonValue, RuntimeData, TransportData } from "../runtime/data.ts";
import type { ClockRelation } from "../runtime/related-clock.ts";

/** What the worker has to know to create a node. */
export interface WorkerNodeSpec {
  readonly nodeId: string;
  readonly nodeType: string;
  readonly sessionId: string;
  readonly params: Readonly<Record<string, JsonValue>>;
  /** Where its factory comes from. */
  readonly module: string;
}

/** To the worker. Calls of a node follow each other; each is answered by one `done`. */
export type WorkerCommand =
  | { type: "open"; node: number; call: number; spec: WorkerNodeSpec; clock: ClockRelation }
  | { type: "process"; node: number; call: number; input: TransportData }
  | { type: "flush" | "close"; node: number; call: number }
  /** The signal of a call fires; answered at once by `heard`. */
  | { type: "cancel"; call: number }
  /** An output has found room. */
  | { type: "taken"; output: number };

/** From the worker. */
export type WorkerReport =
  /** The first word. */
  | { type: "ready" }
  | { type: "done"; call: number; error?: WorkerError | undefined }
  | { type: "heard"; call: number }
  | { type: "output"; node: number; call: number; output: number; value: TransportData }
  | { type: "log"; level: "debug" | "info" | "warn" | "error"; message: string; fields: JsonObject };

/** What was thrown, without its class, which does not travel. */
export interface WorkerError {
  readonly name: string;
  readonly message: string;
  readonly code?: string | undefined;
  readonly suggestion?: string | undefined;
  readonly peerId?: string | undefined;
  readonly details?: JsonObject | undefined;
}

/** Pack what a node threw. */
export function packError(thrown: unknown): WorkerError {
  const message = describeError(thrown);
  if (thrown instanceof TransportError) {
    const { name, code, suggestion, peerId, details } = thrown;
    return { name, message, code, suggestion, peerId, details };
  }
  const { name, code } = (thrown ?? {}) as { name?: unknown; code?: unknown };
  return {
    name: typeof name === "string" ? name : "Error",
    message,
    code: typeof code === "string" ? code : undefined,
  };
}

/** The error that was packed: a TransportError where it was one, else an Error of the same name, message and code. */
export function unpackError({ name, message, code, ...options }: WorkerError): Error {
  if (name === "TransportError" && code !== undefined && Object.hasOwn(ERROR_CODES, code)) {
    return new TransportError(code as ErrorCode, message, options);
  }
  return Object.assign(new Error(message), { name }, code === undefined ? {} : { code });
}

/** Buffers of data that hold nothing else, and so can move to another thread; also ones that have moved. */
export function movableBuffers(data: RuntimeData): ArrayBuffer[] {
  const bytes = data.type === "audio" ? data.samples : "data" in data ? data.data : undefined;
  if (bytes === undefined || !(bytes.buffer instanceof ArrayBuffer)) return [];
  return bytes.byteLength === bytes.buffer.byteLength ? [bytes.buffer] : [];
}
