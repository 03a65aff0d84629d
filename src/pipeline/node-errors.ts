// The errors that running a node ends in: each names the node and, where there is one, the input. Never throws.
import { describeError, TransportError } from "../errors/errors.ts";
import type { JsonObject } from "../runtime/data.ts";
import { isTransportData } from "./transport-data.ts";

/** Of which node, and which input. */
export interface ErrorPlace {
  readonly nodeId: string;
  /** Absent where no input is concerned, or one without a position. */
  readonly sequence?: number | undefined;
}

/** What a node threw, as `PIPELINE_ERROR` with the thrown as cause; our own `NODE_TIMEOUT` stays what it is. */
export function nodeError(place: ErrorPlace, thrown: unknown, what = "failed"): TransportError {
  const inner = thrown instanceof TransportError ? thrown : undefined;
  if (inner?.code === "NODE_TIMEOUT" && inner.nodeId === place.nodeId) return inner;
  return new TransportError("PIPELINE_ERROR", `${subject(place, what)}: ${describeError(thrown)}`, {
    nodeId: place.nodeId,
    details: detailsOf(place, inner?.details),
    suggestion: inner?.suggestion,
    cause: thrown,
  });
}

/** A node took too long for one input, for its start or its end. */
export function nodeTimeout(place: ErrorPlace, timeoutMs: number, what = "process"): TransportError {
  const message = `Node "${place.nodeId}" took longer than ${timeoutMs} ms${what === "process" ? onInput(place) : ` to ${what}`}`;
  return new TransportError("NODE_TIMEOUT", message, {
    nodeId: place.nodeId,
    details: detailsOf(place, { timeoutMs }),
  });
}

/** A node is off after failures: this input and those that follow are skipped. */
export function nodeOff(place: ErrorPlace, remainingMs: number): TransportError {
  const seconds = Math.ceil(remainingMs / 1000);
  return new TransportError(
    "PIPELINE_ERROR",
    `Node "${place.nodeId}" failed too often in a row and is off for ${seconds} s; its inputs are skipped`,
    {
      nodeId: place.nodeId,
      details: detailsOf(place, { reason: "NODE_OFF", retryAfterMs: Math.ceil(remainingMs) }),
      suggestion: "Look at the errors of this node before this one.",
    },
  );
}

/** A node has not come back from an input that was given up: this input and those that follow are skipped. */
export function nodeBusy(place: ErrorPlace): TransportError {
  return new TransportError(
    "PIPELINE_ERROR",
    `Node "${place.nodeId}" is still at work on an input whose time is up; others are skipped until it is done`,
    {
      nodeId: place.nodeId,
      details: detailsOf(place, { reason: "NODE_BUSY" }),
      suggestion: "End the work of process() when its signal fires.",
    },
  );
}

/** An input is not in the format that a node insists on. @param misfit what it is, and what was expected */
export function formatError(place: ErrorPlace, misfit: string): TransportError {
  return new TransportError("PIPELINE_ERROR", `${subject(place, "cannot take")}: ${misfit}`, {
    nodeId: place.nodeId,
    details: detailsOf(place, { reason: "FORMAT_MISMATCH" }),
    suggestion: "Set metadata.auto_negotiate in the manifest, which converts what does not fit.",
  });
}

/** The error for what `emit` was given, where that is no output; undefined where it is. */
export function outputFault(output: unknown): TransportError | undefined {
  if (isTransportData(output)) return undefined;
  return new TransportError("INVALID_DATA", "emit() got a value that is no TransportData", {
    suggestion: "Emit { data, sequence, metadata } with data of a known type.",
  });
}

function subject(place: ErrorPlace, what: string): string {
  return `Node "${place.nodeId}" ${what}${onInput(place)}`;
}

function onInput({ sequence }: ErrorPlace): string {
  return sequence === undefined ? "" : ` on input ${sequence}`;
}

function detailsOf({ sequence }: ErrorPlace, more: JsonObject = {}): JsonObject {
  return sequence === undefined ? more : { ...more, sequence };
}
