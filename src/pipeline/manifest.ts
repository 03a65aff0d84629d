// The manifest of a pipeline, version 1, as the library holds it: camelCase, complete. Types only.
import type { JsonValue } from "../runtime/data.ts";

/** What a manifest says of itself. */
export interface ManifestMetadata {
  name: string;
  description?: string;
  createdAt?: string;
  /** Convert sample rates, channels and pixel formats where nodes do not fit each other. */
  autoNegotiate: boolean;
}

/** How a node is run. */
export interface NodeExecution {
  /** Longest time for one input, ms, from 1. */
  timeoutMs: number;
  /** Further tries after an error that is retryable, 0 to 10; the first after 100 ms, each later one after twice that. */
  maxRetries: number;
}

/** One node. */
export interface ManifestNode {
  id: string;
  nodeType: string;
  /** As written, names in camelCase; checked against the node's schema where a registry is at hand. */
  params: Record<string, JsonValue>;
  isStreaming: boolean;
  /** What it emits is an output of the pipeline although others follow it. */
  isOutputNode: boolean;
  execution: NodeExecution;
}

/** Outputs of `from` are inputs of `to`. */
export interface ManifestConnection {
  from: string;
  to: string;
}

/** A graph of nodes. Nodes without predecessors get the inputs, what nodes without successors emit are the outputs. */
export interface Manifest {
  version: "v1";
  metadata: ManifestMetadata;
  nodes: ManifestNode[];
  connections: ManifestConnection[];
}

/** What is wrong with a manifest. */
export type ManifestIssueCode =
  | "BAD_VERSION"
  | "NO_NODES"
  | "TOO_LARGE"
  | "BAD_SYNTAX"
  | "BAD_MEMBER"
  | "BAD_ID"
  | "DUPLICATE_ID"
  | "UNKNOWN_NODE_TYPE"
  | "UNKNOWN_ENDPOINT"
  | "SELF_LOOP"
  | "DUPLICATE_CONNECTION"
  | "CYCLE"
  | "BAD_PARAM"
  | "UNKNOWN_PARAM"
  | "KIND_MISMATCH"
  | "OLD_SHAPE";

/** One fault, in `details.issues` of `INVALID_MANIFEST`. */
export interface ManifestIssue {
  code: ManifestIssueCode;
  nodeId?: string;
  nodeType?: string;
  /** JSON pointer (RFC 6901) into what was given, e.g. `/nodes/2/params/gain_db`. */
  pointer: string;
  message: string;
}

/** What may be handed in: JSON or YAML text, an object of either spelling, or a {@link Manifest}. */
export type ManifestSource = string | object;
