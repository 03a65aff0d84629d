// A pipeline that runs: its nodes, the ways between them, and how it is drained, aborted and changed. Holds nothing back
// but what nodes hold themselves: whoever sends waits until there is room, and nothing is dropped on the way.
import { describeError, TransportError } from "../errors/errors.ts";
import type { Platform } from "../platform/platform.ts";
import { limited } from "../runtime/call.ts";
import type { TransportData } from "../runtime/data.ts";
import type { ScopedLogger } from "../runtime/logger.ts";
import type { Clock } from "../runtime/time.ts";
import { convertEdges } from "./convert-edges.ts";
import { isEqualJson } from "./equal-json.ts";
import { misfitOf } from "./formats.ts";
import { nodeError } from "./node-errors.ts";
import type { NodeMetrics } from "./node-metrics.ts";
import type { Kind } from "./node.ts";
import { NodeRun } from "./node-run.ts";
import { openNode } from "./open-node.ts";
import { ProgramCallbacks } from "./program-callbacks.ts";
import { isTransportData, noTransportData } from "./transport-data.ts";
import type { ValidManifest, ValidNode } from "./validate-manifest.ts";
import { WorkerNodes } from "./worker-nodes.ts";

/** Where a {@link PipelineExecution} runs, and whom it tells. */
export interface PipelineExecutionOptions {
  /** What its nodes are told they belong to. */
  readonly sessionId: string;
  readonly clock: Clock;
  readonly log: ScopedLogger;
  /** How a thread for nodes is started; without it they all run in this one. */
  readonly startWorker?: Platform["startPipelineWorker"];
  /**
   * Takes what sinks and output nodes emit, `metadata.output_id` being the node's id. The node is held back until it has
   * resolved; with nodes side by side, or ones that do not wait for `emit`, it is called again before that.
   */
  onOutput(output: TransportData): void | Promise<void>;
  /** Takes every error of a node; it is held back until this has resolved. */
  onError(error: TransportError): void | Promise<void>;
}

/** Figures of a running pipeline. */
export interface PipelineMetrics {
  /** Inputs that were sent. */
  readonly inputs: number;
  /** Outputs that were handed to `onOutput`. */
  readonly outputs: number;
  /** Errors that were told. */
  readonly errors: number;
  /** Of nodes that run now, by id; converters that were inserted among them. */
  readonly nodes: Readonly<Record<string, NodeMetrics>>;
}

/** Longest time for draining, ms. */
export const CLOSE_TIMEOUT_MS = 30_000;

const DONE = Promise.resolve();

/** A node and the ways that lead from it. */
interface Member {
  readonly id: string;
  readonly spec: ValidNode;
  readonly run: NodeRun;
  successors: readonly NodeRun[];
  isOutput: boolean;
}

/** The nodes of one manifest. */
interface Plan {
  readonly valid: ValidManifest;
  readonly members: ReadonlyMap<string, Member>;
}

/** An input that waits for the end of a change. */
interface HeldInput {
  readonly input: TransportData;
  readonly settle: (sent: Promise<void>) => void;
}

/** See the header. Made by {@link PipelineExecution.open}. */
export class PipelineExecution {
  readonly sessionId: string;
  readonly #options: PipelineExecutionOptions;
  readonly #workers: WorkerNodes;
  /** Fires when it is aborted. */
  readonly #life = new AbortController();
  /** All that are not closed: those of the plan, of the next one and of the last one. */
  readonly #runs = new Set<NodeRun>();
  #plan: Plan | undefined;
  /** Defined while the plan changes: inputs that wait for it. */
  #heldInputs: HeldInput[] | undefined;
  #changes: Promise<unknown> = DONE;
  #closed = false;
  #closing: Promise<void> | undefined;
  #aborting: Promise<void> | undefined;
  readonly #callbacks = new ProgramCallbacks();
  #inputs = 0;
  #outputs = 0;
  #errors = 0;

  private constructor(options: PipelineExecutionOptions) {
    this.#options = options;
    this.sessionId = options.sessionId;
    const { clock, log, startWorker } = options;
    this.#workers = new WorkerNodes({ clock, log, startWorker });
  }

  /**
   * Create and initialize the nodes, in graph order.
   *
   * @throws TransportError (as rejection) `PIPELINE_ERROR` or `NODE_TIMEOUT` with the `nodeId` of the one that failed;
   * those made before are closed
   */
  static async open(valid: ValidManifest, options: PipelineExecutionOptions): Promise<PipelineExecution> {
    const execution = new PipelineExecution(options);
    try {
      execution.#enter(await execution.#make(valid));
    } catch (error) {
      execution.#closed = true;
      execution.#workers.close();
      throw error;
    }
    return execution;
  }

