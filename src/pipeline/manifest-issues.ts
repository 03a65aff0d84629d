// Faults of manifests: how one is written down, and the error that carries them all. Pure.
import { TransportError } from "../errors/errors.ts";
import type { JsonObject } from "../runtime/data.ts";
import type { ManifestIssue, ManifestIssueCode } from "./manifest.ts";

/** Faults that the message of the error spells out; `details.issues` holds the rest. */
const SPELLED_OUT = 3;
/** Faults in `details.issues`; a manifest of 1 MiB has room for a hundred thousand. */
const MAX_LISTED = 1000;
/** Characters of a value or a name in a message. */
const MAX_QUOTED = 60;

/** The node that a fault belongs to. */
export interface IssueNode {
  readonly nodeId?: string | undefined;
  readonly nodeType?: string | undefined;
}

/** One fault. @param pointer JSON pointer into what was given */
export function manifestIssue(
  code: ManifestIssueCode,
  pointer: string,
  message: string,
  { nodeId, nodeType }: IssueNode = {},
): ManifestIssue {
  return {
    code,
    ...(nodeId !== undefined && { nodeId }),
    ...(nodeType !== undefined && { nodeType }),
    pointer,
    message,
  };
}

/** A JSON pointer (RFC 6901) to a member of what `pointer` points to. */
export function pointerTo(pointer: string, member: string | number): string {
  return `${pointer}/${String(member).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** A value for a message: as JSON, shortened; `nothing` for undefined. */
export function inWords(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return value.length === 0 ? "an empty array" : `an array of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value === "string") return clip(JSON.stringify(value));
  if (typeof value === "number" || typeof value === "boolean" || value === null) return String(value);
  return `a ${typeof value}`;
}

/** Text for a message, at most 60 characters. */
export function clip(text: string): string {
  return text.length <= MAX_QUOTED ? text : `${text.slice(0, MAX_QUOTED - 1)}…`;
}

/**
 * The error for these faults.
 *
 * @param issues at least one
 * @returns `INVALID_MANIFEST`; `details.issues` holds them in order, and beyond 1000 `details.omitted` counts the others
 */
export function invalidManifest(issues: readonly ManifestIssue[]): TransportError {
  const spelled = issues.slice(0, SPELLED_OUT).map(sentence);
  if (issues.length > SPELLED_OUT) spelled.push(`and ${issues.length - SPELLED_OUT} more in details.issues`);
  const count = issues.length === 1 ? "" : `, ${issues.length} faults`;
  const nodeIds = new Set(issues.map(({ nodeId }) => nodeId));
  const listed: JsonObject[] = issues.slice(0, MAX_LISTED).map((issue) => ({ ...issue }));
  return new TransportError("INVALID_MANIFEST", `invalid manifest${count}: ${spelled.join("; ")}`, {
    nodeId: nodeIds.size === 1 ? issues[0]?.nodeId : undefined,
    details: {
      issues: listed,
      ...(issues.length > MAX_LISTED && { omitted: issues.length - MAX_LISTED }),
    },
  });
}

function sentence({ pointer, message }: ManifestIssue): string {
  return pointer === "" ? message : `${clip(pointer)}: ${message}`;
}
