// The graph of a pipeline: who follows whom, and in which order nodes are opened, drained and closed. Pure.
import type { ManifestConnection } from "./manifest.ts";

/** Nodes by what leads to them and what they lead to. Ids stand in the order of the manifest wherever there is a choice. */
export interface PipelineGraph {
  /** Every node behind all of its predecessors. Nodes of a circle, and those behind one, are missing. */
  readonly order: readonly string[];
  /** By id, for every node; empty where there are none. */
  readonly predecessors: ReadonlyMap<string, readonly string[]>;
  /** By id, for every node; empty where there are none. */
  readonly successors: ReadonlyMap<string, readonly string[]>;
  /** Nodes without predecessors: they get the inputs of the pipeline. */
  readonly entries: readonly string[];
  /** Nodes without successors: what they emit are outputs of the pipeline. */
  readonly sinks: readonly string[];
}

/**
 * The graph of these nodes.
 *
 * @param nodes with ids that differ; the first of equal ones counts
 * @param connections those with an end that is no node are left out, and so are repeated ones
 */
export function pipelineGraph(
  nodes: readonly { readonly id: string }[],
  connections: readonly ManifestConnection[],
): PipelineGraph {
  const successors = new Map<string, string[]>();
  const predecessors = new Map<string, string[]>();
  for (const { id } of nodes) {
    successors.set(id, []);
    predecessors.set(id, []);
  }
  for (const { from, to } of connections) {
    const next = successors.get(from);
    const previous = predecessors.get(to);
    if (next === undefined || previous === undefined || next.includes(to)) continue;
    next.push(to);
    previous.push(from);
  }
  const ids = [...successors.keys()];
  return {
    order: topologicalOrder(ids, predecessors, successors),
    predecessors,
    successors,
    entries: ids.filter((id) => predecessors.get(id)?.length === 0),
    sinks: ids.filter((id) => successors.get(id)?.length === 0),
  };
}

/**
 * Circles, one for each connection that closes one: without these connections none is left.
 *
 * @returns ids along the way, the first once more at the end: `["a", "b", "a"]`
 */
export function findCycles(graph: PipelineGraph): string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const walk = (id: string): void => {
    trail.push(id);
    for (const next of graph.successors.get(id) ?? []) {
      const start = trail.indexOf(next);
      if (start >= 0) cycles.push([...trail.slice(start), next]);
      else if (!done.has(next)) walk(next);
    }
    trail.pop();
    done.add(id);
  };
  for (const id of graph.successors.keys()) if (!done.has(id)) walk(id);
  return cycles;
}

/** Kahn's order; of all nodes that are ready, the one that the manifest names first. */
function topologicalOrder(
  ids: readonly string[],
  predecessors: ReadonlyMap<string, readonly string[]>,
  successors: ReadonlyMap<string, readonly string[]>,
): string[] {
  const missing = new Map(ids.map((id) => [id, predecessors.get(id)?.length ?? 0]));
  const order: string[] = [];
  for (;;) {
    const id = ids.find((candidate) => missing.get(candidate) === 0);
    if (id === undefined) return order;
    order.push(id);
    missing.delete(id);
    for (const next of successors.get(id) ?? []) missing.set(next, (missing.get(next) ?? 0) - 1);
  }
}
