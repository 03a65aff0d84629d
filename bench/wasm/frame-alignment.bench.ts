// Frames into rows, in microseconds per row of ten: the kernel against its own source as JavaScript, and the adapter
// against queues written by hand.
import { twin } from "virtual:kernel-twin";
import { bind } from "../../assembly/memory.portable.ts";
import { FrameAlignment } from "../../src/wasm/frame-alignment.ts";
import { Arena } from "../../src/wasm/arena.ts";
import { LAYOUT } from "../../src/wasm/generated/kernels.ts";
import type { KernelExports } from "../../src/wasm/generated/kernels.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import type { Bench, BenchCase, Contender } from "../bench.ts";

const PEERS = 10;
const ROWS = 2000;
const FRAME_MS = 20;
const DELAY_MS = 60;
const MAX_DELAY_MS = 300;
const CAPACITY = 128;
const STATE = 1024;
/** Between two runs, so that time never goes back. */
const RUN_MS = ROWS * FRAME_MS + 10_000;

interface Push {
  readonly peer: number;
  readonly captureMs: number;
  readonly atMs: number;
}

/** Frames of ten peers in order of arrival, delays spread over 60 ms, 2 % lost; a pull behind every one. */
function traffic(): Push[] {
  const random = new SeededRandom("rows");
  const phases = Array.from({ length: PEERS }, () => random.next() * (FRAME_MS / 2));
  const lastMs: number[] = [];
  const pushes: Push[] = [];
  for (let row = 0; row < ROWS; row++) {
    phases.forEach((phaseMs, peer) => {
      const captureMs = row * FRAME_MS + phaseMs;
      // As a jitter buffer gives them out: in order.
      const atMs = Math.max(lastMs[peer] ?? 0, captureMs + random.next() * DELAY_MS);
      lastMs[peer] = atMs;
      if (!random.chance(0.02)) pushes.push({ peer, captureMs, atMs });
    });
  }
  return pushes.sort((a, b) => a.atMs - b.atMs);
}

function cases(): BenchCase[] {
  const pushes = traffic();
  return [
    { name: "rows of ten peers, kernel", ours: wasmKernel(pushes), baseline: twinKernel(pushes) },
    { name: "rows of ten peers, adapter", ours: adapter(pushes), baseline: queues(pushes), goal: 0.3 },
  ];
}

/** Contenders must agree on how many frames left in rows. */
function checked(frames: number, pushes: readonly Push[]): number {
  if (frames > pushes.length * 0.99) return ROWS;
  throw new Error(`${frames} frames left in rows out of ${pushes.length}`);
}

function adapter(pushes: readonly Push[]): Contender {
  let startMs = 0;
  const run = (): number => {
    const alignment = new FrameAlignment({ capacity: CAPACITY, maxDelayMs: MAX_DELAY_MS });
    for (let peer = 0; peer < PEERS; peer++) alignment.setDelay(alignment.addPeer(), DELAY_MS);
    startMs += RUN_MS;
    let frames = 0;
    const drain = (nowMs: number): void => {
      for (let row = alignment.pop(nowMs); row !== undefined; row = alignment.pop(nowMs)) {
        for (const handle of row.handles) if (handle !== 0) frames++;
      }
    };
    for (const { peer, captureMs, atMs } of pushes) {
      alignment.push(peer, startMs + captureMs, FRAME_MS, 1);
      drain(startMs + atMs);
    }
    drain(startMs + RUN_MS);
    alignment.close();
    return checked(frames, pushes);
  };
  return { name: "FrameAlignment", run };
}

function wasmKernel(pushes: readonly Push[]): Contender {
  const arena = new Arena({ bytes: 256 * 1024 });
  return { name: "WebAssembly", run: kernelRun(arena.kernels, arena.buffer, pushes) };
}

function twinKernel(pushes: readonly Push[]): Contender {
  const memory = new ArrayBuffer(256 * 1024);
  const run = kernelRun(twin, memory, pushes);
  const boundRun = (): number => {
    bind(memory);
    return run();
  };
  return { name: "same source in JavaScript", run: boundRun };
}

