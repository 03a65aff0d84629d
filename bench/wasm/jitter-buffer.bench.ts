// Insert and pop, copies and RTP header included, in microseconds per packet: the jitter buffer against werift's, a
// hand-written heap in plain JavaScript, its own source as JavaScript, and itself on worse traffic.
import { twin } from "virtual:kernel-twin";
import { bind } from "../../assembly/memory.portable.ts";
import { Arena } from "../../src/wasm/arena.ts";
import type { KernelExports } from "../../src/wasm/generated/kernels.ts";
import { JitterBuffer } from "../../src/wasm/jitter-buffer.ts";
import type { Bench, BenchCase, Contender } from "../bench.ts";
import { HeapBuffer } from "./heap-buffer.ts";
import { CLOCK_RATE, traffic } from "./traffic.ts";
import type { Arrival } from "./traffic.ts";

const TARGET_MS = 50;
const RING_BYTES = 512 * 1024;
const PACKETS = 5000;
/** With losses werift's buffer takes up to tens of milliseconds for one packet: the long run would last minutes. */
const SHORT_PACKETS = 200;
const VIDEO = { packets: PACKETS, packetsPerSecond: 300, payloadBytes: 1000 };
/** Between two runs over the same packets, so that time never goes back. */
const RUN_MS = 60_000;

const PATHS = [
  { name: "clean", loss: 0, reordered: 0, weriftGoal: 5 },
  { name: "1 % loss", loss: 0.01, reordered: 0, weriftGoal: 100 },
  { name: "10 % loss, 10 % reordered", loss: 0.1, reordered: 0.1, weriftGoal: 100 },
];

async function cases(): Promise<BenchCase[]> {
  const weriftFor = await loadWerift();
  const all: BenchCase[] = [];
  for (const { name, loss, reordered, weriftGoal } of PATHS) {
    const long = traffic({ ...VIDEO, loss, reordered });
    const short = traffic({ ...VIDEO, packets: SHORT_PACKETS, loss, reordered });
    all.push(
      {
        name: `${name}, werift`,
        ours: buffer(short, "inOrder"),
        baseline: weriftFor(short),
        goal: weriftGoal,
      },
      { name: `${name}, heap`, ours: buffer(long), baseline: heap(long), goal: 0.5 },
      { name: `${name}, kernel`, ours: wasmKernel(long), baseline: twinKernel(long), goal: 1.7 },
    );
  }
  const clean = traffic(VIDEO);
  const rough = traffic({ ...VIDEO, loss: 0.1, reordered: 0.1 });
  const dense = traffic({ ...VIDEO, packetsPerSecond: 1000 });
  all.push(
    {
      name: "10 % loss, 10 % reordered, flat",
      ours: buffer(rough),
      baseline: { ...buffer(clean), name: "itself, clean" },
      goal: 1 / 1.3,
    },
    {
      name: "1000 packets/s, flat",
      ours: buffer(dense),
      baseline: { ...buffer(clean), name: "itself, 300 packets/s" },
      goal: 1 / 1.2,
    },
  );
  return all;
}

function buffer(arrivals: readonly Arrival[], release: "paced" | "inOrder" = "paced"): Contender {
  const jitterBuffer = new JitterBuffer({
    clockRate: CLOCK_RATE,
    targetDelayMs: TARGET_MS,
    kind: "video",
    release,
  });
  let startMs = 0;
  const run = (): number => {
    startMs += RUN_MS;
    jitterBuffer.reset();
    let handedOut = 0;
    for (const { packet, arrivalMs } of arrivals) {
      const nowMs = startMs + arrivalMs;
      jitterBuffer.insert(packet, nowMs);
      while (jitterBuffer.popNext(nowMs) !== undefined) handedOut++;
    }
    while (jitterBuffer.popNext(startMs + RUN_MS) !== undefined) handedOut++;
    return complete(handedOut, arrivals);
  };
  return { name: "JitterBuffer", run };
}

function heap(arrivals: readonly Arrival[]): Contender {
  const run = (): number => {
    const heapBuffer = new HeapBuffer(CLOCK_RATE, TARGET_MS);
    let handedOut = 0;
    for (const { packet, arrivalMs } of arrivals) {
      heapBuffer.insert(packet, arrivalMs);
      while (heapBuffer.pop(arrivalMs) !== undefined) handedOut++;
    }
    while (heapBuffer.pop(RUN_MS) !== undefined) handedOut++;
    return complete(handedOut, arrivals);
  };
  return { name: "JavaScript heap", run };
}

function wasmKernel(arrivals: readonly Arrival[]): Contender {
  const arena = new Arena({ bytes: 1024 * 1024 });
  return { name: "WebAssembly", run: kernelRun(arena.kernels, arena.bytes, arrivals) };
}

function twinKernel(arrivals: readonly Arrival[]): Contender {
  const memory = new ArrayBuffer(1024 * 1024);
  const run = kernelRun(twin, new Uint8Array(memory), arrivals);
  const boundRun = (): number => {
    bind(memory);
    return run();
  };
  return { name: "same source in JavaScript", run: boundRun };
}

function kernelRun(kernels: KernelExports, bytes: Uint8Array, arrivals: readonly Arrival[]): () => number {
  const stream = 1024;
  return () => {
    kernels.initStream(stream, RING_BYTES, CLOCK_RATE, 0, 0, 0, TARGET_MS, 0, 200);
    let handedOut = 0;
    for (const { packet, arrivalMs } of arrivals) {
      bytes.set(packet, kernels.reserve(stream, packet.length));
      kernels.push(stream, packet.length, arrivalMs);
      while (kernels.pop(stream, arrivalMs) === 1) handedOut++;
    }
    while (kernels.pop(stream, RUN_MS) === 1) handedOut++;
    return complete(handedOut, arrivals);
  };
}

/** A contender that loses packets it has received, or invents some, is not measured. */
function complete(handedOut: number, arrivals: readonly Arrival[]): number {
  if (handedOut === arrivals.length) return handedOut;
  throw new Error(`${handedOut} packets handed out of ${arrivals.length}`);
}

type WeriftFor = (arrivals: readonly Arrival[]) => BenchCase["baseline"];

async function loadWerift(): Promise<WeriftFor> {
  const name = "werift JitterBufferBase";
  const { JitterBufferBase } = await import("werift/nonstandard");
  const { RtpPacket } = await import("werift");
  return (arrivals) => {
    const buffers = arrivals.map(({ packet }) => Buffer.from(packet));
    const run = (): number => {
      const jitterBuffer = new JitterBufferBase(CLOCK_RATE, { latency: TARGET_MS });
      let handedOut = 0;
      for (const bytes of buffers) {
        for (const { rtp } of jitterBuffer.processInput({ rtp: RtpPacket.deSerialize(bytes) })) {
          if (rtp !== undefined) handedOut++;
        }
      }
      for (const { rtp } of jitterBuffer.processInput({ eol: true })) if (rtp !== undefined) handedOut++;
      // What it drops or hands out twice is its own affair; the time is per packet received.
      return handedOut > 0 ? arrivals.length : 0;
    };
    return { name, run };
  };
}

export default { runtimes: ["node", "chromium"], cases } satisfies Bench;
