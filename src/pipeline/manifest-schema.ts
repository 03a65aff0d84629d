// JSON Schema 2020-12 of manifests, for editors and for programs in other languages. Pure data. It says what shape a
// manifest has; ids that stand twice, connections that lead nowhere and parameters of nodes are beyond it.
import type { JsonObject } from "../runtime/data.ts";
import { ID_PATTERN } from "../runtime/ids.ts";
import {
  DEFAULT_TIMEOUT_MS,
  MAX_CONNECTIONS,
  MAX_NODES,
  MAX_RETRIES,
  MAX_TIMEOUT_MS,
} from "./manifest-limits.ts";
import { camelCase } from "./names.ts";

interface MemberSchema {
  readonly type: string;
  readonly description: string;
  readonly [keyword: string]: JsonObject[string];
}

const execution = members(
  "How the node is run.",
  {
    timeout_ms: {
      type: "integer",
      description: "Longest time for one input, ms.",
      minimum: 1,
      maximum: MAX_TIMEOUT_MS,
      default: DEFAULT_TIMEOUT_MS,
    },
    max_retries: {
      type: "integer",
      description:
        "Further tries after an error that is retryable, the first after 100 ms, each later one after twice that.",
      minimum: 0,
      maximum: MAX_RETRIES,
      default: 0,
    },
  },
  [],
);

const node = members(
  "One node. Those without predecessors get the inputs; what those without successors emit are the outputs.",
  {
    id: id("Name of the node, its own."),
    node_type: text("A registered type, with or without Node behind it."),
    params: { type: "object", description: "Parameters of its type, in either spelling.", default: {} },
    is_streaming: { type: "boolean", description: "It works on streams.", default: false },
    is_output_node: {
      type: "boolean",
      description: "What it emits is an output of the pipeline although others follow it.",
      default: false,
    },
    execution,
  },
  ["id", "node_type"],
);

const connection = members(
  "Outputs of one node are inputs of another; no circles.",
  { from: text("Id of who emits."), to: text("Id of who gets it.") },
  ["from", "to"],
);

const metadata = members(
  "What the manifest says of itself.",
  {
    name: text("What it is called."),
    description: { type: "string", description: "What it is for." },
    created_at: { type: "string", description: "When it was written." },
    auto_negotiate: {
      type: "boolean",
      description: "Convert sample rates, channels and pixel formats where nodes do not fit each other.",
      default: false,
    },
  },
  ["name"],
);

const root = members(
  "A graph of nodes. Every name may be written in snake_case or in camelCase; members that are not named mean nothing.",
  {
    version: { type: "string", const: "v1", description: "Of this format." },
    metadata,
    nodes: { type: "array", items: node, minItems: 1, maxItems: MAX_NODES, description: "The nodes." },
    connections: {
      type: "array",
      items: connection,
      maxItems: MAX_CONNECTIONS,
      description: "Who follows whom.",
      default: [],
    },
  },
  ["version", "metadata", "nodes"],
);

/** The schema. What {@link parseManifest} refuses for its shape does not fit it, and the other way round. */
export const MANIFEST_SCHEMA: Readonly<JsonObject> = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: "urn:remotemedia-webrtc:manifest:v1",
  title: "Manifest of a pipeline, version 1",
  ...root,
  // Other shapes of manifest; see OLD_SHAPE.
  properties: { ...(root.properties as JsonObject), pipeline: false, graph: false },
};

function text(description: string): MemberSchema {
  return { type: "string", minLength: 1, description };
}

function id(description: string): MemberSchema {
  return { type: "string", pattern: ID_PATTERN.source, description };
}

/**
 * An object with these members in either spelling, never in both. Null stands for one that is left out, unless it is
 * required.
 */
function members(
  description: string,
  names: Readonly<Record<string, MemberSchema>>,
  required: readonly string[],
): MemberSchema {
  const properties: JsonObject = {};
  const rules: JsonObject[] = [];
  for (const [snake, schema] of Object.entries(names)) {
    const spellings = [...new Set([snake, camelCase(snake)])];
    const isRequired = required.includes(snake);
    for (const name of spellings) {
      properties[name] = isRequired ? { ...schema } : { ...schema, type: [schema.type, "null"] };
    }
    const [only, twin] = spellings;
    if (only === undefined || (twin === undefined && !isRequired)) continue;
    if (twin === undefined) rules.push({ required: [only] });
    else if (isRequired) rules.push({ oneOf: spellings.map((name) => ({ required: [name] })) });
    else rules.push({ not: { required: spellings } });
  }
  return { type: "object", description, properties, ...(rules.length > 0 && { allOf: rules }) };
}
