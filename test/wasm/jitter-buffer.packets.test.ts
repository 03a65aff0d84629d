// What the jitter buffer reads from a packet, and which packets are none.
import { describe, expect, it } from "vitest";
import { FRAME_MS, Line, TICKS } from "./jitter-line.ts";
import { rtpPacket } from "./rtp-traffic.ts";

describe("packets", () => {
  it("describes a popped packet completely", () => {
    const line = new Line();
    line.arrive(0);
    line.popAll(50);
    const fields = { payloadType: 96, marker: true, ssrc: 0xfedcba98, rtpTimestamp: 5000 + TICKS };
    line.arrive(1, 7, { ...fields, payload: Uint8Array.of(1, 2, 3) });
    const packet = line.buffer.popNext(75);
    expect(packet).toEqual({
      payload: Uint8Array.of(1, 2, 3),
      sequenceNumber: 101,
      extendedSequence: 0x20000 + 101,
      rtpTimestamp: 5960,
      payloadType: 96,
      marker: true,
      ssrc: 0xfedcba98,
      arrivalMs: 27,
      bufferDelayMs: 48,
      lostBefore: 0,
      stretchMs: 0,
    });
  });

  it.each([
    ["CSRCs", { csrcs: 15 }],
    ["an empty extension", { extensionWords: 0 }],
    ["an extension", { extensionWords: 7 }],
    ["padding", { padding: 4 }],
    ["everything", { csrcs: 3, extensionWords: 2, padding: 255 }],
  ])("finds the payload behind %s", (_, fields) => {
    const line = new Line();
    const payload = Uint8Array.of(9, 8, 7);
    line.arrive(0, 0, { ...fields, payload });
    expect(line.buffer.popNext(50)?.payload).toEqual(payload);
  });

  it("hands out a probe that holds nothing but padding, because it uses a number", () => {
    const line = new Line();
    line.arrive(0, 0, { payload: new Uint8Array(0), padding: 16 });
    expect(line.buffer.popNext(50)?.payload.length).toBe(0);
  });

  const good = rtpPacket({ sequenceNumber: 1, rtpTimestamp: 1, payload: new Uint8Array(4) });
  const altered = (index: number, value: number): Uint8Array =>
    Uint8Array.from(good, (b, i) => (i === index ? value : b));
  it.each([
    ["nothing", new Uint8Array(0)],
    ["a header cut short", good.subarray(0, 11)],
    ["version 1", altered(0, 0x40)],
    ["more CSRCs than bytes", altered(0, 0x8f)],
    ["no room for the extension's header", altered(0, 0x92)],
    [
      "an extension longer than the packet",
      Uint8Array.from([...altered(0, 0x90).subarray(0, 12), 0, 0, 0, 9, 1, 2]),
    ],
    ["padding of zero bytes", altered(0, 0xa0)],
    ["padding longer than the payload", Uint8Array.from([...altered(0, 0xa0).subarray(0, 15), 5])],
    ["more bytes than the ring takes", new Uint8Array(8177).fill(0x80)],
  ])("counts %s as malformed and goes on", (_, packet) => {
    const line = new Line();
    expect(line.buffer.insert(packet, 0)).toBe("malformed");
    expect(line.buffer.getStatistics()).toMatchObject({
      malformedCount: 1,
      receivedFrames: 0,
      currentFrames: 0,
    });
    line.arrive(0);
    expect(line.popAll(50)).toEqual([0]);
  });

  it("takes a packet of an eighth of the ring, header of its record included", () => {
    const line = new Line();
    const payload = new Uint8Array(8176 - 12).fill(5);
    for (let n = 0; n < 40; n++) {
      expect(line.arrive(n, 0, { payload })).toBe("buffered");
      const popped = line.buffer.popNext(n * FRAME_MS + 50)?.payload;
      expect(popped?.length).toBe(payload.length);
      expect(popped?.every((byte) => byte === 5)).toBe(true);
    }
  });
});
