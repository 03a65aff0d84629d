// A manifest against the node types there are: what a runner needs to begin, or every fault at once. Pure; no node is
// created.
import { inWords, invalidManifest, manifestIssue } from "./manifest-issues.ts";
import type { Manifest, ManifestIssue, ManifestNode, ManifestSource } from "./manifest.ts";
import { didYouMean } from "./names.ts";
import type { JsonValue } from "../runtime/data.ts";
import type { NodeFactory } from "./node.ts";
import { pipelineGraph } from "./graph.ts";
import type { PipelineGraph } from "./graph.ts";
import { readParams } from "./params.ts";
import { readManifest } from "./parse-manifest.ts";
import type { GivenNode } from "./parse-manifest.ts";
import type { GivenConnection } from "./connection-issues.ts";
import type { NodeRegistry } from "./registry.ts";

/** A node that can be created. */
export interface ValidNode {
  readonly node: ManifestNode;
  readonly factory: NodeFactory;
  /** Checked, camelCase, defaults filled in. */
  readonly params: Readonly<Record<string, JsonValue>>;
}

/** A manifest that can be run. */
export interface ValidManifest {
  readonly manifest: Manifest;
  /** Without circles: `order` holds every node. */
  readonly graph: PipelineGraph;
  /** By id, in the order of the manifest. */
  readonly nodes: ReadonlyMap<string, ValidNode>;
  /** What was given and means nothing here, one sentence for each object that holds such members. */
  readonly warnings: readonly string[];
}

/**
 * Check a manifest.
 *
 * @param source as {@link parseManifest}; it is not kept
 * @throws TransportError `INVALID_MANIFEST` with all faults in `details.issues`, {@link ManifestIssue} each
 */
export function validateManifest(source: ManifestSource, registry: NodeRegistry): ValidManifest {
  const reading = readManifest(source);
  const { manifest, warnings } = reading;
  const factories = reading.nodes.map(({ nodeType }) =>
    nodeType === undefined ? undefined : registry.get(nodeType),
  );
  const params = reading.nodes.map((given, index) => {
    const factory = factories[index];
    if (factory === undefined) return { params: {}, issues: unknownType(given, registry) };
    const { id: nodeId, nodeType, params, paramsPointer: pointer } = given;
    return readParams(factory.schema, params, {
      ...{ pointer, nodeId, nodeType },
      check: (checked) => factory.check?.(checked) ?? {},
    });
  });
  const kinds = kindIssues(reading.nodes, factories, reading.connections);
  const issues = withoutRepetitions([...reading.issues, ...params.flatMap(({ issues }) => issues), ...kinds]);
  if (manifest === undefined || issues.length > 0) throw invalidManifest(issues);

  const nodes = new Map<string, ValidNode>();
  manifest.nodes.forEach((node, index) => {
    const factory = factories[index];
    if (factory !== undefined) nodes.set(node.id, { node, factory, params: params[index]?.params ?? {} });
  });
  return { manifest, graph: pipelineGraph(manifest.nodes, manifest.connections), nodes, warnings };
}

function unknownType({ id, nodeType, typePointer }: GivenNode, registry: NodeRegistry): ManifestIssue[] {
  if (nodeType === undefined) return []; // reported by whoever read it
  const types = registry.types();
  const near = didYouMean(nodeType, types);
  const known = types.length === 0 ? "; none is registered" : `; there are ${types.join(", ")}`;
  const message = `${inWords(nodeType)} is no node type${near === "" ? known : near}`;
  return [manifestIssue("UNKNOWN_NODE_TYPE", typePointer, message, { nodeId: id, nodeType })];
}

/** Connections over which nothing could ever go. */
function kindIssues(
  given: readonly GivenNode[],
  factories: readonly (NodeFactory | undefined)[],
  connections: readonly GivenConnection[],
): ManifestIssue[] {
  // The first of equal ids, as elsewhere.
  const byId = new Map(given.map(({ id }, index) => [id, factories[index]] as const).reverse());
  return connections.flatMap(({ pointer, from, to }) => {
    const [source, target] = [byId.get(from), byId.get(to)];
    if (source === undefined || target === undefined || from === to) return [];
    if (source.emits.some((kind) => target.accepts.includes(kind))) return [];
    const emitted = source.emits.length === 0 ? "nothing" : source.emits.join(", ");
    const message = `${from} (${source.type}) emits ${emitted}, ${to} (${target.type}) accepts ${target.accepts.join(", ")}`;
    return [manifestIssue("KIND_MISMATCH", pointer, message, { nodeId: to, nodeType: target.type })];
  });
}

/** Parameters are looked at by whoever reads a manifest, and again with their schema. */
function withoutRepetitions(issues: readonly ManifestIssue[]): ManifestIssue[] {
  const first = new Map<string, ManifestIssue>();
  for (const issue of issues) {
    const key = JSON.stringify([issue.code, issue.pointer, issue.message]);
    if (!first.has(key)) first.set(key, issue);
  }
  return [...first.values()];
}
