// The writing thread of the packet ring's bench: records into the ring, or one message a packet for comparison. Each
// order names the records to make; what a record holds follows from its number.
import { parentPort, workerData } from "node:worker_threads";
import { PacketWriter } from "../../src/wasm/packet-ring.ts";
import type { PacketRing } from "../../src/wasm/packet-ring.ts";
import { HEADER_BYTES, POPPED, WAIT_MS, WINDOW, payloadLength } from "./ring-records.ts";
import type { WriterOrder } from "./ring-records.ts";

const { ring, progress } = workerData as { ring: PacketRing; progress: SharedArrayBuffer };
const writer = new PacketWriter(ring);
const counters = new Int32Array(progress);
/** Never notified: a way to sleep for less than a timer can. */
const idle = new Int32Array(new SharedArrayBuffer(4));

/** Write record `n` and return it; the view is overwritten by the next. */
function makePacket(bytes: Uint8Array, view: DataView, n: number, payloadBytes: number): Uint8Array {
  const length = HEADER_BYTES + payloadLength(n, payloadBytes);
  bytes[0] = 0x80;
  bytes[1] = n & 0x7f;
  view.setUint16(2, n & 0xffff);
  view.setUint32(4, n);
  view.setUint32(8, n);
  bytes.fill(n & 0xff, HEADER_BYTES, length);
  return bytes.subarray(0, length);
}

function overRing({ first, count, payloadBytes }: WriterOrder): void {
  const bytes = new Uint8Array(HEADER_BYTES + payloadBytes);
  const view = new DataView(bytes.buffer);
  for (let n = first; n < first + count; n++) {
    while (n - Atomics.load(counters, POPPED) >= WINDOW) Atomics.wait(idle, 0, 0, WAIT_MS);
    const packet = makePacket(bytes, view, n, payloadBytes);
    while (!writer.write(packet, n / 90)) Atomics.wait(idle, 0, 0, WAIT_MS);
  }
}

function byMessages({ first, count, payloadBytes }: WriterOrder): void {
  for (let n = first; n < first + count; n++) {
    const bytes = new Uint8Array(HEADER_BYTES + payloadLength(n, payloadBytes));
    makePacket(bytes, new DataView(bytes.buffer), n, payloadBytes);
    parentPort?.postMessage(bytes, [bytes.buffer]);
  }
}

parentPort?.on("message", (order: WriterOrder) => {
  if (order.overRing) overRing(order);
  else byMessages(order);
});
