// The node types that manifests may name. Pure: a table of factories, which creates no nodes.
import { TransportError } from "../errors/errors.ts";
import { factoryIssues } from "./check-factory.ts";
import type { NodeFactory } from "./node.ts";

/** What a name may end in without meaning another type: `GainNode` is `Gain`. */
const SUFFIX = "Node";

/** Factories by type. Whoever runs a pipeline takes a {@link NodeRegistry.snapshot} of it. */
export class NodeRegistry {
  /** By type without suffix. */
  readonly #factories = new Map<string, NodeFactory>();
  /** Types by every name that means them, both without suffix. */
  readonly #names = new Map<string, string>();
  #frozen = false;

  /**
   * Add a node type. A later one of the same name takes the place of an earlier one, for pipelines that begin after it.
   *
   * @throws TransportError `INVALID_DATA` with every member that is not as it should be, in `details.issues` with `path`
   * and `message`; `NOT_SUPPORTED` on a snapshot
   */
  register<Params>(factory: NodeFactory<Params>): void {
    if (this.#frozen) {
      throw new TransportError("NOT_SUPPORTED", "a snapshot of a registry takes no further node types", {
        suggestion: "Register node types before the pipeline begins.",
      });
    }
    const issues = factoryIssues(factory);
    if (issues.length > 0) {
      const list = issues.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`));
      throw new TransportError("INVALID_DATA", `invalid node factory: ${list.join("; ")}`, {
        details: { issues },
        suggestion: "Correct the members listed in details.issues.",
      });
    }
    const type = withoutSuffix(factory.type);
    // What its parameters are is between the factory and its schema.
    this.#factories.set(type, factory as unknown as NodeFactory);
    for (const name of [...(factory.aliases ?? []).map(withoutSuffix), type]) this.#names.set(name, type);
  }

  /** The factory of a type by its name or an alias, with `Node` behind it or without. */
  get(type: string): NodeFactory | undefined {
    return this.#factories.get(this.#names.get(withoutSuffix(type)) ?? "");
  }

  /** Names of all types, in the order of their first registration; without aliases. */
  types(): string[] {
    return [...this.#factories.values()].map(({ type }) => type);
  }

  /** A copy that stays as it is: later registrations do not touch it. */
  snapshot(): NodeRegistry {
    const copy = new NodeRegistry();
    for (const [type, factory] of this.#factories) copy.#factories.set(type, factory);
    for (const [name, type] of this.#names) copy.#names.set(name, type);
    copy.#frozen = true;
    return copy;
  }
}

function withoutSuffix(name: string): string {
  return name.length > SUFFIX.length && name.endsWith(SUFFIX) ? name.slice(0, -SUFFIX.length) : name;
}