  /** Whether it takes no more inputs. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Whether a first node accepts inputs of this kind. */
  accepts(kind: Kind): boolean {
    const { valid, members } = this.#current();
    return valid.graph.entries.some((id) => members.get(id)?.run.accepts(kind) === true);
  }

  /**
   * Give an input to the first nodes that accept its kind. Inputs go in in the order of the calls.
   *
   * @returns resolves when it has found room in all of them
   * @throws TransportError (as rejection) `INVALID_DATA` when none accepts the kind; `SESSION_CLOSED` after `close` and
   * `abort`
   */
  send(input: TransportData): Promise<void> {
    if (this.#closed) return Promise.reject(this.#closedError());
    if (!isTransportData(input)) return Promise.reject(noTransportData());
    const held = this.#heldInputs;
    if (held !== undefined) return new Promise((settle) => held.push({ input, settle }));
    return this.#send(input);
  }

  /**
   * Go on as another pipeline. What is under way is worked off by the nodes that are there; those whose id, type and
   * parameters stay the same are kept with all they hold, others are flushed and closed. Inputs wait meanwhile.
   *
   * @throws TransportError (as rejection) as {@link PipelineExecution.open}, then everything stays as it was;
   * `SESSION_CLOSED`
   */
  reconfigure(valid: ValidManifest): Promise<void> {
    if (this.#closed) return Promise.reject(this.#closedError());
    const change = this.#changes.then(() => this.#reconfigure(valid));
    this.#changes = change.catch(() => undefined);
    return change;
  }

  /**
   * Work off what waits, flush every node in graph order and close them. Idempotent, never rejects; what takes longer
   * than `timeoutMs` (30 s) is told as `OPERATION_TIMEOUT` and aborted.
   */
  close({ timeoutMs = CLOSE_TIMEOUT_MS }: { timeoutMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  /** Signal all nodes, drop what waits, and close. Idempotent, never rejects; ends within 1 s whatever nodes do. */
  abort(reason?: unknown): Promise<void> {
    this.#aborting ??= this.#abort(reason ?? new TransportError("ABORTED", "The pipeline was aborted"));
    return this.#aborting;
  }

  metrics(): PipelineMetrics {
    const members = [...(this.#plan?.members.values() ?? [])];
    return {
      inputs: this.#inputs,
      outputs: this.#outputs,
      errors: this.#errors,
      nodes: Object.fromEntries(members.map(({ id, run }) => [id, run.metrics()])),
    };
  }

  #send(input: TransportData): Promise<void> {
    const { valid, members } = this.#current();
    const entries = valid.graph.entries.flatMap((id) => members.get(id) ?? []);
    const takers = entries.filter(({ run }) => run.accepts(input.data.type));
    if (takers.length === 0) return Promise.reject(refusal(input, entries));
    this.#inputs++;
    const waits = takers.map(({ run }) => run.push(input)).filter((taken) => taken !== true);
    return waits.length === 0 ? DONE : this.#taken(waits);
  }

  async #taken(waits: readonly (boolean | Promise<boolean>)[]): Promise<void> {
    const taken = await Promise.all(waits.map((wait) => Promise.resolve(wait)));
    if (taken.includes(false)) throw this.#closedError();
  }

  /** @returns the nodes of a manifest, old ones where they are the same */
  async #make(given: ValidManifest): Promise<Plan> {
    const valid = convertEdges(given);
    const members = new Map<string, Member>();
    try {
      for (const id of valid.graph.order) {
        const spec = valid.nodes.get(id) as ValidNode;
        const old = this.#plan?.members.get(id);
        members.set(id, old !== undefined && isSame(old.spec, spec) ? old : await this.#openMember(id, spec));
        if (this.#life.signal.aborted) throw this.#closedError();
      }
    } catch (error) {
      await this.#closeMembers([...members.values()].filter((member) => this.#isNew(member)));
      throw error;
    }
    return { valid, members };
  }

  #isNew(member: Member): boolean {
    return this.#plan?.members.get(member.id) !== member;
  }

  async #openMember(id: string, spec: ValidNode): Promise<Member> {
    const { clock } = this.#options;
    const { factory, params, node: manifestNode } = spec;
    const node = await openNode(id, spec, {
      ...this.#options,
      workers: this.#workers,
      signal: this.#life.signal,
    });
    const needs = factory.needs?.(params);
    const run = new NodeRun({
      nodeId: id,
      node,
      accepts: factory.accepts,
      execution: manifestNode.execution,
      clock,
      misfit: (data) => (needs === undefined ? undefined : misfitOf(needs, data)),
      deliver: (output) => this.#deliver(member, output),
      onError: (error) => this.#tell(error),
    });
    const member: Member = { id, spec, run, successors: [], isOutput: false };
    this.#runs.add(run);
    return member;
  }

  /** Let the nodes of a plan know who follows them, and keep the limits that it sets. */
  #enter(plan: Plan): void {
    const { graph } = plan.valid;
    for (const member of plan.members.values()) {
      const spec = plan.valid.nodes.get(member.id) as ValidNode;
      const next = graph.successors.get(member.id) ?? [];
      member.successors = next.flatMap((id) => plan.members.get(id)?.run ?? []);
      member.isOutput = next.length === 0 || spec.node.isOutputNode;
      member.run.setExecution(spec.node.execution);
    }
    this.#plan = plan;
  }

  async #reconfigure(valid: ValidManifest): Promise<void> {
    if (this.#life.signal.aborted) throw this.#closedError();
    const next = await this.#make(valid);
    const last = this.#current();
    this.#heldInputs = [];
    for (const id of last.valid.graph.order) {
      const { run } = last.members.get(id) as Member;
      await (this.#keeps(next, id) ? run.settled() : run.finish());
    }
    const leaving = [...last.members.values()].filter(({ id }) => !this.#keeps(next, id));
    if (this.#life.signal.aborted) throw this.#closedError(); // whoever aborts closes old and new
    this.#enter(next);
    this.#release((input) => this.#send(input));
    await this.#closeMembers(leaving);
  }

  #keeps(next: Plan, id: string): boolean {
    return this.#current().members.get(id) === next.members.get(id);
  }

  #release(settle: (input: TransportData) => Promise<void>): void {
    const held = this.#heldInputs ?? [];
    this.#heldInputs = undefined;
    for (const waiting of held) waiting.settle(settle(waiting.input));
  }

  async #close(timeoutMs: number): Promise<void> {
    this.#closed = true;
    const { signal } = this.#life;
    try {
      await limited(this.#drain(), this.#options.clock, `close() of pipeline ${this.sessionId}`, {
        timeoutMs,
        signal,
      });
    } catch (error) {
      if (!this.#life.signal.aborted) void this.#tell(error as TransportError);
      await this.abort(error);
    }
    this.#workers.close();
  }

  async #drain(): Promise<void> {
    await this.#changes;
    const { valid, members } = this.#current();
    for (const id of valid.graph.order) await members.get(id)?.run.finish();
    await this.#closeMembers([...members.values()]);
  }

  async #closeMembers(members: readonly Member[]): Promise<void> {
    await Promise.all(members.map(({ run }) => run.close()));
    for (const { run } of members) this.#runs.delete(run);
  }

