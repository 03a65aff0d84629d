// What running a graph costs besides the work of its nodes: per node and frame against plain calls, per pipeline that is
// opened and closed, and of ten peers whose sound comes in chunks of a millisecond.
import { browserClock } from "../../src/platform/browser/clock.ts";
import { PipelineRunner } from "../../src/pipeline/runner.ts";
import type { TransportData } from "../../src/runtime/data.ts";
import type { Bench, BenchCase, Figure } from "../bench.ts";

const FRAMES = 5_000;
const OPENED = 50;
const PEERS = 10;
const CHUNKS_PER_S = 1_000;
const SECONDS = 10;
const SOUND = `sound of ${PEERS} peers in ${CHUNKS_PER_S} chunks a second each, Gain > NoiseGate > Limiter`;

const runner = new PipelineRunner({ clock: browserClock });

function chain(types: readonly string[]): object {
  return {
    version: "v1",
    metadata: { name: "bench" },
    nodes: types.map((type, n) => ({ id: `n${n}`, node_type: type })),
    connections: types.slice(1).map((_, n) => ({ from: `n${n}`, to: `n${n + 1}` })),
  };
}

function passThroughs(count: number): object {
  return chain(new Array<string>(count).fill("PassThrough"));
}

const frame: TransportData = {
  data: { type: "text", text: "frame" },
  sequence: 0,
  metadata: { source_peer: "bob" },
};

async function throughGraph(count: number): Promise<number> {
  let outputs = 0;
  const execution = await runner.open(passThroughs(count), {
    onOutput: () => void outputs++,
    onError: (error) => {
      throw error;
    },
  });
  for (let n = 0; n < FRAMES; n++) await execution.send(frame);
  await execution.close();
  if (outputs !== FRAMES) throw new Error(`${outputs} of ${FRAMES} frames came out`);
  return FRAMES * count;
}

async function throughCalls(count: number): Promise<number> {
  const calls = Array.from({ length: count }, () => async (input: TransportData) => input);
  let outputs = 0;
  for (let n = 0; n < FRAMES; n++) {
    let output = frame;
    for (const call of calls) output = await call(output);
    if (output === frame) outputs++;
  }
  if (outputs !== FRAMES) throw new Error(`${outputs} of ${FRAMES} frames came out`);
  return FRAMES * count;
}

async function openAndClose(): Promise<number> {
  const source = passThroughs(3);
  for (let n = 0; n < OPENED; n++) {
    const execution = await runner.open(source, { onOutput: () => undefined, onError: () => undefined });
    await execution.close();
  }
  return OPENED;
}

function checkOnly(): number {
  const source = passThroughs(3);
  for (let n = 0; n < OPENED; n++) runner.validate(source);
  return OPENED;
}

function cases(): BenchCase[] {
  const chains = [1, 3, 10].map((count) => ({
    name: `one node and frame, chain of ${count} PassThrough`,
    ours: { name: "graph", run: () => throughGraph(count) },
    baseline: { name: "async functions", run: () => throughCalls(count) },
  }));
  return [
    ...chains,
    {
      name: "a pipeline of 3 nodes, opened and closed",
      ours: { name: "open() and close()", run: openAndClose },
      baseline: { name: "its manifest checked alone", run: checkOnly },
    },
  ];
}

/** Ten seconds of sound as fast as it goes. */
async function figures(wants: (name: string) => boolean): Promise<Figure[]> {
  if (!wants(SOUND)) return [];
  let samplesOut = 0;
  const execution = await runner.open(chain(["Gain", "NoiseGate", "Limiter"]), {
    onOutput: ({ data }) => void (samplesOut += data.type === "audio" ? data.samples.length : 0),
    onError: (error) => {
      throw error;
    },
  });
  const samples = Float32Array.from({ length: 48 }, (_, i) => 0.3 * Math.sin((2 * Math.PI * i) / 48));
  const chunks = SECONDS * CHUNKS_PER_S;
  const before = process.cpuUsage();
  const peers = Array.from({ length: PEERS }, async (_, peer) => {
    const metadata = { source_peer: `peer-${peer}` };
    for (let sequence = 0; sequence < chunks; sequence++) {
      const timestampUs = 1_000 * sequence;
      const data = { type: "audio", samples, sampleRate: 48_000, channels: 1, timestampUs } as const;
      await execution.send({ data, sequence, metadata });
    }
  });
  await Promise.all(peers);
  await execution.close();
  const { user, system } = process.cpuUsage(before);
  const { nodes } = execution.metrics();
  const dropped = Object.values(nodes).map((node) => node.dropped + node.skipped + node.late + node.unrouted);
  return [
    figure("samples that did not come out", "", PEERS * chunks * samples.length - samplesOut, 0),
    figure(
      "chunks dropped by nodes",
      "of 100,000",
      dropped.reduce((sum, count) => sum + count),
      0,
    ),
    figure("time of a core at real rate", "%", (user + system) / 1e4 / SECONDS, 50),
  ];
}

function figure(name: string, unit: string, ours: number, atMost: number): Figure {
  return { name: `${SOUND}: ${name}`, unit, ours, baselines: [], goal: { atMost } };
}

const bench: Bench = { runtimes: ["node", "chromium"], cases, figures };
export default bench;
