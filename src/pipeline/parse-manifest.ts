// Manifests of either spelling, as text or as objects, made into the one form that the library holds. Pure; it knows no
// node types, so parameters are passed on as written.
import { isId } from "../runtime/ids.ts";
import { connectionIssues } from "./connection-issues.ts";
import type { GivenConnection } from "./connection-issues.ts";
import { inWords, invalidManifest, manifestIssue, pointerTo } from "./manifest-issues.ts";
import { Members } from "./manifest-members.ts";
import type { Findings } from "./manifest-members.ts";
import {
  DEFAULT_TIMEOUT_MS,
  MAX_CONNECTIONS,
  MAX_NODES,
  MAX_RETRIES,
  MAX_TIMEOUT_MS,
} from "./manifest-limits.ts";
import { parseManifestText } from "./manifest-text.ts";
import type {
  Manifest,
  ManifestConnection,
  ManifestIssue,
  ManifestMetadata,
  ManifestNode,
  ManifestSource,
  NodeExecution,
} from "./manifest.ts";
import { paramValues } from "./param-values.ts";
import { isPlainObject, plainCopy } from "./plain-data.ts";
import type { PlainObject } from "./plain-data.ts";

const ROOT_MEMBERS = ["version", "metadata", "nodes", "connections"];
const NODE_MEMBERS = ["id", "nodeType", "params", "isStreaming", "isOutputNode", "execution"];
const NO_MEMBERS: PlainObject = {};

/** Keys of shapes that other programs of this kind use. */
const OLD_KEYS = ["pipeline", "graph"];
const NEW_SHAPE =
  'version 1 has "nodes": [{"id": "a", "node_type": "Gain", "params": {...}}] and ' +
  '"connections": [{"from": "a", "to": "b"}] at the top level';

/** One node as far as it could be read. */
export interface GivenNode {
  readonly id: string | undefined;
  readonly nodeType: string | undefined;
  readonly typePointer: string;
  /** As given; undefined when it is no object. */
  readonly params: PlainObject | undefined;
  readonly paramsPointer: string;
}

/** What a source holds. */
export interface ManifestReading extends Findings {
  /** Undefined when there are issues. */
  readonly manifest: Manifest | undefined;
  /** In order, also beside faults. */
  readonly nodes: readonly GivenNode[];
  readonly connections: readonly GivenConnection[];
}

/**
 * Read a manifest: shape, ids and connections are checked, node types and parameters are not.
 *
 * @param source JSON or YAML text of at most 1 MiB, or an object; names in snake_case or camelCase. It is not kept.
 * @throws TransportError `INVALID_MANIFEST` with all faults in `details.issues`, `ManifestIssue` each
 */
export function parseManifest(source: ManifestSource): Manifest {
  const { manifest, issues } = readManifest(source);
  if (manifest === undefined) throw invalidManifest(issues);
  return manifest;
}

/** As {@link parseManifest}, for whoever has more to check: faults are returned, and so is what could be read. */
export function readManifest(source: ManifestSource): ManifestReading {
  const { value, issues: syntax } =
    typeof source === "string" ? parseManifestText(source) : { value: source, issues: [] };
  if (syntax.length > 0) return unreadable(syntax);
  const { value: root, issue } = plainCopy(value);
  if (issue !== undefined) return unreadable([issue]);
  if (!isPlainObject(root)) {
    return unreadable([
      manifestIssue(
        "BAD_MEMBER",
        "",
        `expected an object with version, metadata and nodes, not ${inWords(root)}`,
      ),
    ]);
  }
  return new ManifestReader().read(root);
}

function unreadable(issues: readonly ManifestIssue[]): ManifestReading {
  return { manifest: undefined, issues: [...issues], warnings: [], nodes: [], connections: [] };
}

/** Reads one manifest and gathers what it finds on the way. */
class ManifestReader {
  readonly #findings: Findings = { issues: [], warnings: [] };
  readonly #nodes: GivenNode[] = [];
  readonly #connections: GivenConnection[] = [];
  /** Pointers to the ids that were met, also bad ones. */
  readonly #ids = new Map<string, string>();

