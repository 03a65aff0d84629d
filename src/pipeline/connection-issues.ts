// What is wrong with the connections of a manifest, whatever its nodes are. Pure.
import { findCycles, pipelineGraph } from "./graph.ts";
import { clip, inWords, manifestIssue, pointerTo } from "./manifest-issues.ts";
import type { ManifestConnection, ManifestIssue } from "./manifest.ts";
import { didYouMean } from "./names.ts";

/** Nodes of a circle that a message names; further ones are left out in the middle. */
const MAX_PATH = 12;

/** A connection and where it stands. */
export interface GivenConnection extends ManifestConnection {
  /** Pointer to the connection. */
  readonly pointer: string;
}

/**
 * Every fault of these connections: ends that are no node, a node connected with itself, the same connection twice, and
 * each connection that closes a circle.
 *
 * @param ids of all nodes; without them the ends are not looked for
 */
export function connectionIssues(
  connections: readonly GivenConnection[],
  ids: readonly string[] | undefined,
): ManifestIssue[] {
  const issues: ManifestIssue[] = [];
  const firsts = new Map<string, GivenConnection>();
  const known = new Set(ids);
  for (const connection of connections) {
    const { pointer, from, to } = connection;
    for (const end of ids === undefined ? [] : (["from", "to"] as const)) {
      const id = connection[end];
      if (known.has(id)) continue;
      const message = `${inWords(id)} is the id of no node${didYouMean(id, known)}`;
      issues.push(manifestIssue("UNKNOWN_ENDPOINT", pointerTo(pointer, end), message));
    }
    const key = JSON.stringify([from, to]);
    const first = firsts.get(key);
    if (from === to)
      issues.push(manifestIssue("SELF_LOOP", pointer, `${inWords(from)} is connected with itself`));
    else if (first === undefined) firsts.set(key, connection);
    else {
      const message = `${inWords(from)} and ${inWords(to)} are connected twice, see ${first.pointer}`;
      issues.push(manifestIssue("DUPLICATE_CONNECTION", pointer, message));
    }
  }
  return [...issues, ...cycleIssues(firsts)];
}

function cycleIssues(connections: ReadonlyMap<string, GivenConnection>): ManifestIssue[] {
  const all = [...connections.values()];
  const ids = new Set(all.flatMap(({ from, to }) => [from, to]));
  const graph = pipelineGraph(
    [...ids].map((id) => ({ id })),
    all,
  );
  return findCycles(graph).map((path) => {
    const last = connections.get(JSON.stringify(path.slice(-2)));
    return manifestIssue("CYCLE", last?.pointer ?? "/connections", `a circle: ${pathInWords(path)}`, {
      nodeId: path[0],
    });
  });
}

function pathInWords(path: readonly string[]): string {
  const names = path.map(clip);
  if (path.length <= MAX_PATH) return names.join(" -> ");
  const half = MAX_PATH / 2;
  return [...names.slice(0, half), `(${path.length - MAX_PATH} more)`, ...names.slice(-half)].join(" -> ");
}
