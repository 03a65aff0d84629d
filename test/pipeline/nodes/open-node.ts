// A node at work without a pipeline: a test sends inputs one by one, moves the time, and reads what came out.
import type { NodeFactory, PipelineNode } from "../../../src/pipeline/node.ts";
import type { RuntimeData, TransportData } from "../../../src/runtime/data.ts";
import { ScopedLogger } from "../../../src/runtime/logger.ts";

/** A node whose methods return nothing to wait for. */
export class OpenNode<Params extends object> {
  readonly outputs: TransportData[] = [];
  /** Fields of log lines. */
  readonly logged: unknown[] = [];
  nowMs = 5000;
  readonly #node: PipelineNode;

  constructor(factory: NodeFactory<Params>, params: Partial<Params> = {}) {
    const note = (_: string, fields: unknown): void => void this.logged.push(fields);
    const defaults = Object.entries(factory.schema.properties).map(([name, { default: value }]) => [
      name,
      value,
    ]);
    this.#node = factory.create({
      nodeId: "node",
      nodeType: factory.type,
      sessionId: "session",
      params: { ...(Object.fromEntries(defaults) as Params), ...params },
      nowMs: () => this.nowMs,
      log: new ScopedLogger({ debug: note, info: note, warn: note, error: note }, "debug", {}),
    }) as PipelineNode;
    void this.#node.init?.();
  }

  /** @returns what came out by it */
  send(
    data: RuntimeData,
    metadata: Readonly<Record<string, string>> = {},
    sequence?: number,
  ): TransportData[] {
    const before = this.outputs.length;
    void this.#node.process({ data, metadata, sequence }, this.#emit, new AbortController().signal);
    return this.outputs.slice(before);
  }

  flush(): TransportData[] {
    const before = this.outputs.length;
    void this.#node.flush?.(this.#emit);
    return this.outputs.slice(before);
  }

  close(): void {
    void this.#node.close?.();
  }

  readonly #emit = (output: TransportData): Promise<void> => {
    this.outputs.push(output);
    return Promise.resolve();
  };
}