  read(root: PlainObject): ManifestReading {
    const members = new Members(root, "", ROOT_MEMBERS, this.#findings);
    if (members.get("version") !== "v1") members.expected("version", '"v1"', "BAD_VERSION");
    const oldKeys = OLD_KEYS.filter((key) => Object.hasOwn(root, key));
    for (const key of oldKeys)
      members.fault("OLD_SHAPE", key, `"${key}" is another shape of manifest; ${NEW_SHAPE}`);
    const metadata = this.#readMetadata(members);
    const nodes = oldKeys.length === 0 || Object.hasOwn(root, "nodes") ? this.#readNodes(members) : undefined;
    const connections = this.#readConnections(members, nodes !== undefined);
    const { issues } = this.#findings;
    return {
      manifest: issues.length > 0 ? undefined : { version: "v1", metadata, nodes: nodes ?? [], connections },
      ...this.#findings,
      nodes: this.#nodes,
      connections: this.#connections,
    };
  }

  #readMetadata(root: Members): ManifestMetadata {
    const known = ["name", "description", "createdAt", "autoNegotiate"];
    const given = root.object("metadata", { required: true });
    if (given === undefined) return { name: "", autoNegotiate: false };
    const members = new Members(given, root.pointerOf("metadata"), known, this.#findings);
    const description = members.text("description");
    const createdAt = members.text("createdAt");
    return {
      name: members.text("name", { required: true }) ?? "",
      ...(description !== undefined && { description }),
      ...(createdAt !== undefined && { createdAt }),
      autoNegotiate: members.flag("autoNegotiate"),
    };
  }

  /** @returns undefined when they cannot all be known, so that nothing can be said of connections */
  #readNodes(root: Members): ManifestNode[] | undefined {
    const given = root.get("nodes") ?? [];
    if (!Array.isArray(given)) {
      root.expected("nodes", "an array");
      return undefined;
    }
    const nodes = given
      .slice(0, MAX_NODES)
      .map((node, index) => this.#readNode(node, pointerTo(root.pointerOf("nodes"), index)));
    if (given.length === 0) root.fault("NO_NODES", "nodes", `expected 1 to ${MAX_NODES} nodes, not none`);
    if (given.length <= MAX_NODES) return nodes;
    root.fault("TOO_LARGE", "nodes", `expected 1 to ${MAX_NODES} nodes, not ${given.length}`);
    return undefined;
  }

  #readNode(given: unknown, pointer: string): ManifestNode {
    const { issues } = this.#findings;
    const members = this.#members(given, pointer, NODE_MEMBERS);
    const id = this.#readId(members);
    // Before anything else is looked at: every fault tells the node it belongs to.
    const written = members.get("nodeType");
    const nodeType = typeof written === "string" && written !== "" ? written : undefined;
    members.belongsTo({ nodeId: isId(id) ? id : undefined, nodeType });
    if (nodeType === undefined) missingType(members, given);
    const params = members.object("params");
    const paramsPointer = members.pointerOf("params");
    const typePointer = members.pointerOf("nodeType");
    this.#nodes.push({ id: members.node.nodeId, nodeType, typePointer, params, paramsPointer });
    const values = paramValues(params ?? {}, paramsPointer, members.node);
    issues.push(...values.issues);
    return {
      id: id ?? "",
      nodeType: nodeType ?? "",
      params: Object.fromEntries([...values.params].map(([name, { value }]) => [name, value])),
      isStreaming: members.flag("isStreaming"),
      isOutputNode: members.flag("isOutputNode"),
      execution: this.#readExecution(members),
    };
  }

  #readId(members: Members): string | undefined {
    const id = members.get("id");
    const number = typeof id === "number" ? `; write it as text: "${id}"` : "";
    if (!isId(id)) members.expected("id", `1 to 64 letters, digits, '_' or '-'`, "BAD_ID", number);
    if (typeof id !== "string") return undefined;
    const first = this.#ids.get(id);
    if (first === undefined) this.#ids.set(id, members.pointerOf("id"));
    else if (isId(id)) {
      members.belongsTo({ nodeId: id });
      members.fault("DUPLICATE_ID", "id", `${inWords(id)} is the id of another node, see ${first}`);
    }
    return id;
  }

  #readExecution(node: Members): NodeExecution {
    const known = ["timeoutMs", "maxRetries"];
    const given = node.object("execution") ?? {};
    const members = new Members(given, node.pointerOf("execution"), known, this.#findings);
    members.belongsTo(node.node);
    return {
      timeoutMs: members.integer("timeoutMs", DEFAULT_TIMEOUT_MS, 1, MAX_TIMEOUT_MS),
      maxRetries: members.integer("maxRetries", 0, 0, MAX_RETRIES),
    };
  }

  /** @param nodesKnown whether an end that is no node is a fault */
  #readConnections(root: Members, nodesKnown: boolean): ManifestConnection[] {
    const given = root.array("connections") ?? [];
    if (given.length > MAX_CONNECTIONS) {
      const message = `expected at most ${MAX_CONNECTIONS} connections, not ${given.length}`;
      root.fault("TOO_LARGE", "connections", message);
    }
    const connections = given.slice(0, MAX_CONNECTIONS).map((connection, index) => {
      const pointer = pointerTo(root.pointerOf("connections"), index);
      const members = this.#members(connection, pointer, ["from", "to"]);
      const [from, to] = [members.text("from", { required: true }), members.text("to", { required: true })];
      if (from !== undefined && to !== undefined) this.#connections.push({ pointer, from, to });
      return { from: from ?? "", to: to ?? "" };
    });
    const ids = nodesKnown ? [...this.#ids.keys()] : undefined;
    this.#findings.issues.push(...connectionIssues(this.#connections, ids));
    return connections;
  }

  /** Members of an element; one that is no object is a fault, and has none. */
  #members(given: unknown, pointer: string, known: readonly string[]): Members {
    if (isPlainObject(given)) return new Members(given, pointer, known, this.#findings);
    const message = `expected an object, not ${inWords(given)}`;
    this.#findings.issues.push(manifestIssue("BAD_MEMBER", pointer, message));
    return new Members(NO_MEMBERS, pointer, known, { issues: [], warnings: [] });
  }
}

function missingType(members: Members, given: unknown): void {
  const isOld =
    isPlainObject(given) && typeof given.type === "string" && members.get("nodeType") === undefined;
  if (isOld) members.fault("OLD_SHAPE", "type", `"type" is of another shape of manifest; write "node_type"`);
  else members.expected("nodeType", "the name of a node type");
}
