// A node at work without a pipeline: inputs in, everything that comes out collected.
import { expect } from "vitest";
import type { NodeFactory } from "../../../src/pipeline/node.ts";
import type { AudioData, JsonObject, TransportData } from "../../../src/runtime/data.ts";
import { ScopedLogger } from "../../../src/runtime/logger.ts";
import { concat } from "../../media/signals.ts";

/** How a node is run. */
export interface RunNodeOptions {
  /** Whether the node is flushed after the last input; true when absent. */
  flush?: boolean;
  /** Its clock; stands at 0 when absent. */
  nowMs?: () => number;
  /** Lines the node logs, with their fields. */
  onLog?: (message: string, fields: JsonObject) => void;
}

/** Feed inputs to a new node, its parameters completed from the schema, and close it. @returns what it emitted */
export async function runNode<Params extends object>(
  factory: NodeFactory<Params>,
  params: Partial<Params>,
  inputs: readonly TransportData[],
  options: RunNodeOptions = {},
): Promise<TransportData[]> {
  const outputs: TransportData[] = [];
  const emit = (output: TransportData): Promise<void> => {
    outputs.push(output);
    return Promise.resolve();
  };
  const note = (message: string, fields: JsonObject): void => options.onLog?.(message, fields);
  const node = await factory.create({
    nodeId: "node",
    nodeType: factory.type,
    sessionId: "session",
    params: { ...defaultsOf(factory), ...params },
    nowMs: options.nowMs ?? (() => 0),
    log: new ScopedLogger({ debug: note, info: note, warn: note, error: note }, "debug", {}),
  });
  await node.init?.();
  const { signal } = new AbortController();
  try {
    for (const input of inputs) await node.process(input, emit, signal);
    if (options.flush !== false) await node.flush?.(emit);
  } finally {
    await node.close?.();
  }
  return outputs;
}

/** What a block of sound is besides its samples. */
export interface AudioOptions {
  /** 48000 when absent. */
  sampleRate?: number;
  /** 1 when absent. */
  channels?: number;
  timestampUs?: number;
  /** `source_peer`. */
  peer?: string;
  streamId?: string;
  sequence?: number;
}

/** An input of interleaved samples. */
export function audio(samples: Float32Array, options: AudioOptions = {}): TransportData {
  const { sampleRate = 48_000, channels = 1, timestampUs, streamId, peer, sequence } = options;
  const data: AudioData = { type: "audio", samples, sampleRate, channels };
  if (timestampUs !== undefined) data.timestampUs = timestampUs;
  if (streamId !== undefined) data.streamId = streamId;
  return {
    data,
    metadata: peer === undefined ? {} : { source_peer: peer },
    ...(sequence !== undefined && { sequence }),
  };
}

/** Cut a signal into inputs of `blockMs`, numbered, each with its own capture time when `timestampUs` is given. */
export function blocks(samples: Float32Array, blockMs: number, options: AudioOptions = {}): TransportData[] {
  const { sampleRate = 48_000, channels = 1, timestampUs, sequence = 0 } = options;
  const frames = Math.max(1, Math.round((blockMs * sampleRate) / 1000));
  const inputs: TransportData[] = [];
  for (let at = 0; at * channels < samples.length; at += frames) {
    const time =
      timestampUs === undefined ? {} : { timestampUs: timestampUs + Math.round((at * 1e6) / sampleRate) };
    const part = samples.slice(at * channels, (at + frames) * channels);
    inputs.push(audio(part, { ...options, ...time, sequence: sequence + inputs.length }));
  }
  return inputs;
}

/** The sound among outputs; anything else is an error. */
export function sounds(outputs: readonly TransportData[]): AudioData[] {
  return outputs.map(({ data }) => {
    if (data.type !== "audio") throw new Error(`expected audio, got ${data.type}`);
    return data;
  });
}

/** All samples of outputs, one behind the other. */
export function joined(outputs: readonly TransportData[]): Float32Array {
  return concat(sounds(outputs).map(({ samples }) => samples));
}

/** Fail unless two stretches of sound are the same to the bit; much faster than a comparison of arrays. */
export function expectSame(actual: Float32Array, wanted: Float32Array): void {
  expect(actual.length).toBe(wanted.length);
  expect(actual.findIndex((value, i) => value !== wanted[i])).toBe(-1);
}

/** The JSON objects among outputs; anything else is an error. */
export function reports(outputs: readonly TransportData[]): JsonObject[] {
  return outputs.map(({ data }) => {
    if (data.type !== "json") throw new Error(`expected json, got ${data.type}`);
    return data.value as JsonObject;
  });
}

/** Defaults of all parameters that have one. */
function defaultsOf<Params extends object>({ schema }: NodeFactory<Params>): Params {
  const properties = Object.entries(schema.properties);
  return Object.fromEntries(
    properties.filter(([, { default: value }]) => value !== undefined).map(([name, p]) => [name, p.default]),
  ) as Params;
}
