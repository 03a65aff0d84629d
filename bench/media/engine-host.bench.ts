// What a media engine costs the thread of its caller, by where it runs: nine peers of 50 packets a second and one aligned
// reading, in real time. Figures of the machine it runs on, to be compared with each other and not with other machines'.
import { readFileSync } from "node:fs";
import { performance, PerformanceObserver } from "node:perf_hooks";
import { loadOpus } from "../../src/codecs/opus.ts";
import type { OpusCodec } from "../../src/codecs/opus.ts";
import type { PeerStream, MediaEngine } from "../../src/media/engine/engine.ts";
import { openEngine } from "../../src/media/engine/open-engine.ts";
import { startNodeMediaWorker } from "../../src/platform/node/media-worker.ts";
import { createNodeClock } from "../../src/platform/node/node-clock.ts";
import { buildRtp } from "../../src/rtp/packet.ts";
import type { Bench, Figure } from "../bench.ts";

const PEERS = 9;
const SECONDS = 10;
const FRAME_MS = 20;
const BUFFER_MS = 60;
const FRAME_TICKS = 960;
const PAYLOAD_TYPE = 111;

const clock = createNodeClock();

/** What one host cost. Times per second of the call but for the latencies. */
interface Cost {
  /** Processor time of the main thread, ms. */
  mainMs: number;
  /** Processor time of the process, ms. */
  processMs: number;
  /** From when a frame was due to its callback, ms. */
  latenessP50Ms: number;
  latenessP95Ms: number;
  gcMs: number;
  gcLongestMs: number;
}

async function figures(): Promise<Figure[]> {
  const codec = await loadOpus();
  const payloads = await speech(codec);
  const nothing = await measure(payloads, NO_ENGINE);
  const inline = await measure(payloads, await open(codec, "inline"));
  const blocks = await measure(payloads, await open(codec, "worker", false));
  const rings = await measure(payloads, await open(codec, "worker", true));
  const names: [keyof Cost, string, string][] = [
    ["mainMs", "processor time of the main thread", "ms/s"],
    ["processMs", "processor time of the process", "ms/s"],
    ["latenessP50Ms", "frames after they were due, p50", "ms"],
    ["latenessP95Ms", "frames after they were due, p95", "ms"],
    ["gcMs", "garbage collection on the main thread", "ms/s"],
    ["gcLongestMs", "longest garbage collection on the main thread", "ms"],
  ];
  return names.map(([key, name, unit]) => ({
    name,
    unit,
    ours: rings[key],
    baselines: [
      { name: "a worker without shared memory", value: blocks[key] },
      { name: "in this thread", value: inline[key] },
      ...(key.startsWith("lateness") ? [] : [{ name: "no engine, the bench alone", value: nothing[key] }]),
    ],
  }));
}

/** Takes packets and does nothing with them: what is left is the work of the bench. */
const NO_ENGINE: MediaEngine = {
  host: "inline",
  openStream: () => ({ receiveRtp: () => undefined }) as unknown as PeerStream,
  openReader: () => ({ close: () => undefined }),
  configure: () => undefined,
  close: () => undefined,
};

function open(codec: OpusCodec, mode: MediaEngine["host"], shareMemory = true): Promise<MediaEngine> {
  const sync = { jitterBufferSizeMs: BUFFER_MS, mode: "fixed" } as const;
  const config = { channels: 1, sync, wallOffsetMs: clock.wallNow() - clock.now() } as const;
  const startWorker = startNodeMediaWorker;
  const onFallback = (error: Error): never => {
    throw error;
  };
  return openEngine({ mode, config, clock, codec, startWorker, shareMemory, onFallback });
}

