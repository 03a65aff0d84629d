// The shared packet ring between two threads: microseconds per packet against one message a packet, and that it loses,
// tears and doubles nothing, however long it runs.
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { build } from "esbuild";
import { SeededRandom } from "../../src/testing/random.ts";
import { JitterBuffer } from "../../src/wasm/jitter-buffer.ts";
import type { BufferedPacket } from "../../src/wasm/jitter-buffer.ts";
import type { Bench, BenchCase, Contender, Figure } from "../bench.ts";
import { HEADER_BYTES, POPPED, WAIT_MS, payloadLength } from "./ring-records.ts";
import type { WriterOrder } from "./ring-records.ts";

const RECORDS = 50_000_000;
const STRESS_NAME = "50 million records between threads: torn, missed, doubled";
/** Short ones come fastest, and fastest is hardest. */
const STRESS_PAYLOAD_BYTES = 48;
const PROGRESS_STEP = 5_000_000;

const CALL_NAME = "10 peers x 1000 packets/s x 10 min: dropped or lost";
const CALL_PEERS = 10;
const CALL_MS = 600_000;
const CALL_JITTER_MS = 20;
const CALL_TARGET_MS = 50;

const CASE_PACKETS = 10_000;
const CASE_PAYLOAD_BYTES = 1200;

/** A ring, its reader here and its writer in a thread. */
class RingPair {
  readonly buffer = new JitterBuffer({
    clockRate: 90_000,
    targetDelayMs: 0,
    maxDelayMs: 500,
    release: "inOrder",
    kind: "video",
    shared: true,
  });
  readonly worker: Worker;
  readonly #progress = new SharedArrayBuffer(8);
  readonly #counters = new Int32Array(this.#progress);
  readonly #idle = new Int32Array(new SharedArrayBuffer(4));
  /** Records ordered so far, by ring. */
  #next = 0;

