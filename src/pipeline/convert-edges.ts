// Puts converters before nodes that insist on a format, where the manifest asks for it with `auto_negotiate`. They convert
// what does not fit and hand on the rest as it is, of every kind, so that what comes over an edge keeps its order. Pure.
import type { JsonValue, TransportData } from "../runtime/data.ts";
import { pipelineGraph } from "./graph.ts";
import type { ManifestConnection } from "./manifest.ts";
import type { Emit, Kind, NodeContext, NodeFactory, PipelineNode } from "./node.ts";
import { formatConvertNode } from "./nodes/format-convert.ts";
import { resampleNode } from "./nodes/resample.ts";
import type { ValidManifest, ValidNode } from "./validate-manifest.ts";

type Params = Readonly<Record<string, JsonValue>>;

/** A way to convert one kind of data. */
interface Conversion {
  readonly suffix: string;
  readonly kind: Kind;
  readonly factory: NodeFactory;
  readonly params: Params;
}

/** Rates that a converter of channels alone has met last, and goes on with. */
const MAX_RATES = 4;
/** Stands for the inputs of the pipeline in the ids of converters. */
const INPUT = "input";

/** Made once each, so that a pipeline that changes finds its converters again. */
const converters = new Map<string, NodeFactory>();

/**
 * The manifest with converters, or as it is where it does not ask for them. They are nodes of the types `Resample` and
 * `FormatConvert` with ids such as `mic--mixer--resample`, `input--mixer--resample` before a first node.
 */
export function convertEdges(valid: ValidManifest): ValidManifest {
  const { manifest, graph } = valid;
  if (!manifest.metadata.autoNegotiate) return valid;
  const nodes = new Map(valid.nodes);
  const connections: ManifestConnection[] = [];
  const inputs = graph.entries.map((to) => ({ from: undefined, to }));
  for (const { from, to } of [...inputs, ...manifest.connections]) {
    const target = valid.nodes.get(to) as ValidNode;
    const source = from === undefined ? undefined : valid.nodes.get(from);
    let last = from;
    for (const conversion of conversionsFor(target, source)) {
      const id = freeId(`${from ?? INPUT}--${to}--${conversion.suffix}`, nodes);
      nodes.set(id, converterNode(id, conversion, target));
      if (last !== undefined) connections.push({ from: last, to: id });
      last = id;
    }
    if (last !== undefined) connections.push({ from: last, to });
  }
  const ids = [...nodes.keys()].map((id) => ({ id }));
  return { ...valid, nodes, graph: pipelineGraph(ids, connections) };
}

function conversionsFor({ factory, params }: ValidNode, source: ValidNode | undefined): Conversion[] {
  const { audio, video } = factory.needs?.(params) ?? {};
  const conversions: Conversion[] = [];
  if (audio?.sampleRate !== undefined || audio?.channels !== undefined) {
    const { sampleRate, channels = "same" } = audio;
    conversions.push({
      suffix: "resample",
      kind: "audio",
      factory: resampleNode,
      params: { ...(sampleRate !== undefined && { targetRate: sampleRate }), channels, quality: "medium" },
    });
  }
  if (video?.format !== undefined && video.format !== "encoded") {
    conversions.push({
      suffix: "format",
      kind: "video",
      factory: formatConvertNode,
      params: { target: video.format },
    });
  }
  const comes = ({ kind }: Conversion): boolean => source?.factory.emits.includes(kind) ?? true;
  return conversions.filter((conversion) => factory.accepts.includes(conversion.kind) && comes(conversion));
}

function freeId(wanted: string, nodes: ReadonlyMap<string, ValidNode>): string {
  let id = wanted;
  for (let count = 2; nodes.has(id); count++) id = `${wanted}-${count}`;
  return id;
}

function converterNode(id: string, { factory, params }: Conversion, target: ValidNode): ValidNode {
  const node = {
    ...{ id, nodeType: factory.type, params, isStreaming: true, isOutputNode: false },
    execution: { ...target.node.execution, maxRetries: 0 },
  };
  return { node, params, factory: converterFactory(factory, target.factory.accepts) };
}

/** A factory that converts by means of another one, and accepts what the node behind it does. */
function converterFactory(inner: NodeFactory, accepts: readonly Kind[]): NodeFactory {
  const key = `${inner.type} ${accepts.join(" ")}`;
  const factory = converters.get(key) ?? {
    ...inner,
    accepts,
    emits: accepts,
    create: (context: NodeContext) => new Converter(inner, context),
  };
  converters.set(key, factory);
  return factory;
}

/** One node of the type for each rate to convert to: without a rate that is asked for, sound keeps its own. */
class Converter implements PipelineNode {
  readonly #inner: NodeFactory;
  readonly #context: NodeContext;
  /** By rate; those used last at the end. */
  readonly #nodes = new Map<JsonValue | undefined, PipelineNode>();

  constructor(inner: NodeFactory, context: NodeContext) {
    this.#inner = inner;
    this.#context = context;
  }

  readonly process: PipelineNode["process"] = (input, emit, signal) => {
    if (!this.#inner.accepts.includes(input.data.type)) return void emit(input);
    return this.#nodeFor(input).process(input, emit, signal);
  };

  flush(emit: Emit): void {
    for (const node of this.#nodes.values()) void node.flush?.(emit);
  }

  #nodeFor({ data }: TransportData): PipelineNode {
    const { params } = this.#context;
    const targetRate = params.targetRate ?? (data.type === "audio" ? data.sampleRate : undefined);
    const node = this.#nodes.get(targetRate) ?? this.#create(targetRate);
    this.#nodes.delete(targetRate);
    this.#nodes.set(targetRate, node);
    const [oldest] = this.#nodes.keys();
    if (this.#nodes.size > MAX_RATES) this.#nodes.delete(oldest);
    return node;
  }

  #create(targetRate: JsonValue | undefined): PipelineNode {
    const { params } = this.#context;
    const all = targetRate === undefined ? params : { ...params, targetRate };
    // Nodes of the library are there at once, and need no end.
    return this.#inner.create({ ...this.#context, params: all }) as PipelineNode;
  }
}