/** A second of something like speech. */
async function speech(codec: OpusCodec): Promise<Uint8Array[]> {
  const base = {
    sampleRate: 48_000,
    channels: 1,
    bitrateKbps: 32,
    complexity: 5,
    frameMs: FRAME_MS,
  } as const;
  const encoder = await codec.createEncoder({ ...base, application: "voip", fec: true, dtx: false });
  const samples = new Float32Array(FRAME_TICKS);
  return Array.from({ length: 1000 / FRAME_MS }, (_, frame) => {
    for (let i = 0; i < FRAME_TICKS; i++) {
      const t = (frame * FRAME_TICKS + i) / 48_000;
      samples[i] = 0.3 * Math.sin(2 * Math.PI * (200 + 40 * Math.sin(4 * t)) * t) * (1 + Math.sin(20 * t));
    }
    return encoder.encode(samples);
  });
}

async function measure(payloads: readonly Uint8Array[], engine: MediaEngine): Promise<Cost> {
  const lateness: number[] = [];
  let blocks = 0;
  let startMs = 0;
  const streams = Array.from({ length: PEERS }, (_, peer) =>
    engine.openStream(`peer${peer}`, {
      frame: ({ rtpTimestamp }) => {
        const dueMs = startMs + sentMs(peer, rtpTimestamp / FRAME_TICKS) + BUFFER_MS;
        lateness.push(clock.now() - dueMs);
      },
      picture: () => undefined,
      syncState: () => undefined,
      fault: (error) => console.error(error),
    }),
  );
  engine.openReader({ unsynced: "pass" }, () => blocks++);
  let before = usage();
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) pauses.push(duration);
  });
  const pauses: number[] = [];
  startMs = clock.now() + 100;
  for (let frame = 0; frame < (SECONDS + 1) * (1000 / FRAME_MS); frame++) {
    if (frame === 1000 / FRAME_MS) {
      // The first second warms up.
      before = usage();
      lateness.length = 0;
      observer.observe({ entryTypes: ["gc"] });
    }
    for (const [peer, stream] of streams.entries()) {
      const atMs = startMs + sentMs(peer, frame);
      if (atMs > clock.now()) await new Promise<void>((resolve) => clock.setTimer(atMs, resolve));
      const payload = payloads[frame % payloads.length] ?? new Uint8Array(1);
      const rtp = {
        ssrc: peer + 1,
        payloadType: PAYLOAD_TYPE,
        sequenceNumber: frame,
        timestamp: frame * FRAME_TICKS,
      };
      stream.receiveRtp(buildRtp({ ...rtp, payload }), atMs, { payloadType: PAYLOAD_TYPE, captureTimeId: 0 });
    }
  }
  const after = usage();
  await new Promise<void>((resolve) => clock.setTimer(clock.now() + 500, resolve));
  observer.disconnect();
  engine.close();
  if (blocks === 0 && engine !== NO_ENGINE) throw new Error("no aligned blocks");
  lateness.sort((a, b) => a - b);
  const at = (share: number): number => lateness[Math.floor(share * lateness.length)] ?? Number.NaN;
  return {
    mainMs: (after.mainMs - before.mainMs) / SECONDS,
    processMs: (after.processMs - before.processMs) / SECONDS,
    latenessP50Ms: at(0.5),
    latenessP95Ms: at(0.95),
    gcMs: pauses.reduce((sum, ms) => sum + ms, 0) / SECONDS,
    gcLongestMs: Math.max(0, ...pauses),
  };
}

/** Peers send in turn. */
function sentMs(peer: number, frame: number): number {
  return frame * FRAME_MS + (peer * FRAME_MS) / PEERS;
}

function usage(): { mainMs: number; processMs: number } {
  const { user, system } = process.cpuUsage();
  return { mainMs: mainThreadMs(), processMs: (user + system) / 1000 };
}

/** Processor time of the main thread; where the system does not say, time outside of the event loop's wait. */
function mainThreadMs(): number {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, "utf8").split(" ")[0]) / 1e6;
  } catch {
    return performance.eventLoopUtilization().active;
  }
}

const bench: Bench = { runtimes: ["node"], cases: () => [], figures };

export default bench;