  async #abort(reason: unknown): Promise<void> {
    this.#closed = true;
    this.#life.abort(reason);
    this.#release(() => Promise.reject(this.#closedError(reason)));
    const aborting = [...this.#runs].map((run) => run.abort(reason));
    this.#callbacks.release();
    await Promise.all(aborting);
    this.#runs.clear();
    this.#workers.close();
  }

  #deliver(member: Member, output: TransportData): Promise<unknown> | undefined {
    const { id, run, successors, isOutput } = member;
    let waits: Promise<unknown>[] | undefined;
    let routed = isOutput;
    for (const next of successors) {
      if (!next.accepts(output.data.type)) continue;
      routed = true;
      const taken = next.push(output);
      if (typeof taken !== "boolean") (waits ??= []).push(taken);
    }
    if (isOutput) {
      const taken = this.#output(id, output);
      if (taken !== undefined) (waits ??= []).push(taken);
    }
    if (!routed) run.counters.unrouted++;
    return waits?.length === 1 ? waits[0] : waits && Promise.all(waits);
  }

  #output(nodeId: string, output: TransportData): Promise<void> | undefined {
    this.#outputs++;
    const named = { ...output, metadata: { ...output.metadata, output_id: nodeId } };
    return this.#callbacks.call(
      () => this.#options.onOutput(named),
      (error) =>
        void this.#tell(
          nodeError({ nodeId, sequence: output.sequence }, error, "has an output that was not taken"),
        ),
    );
  }

  #tell(error: TransportError): Promise<void> | undefined {
    this.#errors++;
    return this.#callbacks.call(
      () => this.#options.onError(error),
      (thrown) => this.#options.log.error("onError failed", { error: describeError(thrown) }),
    );
  }

  #current(): Plan {
    return this.#plan as Plan;
  }

  #closedError(cause?: unknown): TransportError {
    return new TransportError("SESSION_CLOSED", `The pipeline ${this.sessionId} is closed`, { cause });
  }
}

/** Whether a node can go on as another one. */
function isSame(a: ValidNode, b: ValidNode): boolean {
  return a.factory === b.factory && isEqualJson(a.params, b.params);
}

function refusal({ data }: TransportData, entries: readonly Member[]): TransportError {
  const accepted = [...new Set(entries.flatMap(({ spec }) => spec.factory.accepts))];
  return new TransportError(
    "INVALID_DATA",
    `No first node of the pipeline accepts ${data.type}; ${entries.map(({ id }) => id).join(", ")} accept ${accepted.join(", ")}`,
  );
}
