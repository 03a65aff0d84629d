// Pipelines for tests: a runner in virtual time, manifests in a line, nodes that do what a test says.
import { PipelineRunner } from "../../src/pipeline/runner.ts";
import type { PipelineRunnerOptions } from "../../src/pipeline/runner.ts";
import type { PipelineExecution } from "../../src/pipeline/execution.ts";
import type { TransportError } from "../../src/errors/errors.ts";
import { KINDS } from "../../src/pipeline/node.ts";
import type { NodeContext, NodeFactory, PipelineNode } from "../../src/pipeline/node.ts";
import type { JsonValue, TransportData } from "../../src/runtime/data.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

/** A factory of a node that takes and gives everything. */
export function factory(
  type: string,
  create: (context: NodeContext) => PipelineNode | Promise<PipelineNode>,
  more: Partial<NodeFactory> = {},
): NodeFactory {
  const schema: NodeFactory["schema"] = { type: "object", properties: {} };
  return { type, description: "For tests.", schema, accepts: KINDS, emits: KINDS, create, ...more };
}

/** A factory of a node that is a function of one input. */
export function simple(
  type: string,
  process: PipelineNode["process"],
  more: Partial<NodeFactory> = {},
): NodeFactory {
  return factory(type, () => ({ process }), more);
}

/** How one node of a manifest differs from `{ id, node_type }`. */
export type NodeChange = Record<string, JsonValue>;

/**
 * A manifest from lines of `id:Type`, and of `from > to` for connections.
 *
 * @param changes further members of nodes, by id
 */
export function manifest(
  lines: string,
  changes: Record<string, NodeChange> = {},
  metadata: NodeChange = {},
): object {
  const all = lines.trim().split(/\s*;\s*/);
  const nodes = all
    .filter((line) => line.includes(":"))
    .map((line) => line.split(":").map((word) => word.trim()))
    .map(([id = "", type = ""]) => ({ id, node_type: type, ...changes[id] }));
  const connections = all
    .filter((line) => line.includes(">"))
    .flatMap((line) => {
      const ids = line.split(">").map((word) => word.trim());
      return ids.slice(1).map((to, index) => ({ from: ids[index] ?? "", to }));
    });
  return { version: "v1", metadata: { name: "test", ...metadata }, nodes, connections };
}

/** Text number `sequence`. */
export function text(sequence: number, word = String(sequence)): TransportData {
  return { data: { type: "text", text: word }, sequence, metadata: {} };
}

/** What text an output holds. */
export function textOf({ data }: TransportData): string {
  return data.type === "text" ? data.text : `(${data.type})`;
}

/** The same data with another text. */
export function withText(input: TransportData, word: string): TransportData {
  return { ...input, data: { type: "text", text: word } };
}

/** A runner with these nodes besides the built-in ones, and a clock that stands still. */
export function world(
  factories: readonly NodeFactory[] = [],
  options: Partial<PipelineRunnerOptions> = {},
): { clock: VirtualClock; runner: PipelineRunner } {
  const clock = new VirtualClock();
  const runner = new PipelineRunner({ clock, ...options });
  for (const each of factories) runner.registry.register(each);
  return { clock, runner };
}

/** An open pipeline and what came out of it. */
export interface OpenPipeline {
  readonly execution: PipelineExecution;
  readonly outputs: TransportData[];
  readonly errors: TransportError[];
}

/** Open a pipeline that keeps what comes out of it. */
export async function open(runner: PipelineRunner, source: object): Promise<OpenPipeline> {
  const outputs: TransportData[] = [];
  const errors: TransportError[] = [];
  const execution = await runner.open(source, {
    onOutput: (output) => void outputs.push(output),
    onError: (error) => void errors.push(error),
  });
  return { execution, outputs, errors };
}

/** A promise and whoever settles it. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open: () => open() };
}

/** Let promise callbacks run, as deep as this. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await Promise.resolve();
}
