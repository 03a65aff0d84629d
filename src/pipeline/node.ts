// What a node of a pipeline is, and who makes one: the interface that built-in nodes and those of a program share.
import type { JsonObject, JsonValue, PixelFormat, RuntimeData, TransportData } from "../runtime/data.ts";
import type { ScopedLogger } from "../runtime/logger.ts";
import type { LocalMs } from "../runtime/time.ts";

/** What nodes take and give. */
export type Kind = RuntimeData["type"];

/** Every {@link Kind}. */
export const KINDS = [
  "audio",
  "video",
  "tensor",
  "json",
  "text",
  "binary",
  "control",
] as const satisfies Kind[];

/** Schema of one parameter (JSON Schema 2020-12). Its name is camelCase; manifests may say it in snake_case too. */
export interface ParamProperty {
  readonly description: string;
  readonly type?: "number" | "integer" | "string" | "boolean" | "array" | "object";
  /** Used where the manifest says nothing; without it the parameter stays away, unless it is required. */
  readonly default?: JsonValue;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly enum?: readonly JsonValue[];
  /** Any other keyword, e.g. `items`, `minLength`, `pattern`. */
  readonly [keyword: string]: unknown;
}

/** Schema of a node's parameters; names that are not among the properties are faults. */
export interface ParamSchema {
  readonly type: "object";
  readonly properties: Readonly<Record<string, ParamProperty>>;
  readonly required?: readonly string[];
}

/** Formats that a node is restricted to; what is not named may be anything. */
export interface NodeFormats {
  readonly audio?: {
    /** Hz. */
    readonly sampleRate?: number | undefined;
    readonly channels?: number | undefined;
  };
  readonly video?: { readonly format?: PixelFormat | undefined };
}

/** What a node knows of where it runs. */
export interface NodeContext<Params = Readonly<Record<string, JsonValue>>> {
  readonly nodeId: string;
  readonly nodeType: string;
  /** Of the session or the single run it belongs to. */
  readonly sessionId: string;
  /** Checked, camelCase, defaults filled in. */
  readonly params: Params;
  /** Monotonic ms. */
  readonly nowMs: () => LocalMs;
  readonly log: ScopedLogger;
}

/**
 * Hand on an output. Resolves when whoever comes next has room for it: a node that makes much of one input waits for it;
 * one that does not is held back before its next input.
 */
export type Emit = (output: TransportData) => Promise<void>;

/** One node at work. It gets one input at a time, in order. */
export interface PipelineNode {
  /** Before the first input; may reject, which ends the pipeline before it began. */
  init?(): void | Promise<void>;
  /**
   * Work on an input; never change it. What it throws is the error of this input alone.
   * @param signal fires when the pipeline is aborted or the time for this input is up
   */
  process(input: TransportData, emit: Emit, signal: AbortSignal): void | Promise<void>;
  /** After the last input of a pipeline that is closed: what is still held goes out. */
  flush?(emit: Emit): void | Promise<void>;
  /** Always last, once. */
  close?(): void | Promise<void>;
}

/**
 * Makes the nodes of one type.
 *
 * @example
 * registry.register({
 *   type: "Shout",
 *   description: "Text in capitals.",
 *   schema: { type: "object", properties: {} },
 *   accepts: ["text"],
 *   emits: ["text"],
 *   create: () => ({
 *     async process({ data, ...rest }, emit) {
 *       if (data.type === "text") await emit({ ...rest, data: { ...data, text: data.text.toUpperCase() } });
 *     },
 *   }),
 * });
 */
export interface NodeFactory<Params = Readonly<Record<string, JsonValue>>> {
  /** As manifests say it, e.g. `Gain`. A name with `Node` behind it means the same. */
  readonly type: string;
  readonly aliases?: readonly string[] | undefined;
  /** One sentence for the documentation. */
  readonly description: string;
  readonly schema: ParamSchema;
  /** Inputs of other kinds do not come here. */
  readonly accepts: readonly Kind[];
  readonly emits: readonly Kind[];
  /** What it insists on; with `auto_negotiate` the pipeline converts what does not fit. */
  needs?(params: Params): NodeFormats;
  /** `worker`: much work for each input; runs in a thread of its own where there are threads. */
  readonly thread?: "worker" | undefined;
  /**
   * Absolute URL of a module whose default export is this factory: what a worker loads. What a node emits there moves to
   * the pipeline's thread, unless it is of an input; a node that goes on using what it has made emits a copy.
   */
  readonly module?: string | undefined;
  /** Faults that the schema cannot say, e.g. between parameters. @returns by parameter, what was expected */
  check?(params: Params): Readonly<Record<string, string>>;
  create(context: NodeContext<Params>): PipelineNode | Promise<PipelineNode>;
}

/** Facts about a fault, for `details` of errors. */
export type NodeErrorDetails = JsonObject & { sequence?: number };