  constructor(source: string) {
    this.worker = new Worker(source, {
      eval: true,
      workerData: { ring: this.buffer.ring, progress: this.#progress },
    });
  }

  order(order: WriterOrder): void {
    this.worker.postMessage(order);
  }

  /** Have `count` records sent over the ring and check every one. Returns how many were not as they should be. */
  receive(count: number, payloadBytes: number, check: Check, onTaken?: (taken: number) => void): number {
    const first = this.#next;
    this.#next += count;
    this.order({ overRing: true, first, count, payloadBytes });
    let [wrong, expected] = [0, first];
    let lastMs = performance.now();
    while (expected < this.#next) {
      const packet = this.buffer.popNext(1e12);
      if (packet === undefined) {
        Atomics.store(this.#counters, POPPED, expected);
        // A writer that is gone for ten seconds will not come again.
        if (performance.now() - lastMs > 10_000) return wrong + this.#next - expected;
        Atomics.wait(this.#idle, 0, 0, WAIT_MS);
        continue;
      }
      const n = packet.rtpTimestamp;
      if (n !== expected || !check(packet, n, payloadBytes)) wrong += Math.max(1, n - expected);
      expected = n + 1;
      if ((expected & 63) === 0) {
        Atomics.store(this.#counters, POPPED, expected);
        lastMs = performance.now();
        if (expected % PROGRESS_STEP < 64) onTaken?.(expected);
      }
    }
    Atomics.store(this.#counters, POPPED, expected);
    return wrong;
  }

  close(): Promise<number> {
    return this.worker.terminate();
  }
}

type Check = (packet: BufferedPacket, n: number, payloadBytes: number) => boolean;

/** Whether a record has the right length; the rest is left to who takes the time. */
function isThere({ payload }: BufferedPacket, n: number, payloadBytes: number): boolean {
  return payload.length === payloadLength(n, payloadBytes);
}

/** Whether every single byte of a record is the right one. */
function isIntact(packet: BufferedPacket, n: number, payloadBytes: number): boolean {
  const { payload } = packet;
  if (packet.ssrc !== n || packet.sequenceNumber !== (n & 0xffff) || packet.payloadType !== (n & 0x7f))
    return false;
  if (payload.length !== payloadLength(n, payloadBytes)) return false;
  const byte = n & 0xff;
  for (let i = 0; i < payload.length; i++) if (payload[i] !== byte) return false;
  return true;
}

async function workerSource(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(process.cwd(), "bench/wasm/ring-worker.ts")],
    bundle: true,
    write: false,
    format: "cjs",
    platform: "node",
  });
  return outputFiles[0]?.text as string;
}

async function cases(): Promise<BenchCase[]> {
  const pair = new RingPair(await workerSource());
  const name = "one packet between threads, up to 1200 bytes";
  return [{ name, ours: ring(pair), baseline: messages(pair), goal: 3 }];
}

function ring(pair: RingPair): Contender {
  const run = (): number => {
    const wrong = pair.receive(CASE_PACKETS, CASE_PAYLOAD_BYTES, isThere);
    if (wrong > 0) throw new Error(`${wrong} records are wrong`);
    return CASE_PACKETS;
  };
  return { name: "ring and JitterBuffer", run };
}

/** The receiver of messages only looks at their lengths: what orders and paces packets would come on top. */
function messages(pair: RingPair): Contender {
  const run = (): Promise<number> =>
    new Promise((resolve) => {
      let received = 0;
      const take = (packet: Uint8Array): void => {
        if (packet.length - HEADER_BYTES !== payloadLength(received, CASE_PAYLOAD_BYTES)) {
          throw new Error(`message ${received} has another length`);
        }
        if (++received < CASE_PACKETS) return;
        pair.worker.off("message", take);
        resolve(CASE_PACKETS);
      };
      pair.worker.on("message", take);
      pair.order({ overRing: false, first: 0, count: CASE_PACKETS, payloadBytes: CASE_PAYLOAD_BYTES });
    });
  return { name: "postMessage with transfer", run };
}

async function figures(wants: (name: string) => boolean): Promise<Figure[]> {
  const found: Figure[] = [];
  if (wants(CALL_NAME)) {
    found.push({ name: CALL_NAME, unit: "packets", ours: call(), baselines: [], goal: { atMost: 0 } });
  }
  if (wants(STRESS_NAME)) {
    found.push({
      name: STRESS_NAME,
      unit: "records",
      ours: await stress(),
      baselines: [],
      goal: { atMost: 0 },
    });
  }
  return found;
}

async function stress(): Promise<number> {
  const pair = new RingPair(await workerSource());
  const startedMs = performance.now();
  const wrong = pair.receive(RECORDS, STRESS_PAYLOAD_BYTES, isIntact, (taken) => {
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    process.stderr.write(`bench: packet ring, ${Math.round(taken / 1e6)} million records in ${seconds} s\n`);
  });
  const { receivedFrames, lostFrames, duplicateCount, droppedFrames, malformedCount } =
    pair.buffer.getStatistics();
  await pair.close();
  return (
    wrong + Math.abs(RECORDS - receivedFrames) + lostFrames + duplicateCount + droppedFrames + malformedCount
  );
}

/** A call's packets of every peer, each up to 20 ms late and so out of order, through a buffer each. */
function call(): number {
  const random = new SeededRandom("a call of ten");
  const packet = new Uint8Array(12 + 200);
  const view = new DataView(packet.buffer);
  packet[0] = 0x80;
  packet[1] = 96;
  const peers = Array.from({ length: CALL_PEERS }, () => ({
    buffer: new JitterBuffer({ clockRate: 90_000, targetDelayMs: CALL_TARGET_MS, kind: "video" }),
    /** Packets that arrive in each of the next ms, round and round. */
    arriving: Array.from({ length: CALL_JITTER_MS + 1 }, (): number[] => []),
    popped: 0,
  }));
  for (let nowMs = 0; nowMs < CALL_MS + 2 * CALL_TARGET_MS; nowMs++) {
    for (const peer of peers) {
      const delayMs = random.integer(0, CALL_JITTER_MS);
      if (nowMs < CALL_MS) peer.arriving[(nowMs + delayMs) % (CALL_JITTER_MS + 1)]?.push(nowMs);
      const here = peer.arriving[nowMs % (CALL_JITTER_MS + 1)] as number[];
      for (const n of here) {
        view.setUint16(2, n & 0xffff);
        view.setUint32(4, n * 90);
        peer.buffer.insert(packet, nowMs);
      }
      here.length = 0;
      while (peer.buffer.popNext(nowMs) !== undefined) peer.popped++;
    }
  }
  let missing = 0;
  for (const { buffer, popped } of peers) {
    const { droppedFrames, lostFrames } = buffer.getStatistics();
    missing += CALL_MS - popped + droppedFrames + lostFrames;
    buffer.close();
  }
  return missing;
}

export default { runtimes: ["node"], cases, figures } satisfies Bench;
