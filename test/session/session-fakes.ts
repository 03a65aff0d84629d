// A pipeline that does what a test says, and sessions that run it.
import type { TransportError } from "../../src/errors/errors.ts";
import type { ManifestSource } from "../../src/pipeline/manifest.ts";
import type { RuntimeData, TransportData } from "../../src/runtime/data.ts";
import type { OutputTarget } from "../../src/session/deliveries.ts";
import type { SessionEvent } from "../../src/session/session-events.ts";
import type { SessionExecution } from "../../src/session/session-flow.ts";
import { StreamSession } from "../../src/session/stream-session.ts";
import type { ExecutionListener, StreamSessionOptions } from "../../src/session/stream-session.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

export const NOBODY: ReadonlyMap<string, TransportError> = new Map();

export type NodeFigures = { readonly inputs: number };

/** Takes inputs as long as it is open, and emits what it is told to. */
export class FakePipeline implements SessionExecution<ManifestSource, NodeFigures> {
  readonly taken: TransportData[] = [];
  readonly calls: string[] = [];
  kinds: readonly string[] = ["audio", "video", "text", "json", "binary", "tensor", "control"];
  /** What close() does before it settles. */
  onClose: () => Promise<void> | void = () => undefined;
  onAbort: () => Promise<void> | void = () => undefined;
  /** Emit every input as an output of this id. */
  echo: string | undefined;
  listener!: ExecutionListener;
  #gate: Promise<void> = Promise.resolve();
  #open: () => void = () => undefined;

  /** Take nothing more until {@link unblock}. What is being sent stays with the pipeline. */
  block(): void {
    this.#gate = new Promise((resolve) => (this.#open = resolve));
  }

  unblock(): void {
    this.#open();
  }

  async send(input: TransportData): Promise<void> {
    this.taken.push(input);
    await this.#gate;
    if (this.echo !== undefined) await this.emit(this.echo, input.data, input.metadata);
  }

  /** @returns what the session returned */
  emit(
    outputId: string,
    data: RuntimeData,
    metadata: Readonly<Record<string, string>> = {},
  ): void | Promise<void> {
    return this.listener.onOutput({ data, metadata: { ...metadata, output_id: outputId } });
  }

  accepts(kind: string): boolean {
    return this.kinds.includes(kind);
  }

  async close(): Promise<void> {
    this.calls.push("close");
    await this.onClose();
  }

  async abort(reason?: unknown): Promise<void> {
    this.calls.push(`abort ${String((reason as Error | undefined)?.message ?? reason)}`);
    await this.onAbort();
  }

  async reconfigure(manifest: ManifestSource): Promise<void> {
    this.calls.push(`reconfigure ${JSON.stringify(manifest)}`);
  }

  metrics(): { nodes: Readonly<Record<string, NodeFigures>> } {
    return { nodes: { echo: { inputs: this.taken.length } } };
  }
}

export interface Delivery {
  readonly data: RuntimeData;
  readonly metadata: Readonly<Record<string, string>>;
  readonly peers: readonly string[];
  readonly tier: string | undefined;
}

export type FakeOptions = Partial<StreamSessionOptions<ManifestSource, NodeFigures>>;

/** A session on a {@link FakePipeline}. */
export async function openSession(options: FakeOptions = {}) {
  const clock = new VirtualClock();
  const pipeline = new FakePipeline();
  const events: SessionEvent[] = [];
  const deliveries: Delivery[] = [];
  const session = new StreamSession<ManifestSource, NodeFigures>({
    sessionId: "s1",
    clock,
    manifest: { version: "v1" },
    validate: (manifest) => manifest,
    open: async (_, listener) => {
      pipeline.listener = listener;
      return pipeline;
    },
    deliver: async ({ data, metadata }: TransportData, { peers, tier }: OutputTarget) => {
      deliveries.push({ data, metadata, peers, tier });
      return NOBODY;
    },
    onEvent: (event) => events.push(event),
    ...options,
  });
  await session.start();
  return { session, pipeline, clock, events, deliveries };
}

/** Chunks as one. */
export function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** Let promise callbacks run. */
export async function settled(clock: VirtualClock): Promise<void> {
  await clock.run(0);
}

export function text(value: string, metadata: Record<string, string> = {}): TransportData {
  return { data: { type: "text", text: value }, metadata };
}

/** Mono at 48 kHz. @param level of all samples, to tell blocks apart */
export function audio(ms: number, level = 0): TransportData {
  const samples = new Float32Array(ms * 48).fill(level);
  return { data: { type: "audio", samples, sampleRate: 48_000, channels: 1 }, metadata: {} };
}

/** @param frameNumber tells pictures apart */
export function picture(frameNumber: number): TransportData {
  const data = new Uint8Array(6);
  return { data: { type: "video", data, width: 2, height: 2, format: "I420", frameNumber }, metadata: {} };
}

export function coded(frameNumber: number, isKeyframe: boolean, streamId?: string): TransportData {
  const shape = { width: 2, height: 2, format: "encoded", codec: "VP8" } as const;
  const stream = streamId === undefined ? {} : { streamId };
  const data = new Uint8Array(1);
  return { data: { type: "video", data, ...shape, isKeyframe, frameNumber, ...stream }, metadata: {} };
}

/** What tells inputs apart, in short. */
export function nameOf({ data }: { readonly data: RuntimeData }): string {
  switch (data.type) {
    case "text":
      return data.text;
    case "audio":
      return `a${(data.samples[0] ?? 0).toFixed(2)}`;
    case "video":
      return `v${data.frameNumber ?? "?"}`;
    default:
      return data.type;
  }
}

export function namesOf(all: readonly { readonly data: RuntimeData }[]): string[] {
  return all.map(nameOf);
}
