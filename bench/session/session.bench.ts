// How soon a session on a real pipeline is there and gone again, against the pipeline alone; how much a session adds to
// each frame; and ten peers who send a block every millisecond.
import type { NodeMetrics } from "../../src/pipeline/node-metrics.ts";
import { PipelineRunner } from "../../src/pipeline/runner.ts";
import type { ValidManifest } from "../../src/pipeline/validate-manifest.ts";
import type { TransportData } from "../../src/runtime/data.ts";
import type { Clock } from "../../src/runtime/time.ts";
import type { Deliver } from "../../src/session/session-flow.ts";
import { SessionManager } from "../../src/session/session-manager.ts";
import type { Bench, BenchCase, Distribution, Figure, Sampler } from "../bench.ts";

const SESSIONS = 200;
const MAX_CREATE_MS = 5;
const MAX_CLOSE_MS = 200;
const FRAMES = 2_000;
/** Blocks of one peer that are under way together; fewer than are dropped. */
const AT_A_TIME = 10;
const PEERS = 10;
const CHUNKS_PER_SECOND = 1_000;
const SECONDS = 2;

/** The clock of this process; the same in Node and in a page. */
const clock: Clock = {
  now: () => performance.now(),
  wallNow: () => performance.timeOrigin + performance.now(),
  setTimer(atMs, callback) {
    const timer = setTimeout(callback, Math.max(0, atMs - performance.now()));
    return () => clearTimeout(timer);
  },
};

const MANIFEST = {
  version: "v1",
  metadata: { name: "three in a row" },
  nodes: ["a", "b", "c"].map((id) => ({ id, node_type: "PassThrough" })),
  connections: [
    { from: "a", to: "b" },
    { from: "b", to: "c" },
  ],
};

const BLOCK: TransportData = {
  data: { type: "audio", samples: new Float32Array(48), sampleRate: 48_000, channels: 1 },
  metadata: {},
};
const MESSAGE: TransportData = { data: { type: "text", text: "hello" }, metadata: {} };

function newManager(deliver: Deliver = async () => new Map()): SessionManager<ValidManifest, NodeMetrics> {
  return new SessionManager<ValidManifest, NodeMetrics>({
    clock,
    randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    pipelines: new PipelineRunner({ clock }),
    deliver,
    onEvent: () => undefined,
  });
}

const callbacks = { onOutput: () => undefined, onError: () => undefined };

function creating(): Sampler[] {
  const manager = newManager();
  const runner = new PipelineRunner({ clock });
  return [
    {
      name: "a session",
      sample: async () => {
        const beganMs = performance.now();
        const session = await manager.create(MANIFEST);
        const tookMs = performance.now() - beganMs;
        await session.close();
        return tookMs;
      },
    },
    {
      name: "the pipeline alone",
      sample: async () => {
        const beganMs = performance.now();
        const execution = await runner.open(MANIFEST, callbacks);
        const tookMs = performance.now() - beganMs;
        await execution.close();
        return tookMs;
      },
    },
  ];
}

function closing(): Sampler[] {
  const manager = newManager();
  const runner = new PipelineRunner({ clock });
  return [
    {
      name: "a session",
      sample: async () => {
        const session = await manager.create(MANIFEST);
        session.attachPeer("alice");
        for (let i = 0; i < 20; i++) void session.receive("alice", i % 2 === 0 ? BLOCK : MESSAGE);
        const beganMs = performance.now();
        await session.close();
        return performance.now() - beganMs;
      },
    },
    {
      name: "the pipeline alone",
      sample: async () => {
        const execution = await runner.open(MANIFEST, callbacks);
        for (let i = 0; i < 20; i++) void execution.send(i % 2 === 0 ? BLOCK : MESSAGE);
        const beganMs = performance.now();
        await execution.close();
        return performance.now() - beganMs;
      },
    },
  ];
}

function distributions(): Distribution[] {
  const [[create, open], [close, drain]] = [creating(), closing()] as unknown as [
    [Sampler, Sampler],
    [Sampler, Sampler],
  ];
  const shared = { count: SESSIONS, slowMs: MAX_CREATE_MS, close: async () => undefined };
  return [
    { ...shared, name: "create", ours: create, baseline: open, goalP95Ms: MAX_CREATE_MS },
    {
      ...shared,
      name: "close with 20 inputs under way",
      ours: close,
      baseline: drain,
      goalP95Ms: MAX_CLOSE_MS,
    },
  ];
}

async function cases(): Promise<BenchCase[]> {
  let delivered = 0;
  let arrived = (): void => undefined;
  const session = await newManager(async () => {
    if (++delivered % AT_A_TIME === 0) arrived();
    return new Map();
  }).create(MANIFEST);
  session.attachPeer("alice");
  let emitted = 0;
  const onOutput = (): void => {
    if (++emitted % AT_A_TIME === 0) arrived();
  };
  const execution = await new PipelineRunner({ clock }).open(MANIFEST, { ...callbacks, onOutput });
  const run = async (send: () => Promise<void>): Promise<number> => {
    for (let i = 0; i < FRAMES; i += AT_A_TIME) {
      const all = new Promise<void>((resolve) => (arrived = resolve));
      for (let k = 0; k < AT_A_TIME; k++) void send();
      await all;
    }
    return FRAMES;
  };
  return [
    {
      name: "one block through three nodes, to a peer",
      ours: { name: "a session", run: () => run(() => session.receive("alice", BLOCK)) },
      baseline: { name: "the pipeline alone", run: () => run(() => execution.send(BLOCK)) },
    },
  ];
}

/** Ten peers, each a block of 1 ms every millisecond, in real time. */
async function flood(): Promise<Figure[]> {
  const session = await newManager().create(MANIFEST);
  const peers = Array.from({ length: PEERS }, (_, i) => `peer-${i}`);
  for (const peer of peers) session.attachPeer(peer);
  const beganMs = performance.now();
  const usedBefore = process.cpuUsage();
  for (let sent = 0; sent < SECONDS * CHUNKS_PER_SECOND;) {
    const due = Math.min(SECONDS * CHUNKS_PER_SECOND, Math.floor(performance.now() - beganMs));
    for (; sent < due; sent++) for (const peer of peers) void session.receive(peer, BLOCK);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const { user, system } = process.cpuUsage(usedBefore);
  const tookMs = performance.now() - beganMs;
  await session.close();
  const { framesIn, framesOut, framesDropped } = session.metrics();
  const name = `${PEERS} peers, ${CHUNKS_PER_SECOND} blocks/s each, three nodes`;
  return [
    { name: `${name}: dropped`, unit: "blocks", ours: framesDropped, baselines: [], goal: { atMost: 0 } },
    {
      name: `${name}: through`,
      unit: "share",
      ours: framesOut / framesIn,
      baselines: [],
      goal: { atLeast: 1 },
    },
    { name: `${name}: processor`, unit: "% of a core", ours: (user + system) / 10 / tookMs, baselines: [] },
  ];
}

const bench: Bench = { runtimes: ["node", "chromium"], cases, distributions, figures: flood };
export default bench;
