// The shared ring between two threads: a JavaScript writer in a worker, the kernel here, a million records.
import { Worker } from "node:worker_threads";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, it } from "vitest";
import { JitterBuffer } from "../../src/wasm/jitter-buffer.ts";

const RECORDS = 1_000_000;
/** Records under way at once when the writer waits for the reader; fewer than the buffer drops at. */
const WINDOW = 400;
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

// Every payload is derived from the record's index, its length too, so a torn or mixed-up record shows.
const WRITER = `
import { parentPort, workerData } from "node:worker_threads";
import { PacketWriter } from "./src/wasm/packet-ring.ts";
const { ring, progress, records, window } = workerData;
const writer = new PacketWriter(ring);
const popped = new Int32Array(progress);
const bytes = new Uint8Array(12 + 320);
const view = new DataView(bytes.buffer);
bytes[0] = 0x80;
for (let n = 0; n < records; n++) {
  const length = (Math.imul(n, 2654435761) >>> 0) % 320;
  bytes[1] = n & 0x7f;
  view.setUint16(2, n & 0xffff);
  view.setUint32(4, n);
  view.setUint32(8, n);
  bytes.fill(n & 0xff, 12, 12 + length);
  const packet = bytes.subarray(0, 12 + length);
  while (window > 0 && n - Atomics.load(popped, 0) >= window) Atomics.wait(popped, 1, 0, 0.05);
  while (!writer.write(packet, n / 90)) Atomics.wait(popped, 1, 0, 0.05);
}
parentPort.postMessage("done");
`;

let source: string;

beforeAll(async () => {
  const result = await build({
    stdin: { contents: WRITER, resolveDir: ROOT, loader: "ts" },
    bundle: true,
    write: false,
    format: "cjs",
    platform: "node",
  });
  source = result.outputFiles[0]?.text as string;
});

const workers: Worker[] = [];
afterAll(() => Promise.all(workers.map((worker) => worker.terminate())));

interface Run {
  buffer: JitterBuffer;
  popped: number;
  wrong: number;
}

async function run(records: number, window: number): Promise<Run> {
  const buffer = new JitterBuffer({
    clockRate: 90_000,
    targetDelayMs: 0,
    maxDelayMs: 500,
    release: "inOrder",
    kind: "video",
    shared: true,
  });
  const progress = new SharedArrayBuffer(8);
  const counter = new Int32Array(progress);
  const workerData = { ring: buffer.ring, progress, records, window };
  const worker = new Worker(source, { eval: true, workerData });
  workers.push(worker);
  let finished = false;
  worker.on("message", () => (finished = true));
  let [popped, wrong, last] = [0, 0, -1];
  for (;;) {
    const wasFinished = finished;
    for (let packet = buffer.popNext(1e9); packet !== undefined; packet = buffer.popNext(1e9)) {
      const n = packet.rtpTimestamp;
      const { payload } = packet;
      const length = (Math.imul(n, 2654435761) >>> 0) % 320;
      const intact =
        packet.ssrc === n && packet.sequenceNumber === (n & 0xffff) && packet.payloadType === (n & 0x7f);
      const whole = payload.length === length && payload.every((byte) => byte === (n & 0xff));
      if (!intact || !whole || n <= last) wrong++;
      last = n;
      popped++;
      Atomics.store(counter, 0, popped);
    }
    if (wasFinished) return { buffer, popped, wrong };
    await new Promise((resolve) => setImmediate(resolve));
  }
}

it("brings over a million records: none torn, none missing, none twice", { timeout: 120_000 }, async () => {
  const { buffer, popped, wrong } = await run(RECORDS, WINDOW);
  expect({ popped, wrong }).toEqual({ popped: RECORDS, wrong: 0 });
  expect(buffer.getStatistics()).toMatchObject({
    receivedFrames: RECORDS,
    lostFrames: 0,
    duplicateCount: 0,
    droppedFrames: 0,
    malformedCount: 0,
  });
});

it(
  "gives every record one fate while a writer that waits for nobody fills the ring",
  { timeout: 120_000 },
  async () => {
    const records = 300_000;
    const { buffer, popped, wrong } = await run(records, 0);
    const { receivedFrames, bufferOverrunCount, poppedFrames, lostFrames } = buffer.getStatistics();
    expect(wrong).toBe(0);
    expect({ receivedFrames, poppedFrames, lostFrames }).toEqual({
      receivedFrames: records,
      poppedFrames: popped,
      lostFrames: 0,
    });
    expect(popped + bufferOverrunCount).toBe(records);
  },
);
