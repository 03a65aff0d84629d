// Data with its envelope, as pipelines pass it on. Pure.
import { TransportError } from "../errors/errors.ts";
import type { RuntimeData, TransportData } from "../runtime/data.ts";
import { KINDS } from "./node.ts";

/** Data with an envelope, or without: then it has no sequence and no metadata. */
export type PipelineInput = TransportData | RuntimeData;

/** Put data that has none into an envelope. @throws TransportError `INVALID_DATA` when it is neither */
export function toTransportData(input: PipelineInput): TransportData {
  // Only data has a type of its own.
  const wrapped = isKind((input as RuntimeData | undefined)?.type) ? { data: input, metadata: {} } : input;
  if (isTransportData(wrapped)) return wrapped;
  throw noTransportData();
}

/** Whether a value has an envelope with data of a known kind in it; its members are not looked at. */
export function isTransportData(value: unknown): value is TransportData {
  const { data, metadata } = (value ?? {}) as Partial<TransportData>;
  return isKind(data?.type) && typeof metadata === "object" && metadata !== null;
}

/** The error for what is none. */
export function noTransportData(): TransportError {
  return new TransportError(
    "INVALID_DATA",
    "expected { data, sequence?, metadata } with data of a known type",
    {
      suggestion: `Give data a type: ${KINDS.join(", ")}.`,
    },
  );
}

function isKind(type: unknown): boolean {
  return (KINDS as readonly unknown[]).includes(type);
}
