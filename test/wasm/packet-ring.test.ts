import { describe, expect, it } from "vitest";
import { JitterBuffer } from "../../src/wasm/jitter-buffer.ts";
import { PacketWriter, maxPacketBytes } from "../../src/wasm/packet-ring.ts";
import { rtpPacket } from "./rtp-traffic.ts";

const packetOf = (n: number, bytes = 20): Uint8Array =>
  rtpPacket({ sequenceNumber: n, rtpTimestamp: n * 960, payload: new Uint8Array(bytes).fill(n) });

describe.skipIf(typeof SharedArrayBuffer === "undefined")("a writer beside the buffer", () => {
  const create = (): { buffer: JitterBuffer; writer: PacketWriter } => {
    const buffer = new JitterBuffer({ clockRate: 48_000, shared: true });
    return { buffer, writer: new PacketWriter(structuredClone(buffer.ring)) };
  };

  it("puts in what the buffer hands out, without a call to insert", () => {
    const { buffer, writer } = create();
    for (let n = 0; n < 5; n++) expect(writer.write(packetOf(n), n * 20)).toBe(true);
    expect(buffer.nextDueMs).toBe(50);
    expect(buffer.popNext(50)?.payload).toEqual(new Uint8Array(20).fill(0));
    expect(buffer.getStatistics()).toMatchObject({ receivedFrames: 5, poppedFrames: 1, refusedCount: 0 });
  });

  it("is refused when the buffer does not keep up, and heard again when it does", () => {
    const { buffer, writer } = create();
    let written = 0;
    while (writer.write(packetOf(written, 1000), 0)) written++;
    expect(written).toBe(63);
    const { receivedFrames, refusedCount } = buffer.getStatistics();
    expect({ receivedFrames, refusedCount }).toEqual({ receivedFrames: 63, refusedCount: 1 });
    buffer.popNext(0);
    expect(writer.write(packetOf(written, 1000), 0)).toBe(true);
  });

  it("keeps a popped payload until the next one is asked for, however much is written", () => {
    const { buffer, writer } = create();
    writer.write(packetOf(7, 1000), 0);
    const payload = buffer.popNext(50)?.payload;
    for (let n = 8; n < 100; n++) writer.write(packetOf(n, 1000), n);
    expect(payload).toEqual(new Uint8Array(1000).fill(7));
  });

  it("goes round the ring at every length, and back over its end", () => {
    const { buffer, writer } = create();
    for (let n = 0; n < 5000; n++) {
      const bytes = (n * 37) % 1400;
      expect(writer.write(packetOf(n & 0xff, bytes), n)).toBe(true);
      const payload = buffer.popNext(1e9)?.payload;
      expect(payload?.length).toBe(bytes);
      expect(payload?.every((byte) => byte === (n & 0xff))).toBe(true);
      buffer.reset();
    }
  });

  it("refuses what no ring could hold, and times that are none", () => {
    const { buffer, writer } = create();
    const limit = maxPacketBytes(64 * 1024);
    expect(writer.write(packetOf(0, limit - 11), 0)).toBe(false);
    expect(writer.write(packetOf(0), Number.NaN)).toBe(false);
    expect(writer.write(packetOf(0, limit - 12), 0)).toBe(true);
    expect(buffer.getStatistics()).toMatchObject({ refusedCount: 2, receivedFrames: 1 });
  });
});