function kernelRun(
  kernels: KernelExports,
  memory: ArrayBuffer | SharedArrayBuffer,
  pushes: readonly Push[],
): () => number {
  const words = new Int32Array(memory);
  const doubles = new Float64Array(memory);
  const first = STATE + LAYOUT.ALIGN_PEERS;
  const rings = first + (LAYOUT.ALIGN_MAX_PEERS << LAYOUT.ALIGN_PEER_SHIFT);
  const begin = (): void => {
    words.fill(0, STATE >> 2, rings >> 2);
    doubles[(STATE + LAYOUT.ALIGN_CAP_MS) >> 3] = MAX_DELAY_MS;
    doubles[(STATE + LAYOUT.ALIGN_LAST_MS) >> 3] = -Infinity;
    for (let index = 0; index < PEERS; index++) {
      const peer = first + (index << LAYOUT.ALIGN_PEER_SHIFT);
      words[(peer + LAYOUT.ALIGN_MODE) >> 2] = LAYOUT.ALIGN_MODE_ACTIVE;
      words[(peer + LAYOUT.ALIGN_MASK) >> 2] = CAPACITY - 1;
      words[(peer + LAYOUT.ALIGN_RING) >> 2] = rings + ((index * CAPACITY) << LAYOUT.ALIGN_FRAME_SHIFT);
      doubles[(peer + LAYOUT.ALIGN_DELAY_MS) >> 3] = DELAY_MS;
      doubles[(peer + LAYOUT.ALIGN_FLOOR_MS) >> 3] = -Infinity;
      doubles[(peer + LAYOUT.ALIGN_HEAD_MS) >> 3] = Infinity;
    }
  };
  return () => {
    begin();
    let frames = 0;
    for (const { peer, captureMs, atMs } of pushes) {
      kernels.alignPush(STATE, peer, captureMs, FRAME_MS * 1000, 1);
      for (let present = 1; present > 0; frames += present) {
        present = kernels.alignPop(STATE, atMs, 100);
      }
    }
    for (let present = 1; present > 0; frames += present) present = kernels.alignPop(STATE, RUN_MS, 100);
    return checked(frames, pushes);
  };
}

/** The same rule with an array of objects for each peer; counts and checks nothing. */
function queues(pushes: readonly Push[]): Contender {
  interface Frame {
    readonly captureMs: number;
    readonly handle: number;
  }
  const run = (): number => {
    const waiting: Frame[][] = Array.from({ length: PEERS }, () => []);
    const floors = waiting.map(() => -Infinity);
    let frames = 0;
    const drain = (nowMs: number): void => {
      for (;;) {
        let rowMs = Infinity;
        let isWhole = true;
        for (const queue of waiting) {
          const head = queue[0];
          if (head === undefined) isWhole = false;
          else if (head.captureMs < rowMs) rowMs = head.captureMs;
        }
        const spanMs = FRAME_MS / 2;
        if (rowMs === Infinity || nowMs < rowMs + (isWhole ? 0 : spanMs + DELAY_MS)) return;
        const row: number[] = [];
        waiting.forEach((queue, peer) => {
          const head = queue[0];
          const joins = head !== undefined && head.captureMs <= rowMs + spanMs;
          row.push(joins ? head.handle : 0);
          floors[peer] = joins ? head.captureMs : rowMs + spanMs;
          if (joins) queue.shift();
        });
        for (const handle of row) if (handle !== 0) frames++;
      }
    };
    for (const { peer, captureMs, atMs } of pushes) {
      if (captureMs > (floors[peer] ?? 0)) waiting[peer]?.push({ captureMs, handle: 1 });
      drain(atMs);
    }
    drain(RUN_MS);
    return checked(frames, pushes);
  };
  return { name: "queues in plain JavaScript", run };
}

export default { runtimes: ["node", "chromium"], cases } satisfies Bench;
