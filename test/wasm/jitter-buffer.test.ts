import { describe, expect, it } from "vitest";
import { JitterBuffer } from "../../src/wasm/jitter-buffer.ts";
import type { InsertStatus } from "../../src/wasm/jitter-buffer.ts";
import type { JitterBufferOptions } from "../../src/wasm/buffer-options.ts";
import { rtpPacket } from "./rtp-traffic.ts";
import type { PacketFields } from "./rtp-traffic.ts";

const FRAME_MS = 20;
const TICKS = 960;

/** A sender of 20 ms Opus frames, frame 0 being sent at 0 ms, and the buffer that hears it. */
class Line {
  readonly buffer: JitterBuffer;
  firstSequence = 100;
  firstTimestamp = 5000;

  constructor(options: Partial<JitterBufferOptions> = {}) {
    this.buffer = new JitterBuffer({ clockRate: 48_000, targetDelayMs: 50, ...options });
  }

  /** Frame `n` arrives, `transitMs` after it was sent. */
  arrive(n: number, transitMs = 0, fields: Partial<PacketFields> = {}): InsertStatus {
    const packet = rtpPacket({
      sequenceNumber: this.firstSequence + n,
      rtpTimestamp: this.firstTimestamp + n * TICKS,
      payload: Uint8Array.of(n & 0xff),
      ...fields,
    });
    return this.buffer.insert(packet, n * FRAME_MS + transitMs);
  }

  /** Frames `from` to `to` arrive in time and each is popped when it is due. */
  play(from: number, to: number): void {
    for (let n = from; n <= to; n++) {
      this.arrive(n);
      this.popAll(n * FRAME_MS + 0.001);
    }
  }

  /** Payload bytes of everything that leaves at `nowMs`: the low bytes of the frames' numbers. */
  popAll(nowMs: number): number[] {
    const frames: number[] = [];
    for (let packet = this.buffer.popNext(nowMs); packet; packet = this.buffer.popNext(nowMs)) {
      frames.push(packet.payload[0] as number);
    }
    return frames;
  }
}

describe("pacing", () => {
  it("hands a packet out when the target delay has passed, and not before", () => {
    const line = new Line();
    line.arrive(0);
    expect(line.buffer.nextDueMs).toBe(50);
    expect(line.popAll(49.99)).toEqual([]);
    expect(line.popAll(50)).toEqual([0]);
    expect(line.buffer.nextDueMs).toBe(Infinity);
  });

  it("measures the delay from the fastest packet, not from each packet's own arrival", () => {
    const line = new Line();
    line.arrive(0);
    line.arrive(1, 40);
    line.popAll(50);
    expect(line.buffer.nextDueMs).toBeCloseTo(FRAME_MS + 50, 9);
  });

  it("plays a packet that comes within the delay although its successor came first", () => {
    const line = new Line();
    line.arrive(0);
    line.arrive(2);
    line.arrive(1, 45);
    expect(line.popAll(200)).toEqual([0, 1, 2]);
    expect(line.buffer.getStatistics().lostFrames).toBe(0);
  });

  it("lets an earlier packet become the first until the first one has left", () => {
    const line = new Line();
    line.arrive(1);
    expect(line.arrive(0, 30)).toBe("buffered");
    expect(line.popAll(200)).toEqual([0, 1]);
    line.arrive(3);
    line.popAll(200);
    expect(line.arrive(2, 60)).toBe("late");
  });

  it("follows a faster packet at once while nothing has been played", () => {
    const line = new Line();
    line.arrive(0, 100);
    line.arrive(1, 10);
    expect(line.buffer.nextDueMs).toBeCloseTo(60, 9);
  });

  it("does not pull packets out early when a faster packet comes in mid-stream, and slews back at 1 in 20", () => {
    const line = new Line();
    for (let n = 0; n < 10; n++) line.arrive(n, 30);
    line.popAll(9 * FRAME_MS + 80);
    line.arrive(10, 0);
    expect(line.buffer.nextDueMs).toBeCloseTo(10 * FRAME_MS + 80, 6);
    line.popAll(10 * FRAME_MS + 80);
    for (let n = 11; n <= 20; n++) line.arrive(n, 0);
    expect(line.buffer.nextDueMs).toBeCloseTo(11 * FRAME_MS + 80 - 10 * FRAME_MS * 0.05, 6);
  });

  it("owes a fallen base no more than the maximum delay allows", () => {
    const line = new Line({ maxDelayMs: 60 });
    line.arrive(0, 30);
    line.popAll(80);
    line.arrive(10, 0, { sequenceNumber: 101 });
    expect(line.buffer.nextDueMs).toBeCloseTo(10 * FRAME_MS + 60, 6);
    line.buffer.setTargetDelay(55);
    expect(line.buffer.nextDueMs).toBeCloseTo(10 * FRAME_MS + 60, 6);
  });

  it("learns within two seconds that the route has become longer", () => {
    const line = new Line();
    line.play(0, 100);
    for (let n = 101; n <= 202; n++) {
      line.arrive(n, 70);
      line.popAll(n * FRAME_MS + 70);
    }
    line.popAll(1e6);
    line.arrive(203, 70);
    expect(line.buffer.nextDueMs).toBeCloseTo(203 * FRAME_MS + 70 + 50, 6);
  });

  it("keeps the whole target delay although the sender's clock is slow", () => {
    const line = new Line();
    const slow = 500e-6;
    for (let n = 0; n < 30_000; n++) {
      line.arrive(n, n * FRAME_MS * slow);
      line.popAll(n * FRAME_MS * (1 + slow));
    }
    const arrivalMs = 30_000 * FRAME_MS * (1 + slow);
    line.popAll(arrivalMs + 1000);
    line.arrive(30_000, 30_000 * FRAME_MS * slow);
    // Two seconds of drift at 500 ppm is what the window may lag behind.
    expect(line.buffer.nextDueMs - arrivalMs).toBeGreaterThan(49);
    expect(line.buffer.nextDueMs - arrivalMs).toBeLessThanOrEqual(50);
  });

  it("moves waiting packets with the target delay", () => {
    const line = new Line();
    line.arrive(0);
    line.buffer.setTargetDelay(120);
    expect(line.buffer.nextDueMs).toBe(120);
    line.buffer.setTargetDelay(30);
    expect(line.buffer.nextDueMs).toBe(30);
    expect(line.buffer.getStatistics().targetDelayMs).toBe(30);
  });
});

describe("gaps", () => {
  it("skips a gap when the packet behind it is due, and only then counts it lost", () => {
    const line = new Line();
    line.play(0, 4);
    line.arrive(7);
    expect(line.popAll(4 * FRAME_MS + 50)).toEqual([2, 3, 4]);
    expect(line.buffer.getStatistics().lostFrames).toBe(0);
    expect(line.popAll(7 * FRAME_MS + 49)).toEqual([]);
    const packet = line.buffer.popNext(7 * FRAME_MS + 50);
    expect(packet).toMatchObject({ lostBefore: 2, sequenceNumber: 107 });
    expect(line.buffer.getStatistics().lostFrames).toBe(2);
  });

  it("counts no loss for a pause of the sender: contiguous numbers, a gap in the timestamps", () => {
    const line = new Line();
    line.arrive(0);
    line.popAll(100);
    expect(line.arrive(20, 0, { sequenceNumber: 101 })).toBe("buffered");
    expect(line.buffer.popNext(20 * FRAME_MS + 50)).toMatchObject({ lostBefore: 0 });
  });

  it("estimates the loss over the last 512 expected packets", () => {
    const line = new Line();
    for (let n = 0; n < 1000; n++) {
      if (n >= 500 || n % 4 !== 1) line.arrive(n);
      line.popAll(n * FRAME_MS);
      if (n === 450) expect(line.buffer.getStatistics().estimatedLossRate).toBeCloseTo(0.25, 2);
    }
    expect(line.buffer.getStatistics()).toMatchObject({ lostFrames: 125 });
    for (let n = 1000; n < 1100; n++) {
      line.arrive(n);
      line.popAll(n * FRAME_MS);
    }
    expect(line.buffer.getStatistics().estimatedLossRate).toBe(0);
  });

  it("keeps the first of two copies and counts the second", () => {
    const line = new Line();
    line.arrive(0);
    line.arrive(1, 0, { payload: Uint8Array.of(1) });
    expect(line.arrive(1, 5, { payload: Uint8Array.of(99) })).toBe("duplicate");
    expect(line.popAll(200)).toEqual([0, 1]);
    expect(line.buffer.getStatistics().duplicateCount).toBe(1);
  });

  it("refuses what comes after its turn", () => {
    const line = new Line();
    line.arrive(0);
    line.arrive(2);
    line.popAll(100);
    expect(line.arrive(1, 70)).toBe("late");
    expect(line.arrive(2, 80)).toBe("late");
    expect(line.buffer.getStatistics()).toMatchObject({
      latePacketCount: 2,
      lostFrames: 1,
      droppedFrames: 2,
    });
  });

  it("refuses what is overdue by more than the maximum delay, although its turn has not passed", () => {
    const line = new Line({ maxDelayMs: 100 });
    line.play(0, 3);
    expect(line.arrive(4, 149)).toBe("buffered");
    expect(line.arrive(5, 151)).toBe("late");
  });

  it("counts before a packet only what was lost directly before it", () => {
    const line = new Line();
    line.arrive(0);
    line.popAll(50);
    line.arrive(3);
    line.arrive(4);
    line.buffer.discardLateFrames(4 * FRAME_MS + 50);
    expect(line.buffer.popNext(1000)).toMatchObject({ sequenceNumber: 104, lostBefore: 0 });
    expect(line.buffer.getStatistics()).toMatchObject({ lostFrames: 2, latePacketCount: 1 });
  });

  it("drops on demand what was due before a moment", () => {
    const line = new Line();
    for (let n = 0; n < 5; n++) line.arrive(n);
    expect(line.buffer.discardLateFrames(2 * FRAME_MS + 50)).toBe(2);
    expect(line.buffer.getStatistics()).toMatchObject({ latePacketCount: 2, currentFrames: 3 });
    expect(line.popAll(1000)).toEqual([2, 3, 4]);
  });
});

describe("in order", () => {
  it("lets the next expected packet go at once", () => {
    const line = new Line({ release: "inOrder" });
    line.arrive(0);
    expect(line.buffer.nextDueMs).toBe(0);
    expect(line.popAll(0)).toEqual([0]);
    line.arrive(1, 5);
    expect(line.popAll(25)).toEqual([1]);
  });

  it("makes a gap wait until the packet behind it is due, or until it is filled", () => {
    const line = new Line({ release: "inOrder" });
    line.arrive(0);
    line.popAll(0);
    line.arrive(2);
    expect(line.buffer.nextDueMs).toBeCloseTo(2 * FRAME_MS + 50, 9);
    expect(line.popAll(2 * FRAME_MS + 49)).toEqual([]);
    line.arrive(1, 69);
    expect(line.popAll(2 * FRAME_MS + 49)).toEqual([1, 2]);
    line.arrive(4);
    expect(line.popAll(4 * FRAME_MS + 50)).toEqual([4]);
    expect(line.buffer.getStatistics().lostFrames).toBe(1);
  });
});

describe("overrun", () => {
  it("drops the oldest when the buffered span exceeds the maximum delay", () => {
    const line = new Line({ maxDelayMs: 200 });
    for (let n = 0; n <= 10; n++) line.arrive(n);
    expect(line.buffer.getStatistics()).toMatchObject({ currentFrames: 11, bufferOverrunCount: 0 });
    line.arrive(11);
    expect(line.buffer.getStatistics()).toMatchObject({
      currentFrames: 11,
      peakFrames: 12,
      bufferOverrunCount: 1,
    });
    expect(line.popAll(1000)[0]).toBe(1);
  });

  it("drops the oldest when more than a thousand packets wait", () => {
    const line = new Line({ kind: "video", clockRate: 90_000 });
    for (let n = 0; n < 1003; n++) line.arrive(n, -n * FRAME_MS, { rtpTimestamp: 7 });
    expect(line.buffer.getStatistics()).toMatchObject({
      currentFrames: 1000,
      maxFrames: 1000,
      bufferOverrunCount: 3,
    });
    expect(line.buffer.popNext(1e6)).toMatchObject({ sequenceNumber: 103 });
  });

  it("makes room in a full ring, so that the newest packets are always heard", () => {
    const line = new Line();
    for (let n = 0; n < 500; n++) {
      const status = line.arrive(n, -n * FRAME_MS, { rtpTimestamp: 7, payload: new Uint8Array(1200) });
      expect(status).toBe("buffered");
    }
    const { currentFrames, bufferOverrunCount } = line.buffer.getStatistics();
    expect(currentFrames + bufferOverrunCount).toBe(500);
    expect(currentFrames).toBeGreaterThan(35);
    const [first] = [line.buffer.popNext(1e6)];
    expect(first?.sequenceNumber).toBe(100 + bufferOverrunCount);
  });

  it("is not pinned by a packet on probation, whatever comes behind it", () => {
    const line = new Line();
    line.play(0, 2);
    expect(line.arrive(3, 0, { sequenceNumber: 40_000 })).toBe("suspect");
    for (let i = 0; i < 100; i++) line.buffer.insert(new Uint8Array(1000), 60);
    expect(line.buffer.getStatistics()).toMatchObject({
      suspectFrames: 0,
      malformedCount: 100,
      currentFrames: 0,
    });
    expect(line.arrive(3)).toBe("buffered");
  });
});

describe("jumps", () => {
  it("does not believe a leap of the numbers from one packet", () => {
    const line = new Line();
    line.play(0, 9);
    expect(line.arrive(10, 0, { sequenceNumber: 100 + 3011 })).toBe("suspect");
    expect(line.arrive(11)).toBe("buffered");
    expect(line.buffer.getStatistics()).toMatchObject({ latePacketCount: 1, resetCount: 0, resyncCount: 0 });
    expect(line.popAll(1000)).toContain(11);
  });

  it.each([
    ["forward", 30_000],
    ["backward", -20_500],
    ["to the other side of the circle", 32_768],
  ])("goes on with nothing lost when only the numbers jump %s", (_, jump) => {
    const line = new Line();
    const heard: number[] = [];
    for (let n = 0; n < 60; n++) {
      if (n === 30) line.firstSequence += jump;
      line.arrive(n);
      heard.push(...line.popAll(n * FRAME_MS));
    }
    heard.push(...line.popAll(1e6));
    expect(heard).toEqual(Array.from({ length: 60 }, (_, n) => n));
    expect(line.buffer.getStatistics()).toMatchObject({
      resyncCount: 1,
      resetCount: 0,
      lostFrames: 0,
      droppedFrames: 0,
    });
  });

  it("counts extended numbers on without a gap when the sender's numbers jump", () => {
    const line = new Line();
    line.arrive(0);
    const before = line.buffer.popNext(50)?.extendedSequence as number;
    line.firstSequence = 50_000;
    line.arrive(1);
    line.arrive(2);
    expect(line.buffer.popNext(1000)).toMatchObject({ extendedSequence: before + 1, sequenceNumber: 50_001 });
    expect(line.buffer.popNext(1000)).toMatchObject({ extendedSequence: before + 2, lostBefore: 0 });
  });

  it("begins anew when a second packet continues another numbering on another timeline", () => {
    const line = new Line();
    line.play(0, 29);
    const before = line.buffer.getStatistics();
    line.firstSequence = 9000;
    line.firstTimestamp = 2_000_000_000;
    expect(line.arrive(30)).toBe("suspect");
    expect(line.arrive(31)).toBe("reset");
    expect(line.popAll(32 * FRAME_MS + 50)).toEqual([30, 31]);
    const after = line.buffer.getStatistics();
    expect(after).toMatchObject({ resetCount: 1, resyncCount: 0, lostFrames: 0 });
    expect(after.bufferOverrunCount).toBe(before.currentFrames);
  });

  it("believes a jump although the packet right behind the first one is lost", () => {
    const line = new Line();
    line.play(0, 9);
    line.firstSequence = 9000;
    line.arrive(10);
    line.arrive(12);
    expect(line.buffer.getStatistics().resyncCount).toBe(1);
    line.popAll(12 * FRAME_MS + 49);
    expect(line.buffer.popNext(12 * FRAME_MS + 50)).toMatchObject({ lostBefore: 1 });
  });

  it("counts a copy of the packet on probation as a duplicate", () => {
    const line = new Line();
    line.play(0, 9);
    line.firstSequence = 9000;
    line.arrive(10);
    expect(line.arrive(10, 2)).toBe("duplicate");
    expect(line.arrive(11)).toBe("buffered");
  });

  it("refuses a burst of late packets without a reset", () => {
    const line = new Line();
    for (let n = 0; n < 100; n++) {
      if (n < 40 || n >= 60) line.arrive(n);
      line.popAll(n * FRAME_MS);
    }
    for (let n = 40; n < 60; n++) {
      const packet = { sequenceNumber: 100 + n, rtpTimestamp: 5000 + n * TICKS };
      expect(line.buffer.insert(rtpPacket(packet), 100 * FRAME_MS - 300)).toBe("late");
    }
    expect(line.buffer.getStatistics()).toMatchObject({ resetCount: 0, resyncCount: 0, latePacketCount: 20 });
  });

  it("takes the mapping anew when timestamps leave the arrivals by over a second twice in a row", () => {
    const line = new Line();
    line.play(0, 9);
    line.firstTimestamp += 48_000 + 961;
    expect(line.arrive(10)).toBe("suspect");
    expect(line.arrive(11)).toBe("reset");
    line.popAll(11 * FRAME_MS + 49);
    expect(line.buffer.nextDueMs).toBeCloseTo(11 * FRAME_MS + 50, 6);
  });

  it("ignores a single packet whose timestamp is out of line", () => {
    const line = new Line();
    line.play(0, 9);
    expect(line.arrive(10, 0, { rtpTimestamp: 3_000_000_000 })).toBe("suspect");
    expect(line.arrive(11)).toBe("buffered");
    line.popAll(1000);
    expect(line.buffer.getStatistics()).toMatchObject({ resetCount: 0, lostFrames: 1, latePacketCount: 1 });
  });

  it("takes a long silence in which the timestamps go on for no jump", () => {
    const line = new Line();
    line.play(0, 9);
    line.popAll(1000);
    expect(line.arrive(30_000, 3, { sequenceNumber: 110 })).toBe("buffered");
    expect(line.buffer.nextDueMs).toBeCloseTo(30_000 * FRAME_MS + 50 + 3, 6);
    expect(line.buffer.getStatistics()).toMatchObject({ resetCount: 0, lostFrames: 0 });
  });

  it("wraps numbers and timestamps without a seam", () => {
    const line = new Line();
    line.firstSequence = 65_530;
    line.firstTimestamp = 2 ** 32 - 5 * TICKS;
    line.play(0, 20);
    line.popAll(1e6);
    expect(line.buffer.getStatistics()).toMatchObject({
      poppedFrames: 21,
      lostFrames: 0,
      latePacketCount: 0,
    });
  });

  it("slides its window over a gap longer than itself", () => {
    const line = new Line({ kind: "video", clockRate: 90_000, maxDelayMs: 500 });
    line.arrive(0, 0, { rtpTimestamp: 0 });
    line.arrive(1, -FRAME_MS, { rtpTimestamp: 0 });
    expect(line.arrive(2500, -2500 * FRAME_MS, { rtpTimestamp: 90 })).toBe("buffered");
    const { lostFrames, bufferOverrunCount, currentFrames } = line.buffer.getStatistics();
    expect({ bufferOverrunCount, currentFrames }).toEqual({ bufferOverrunCount: 2, currentFrames: 1 });
    expect(lostFrames).toBe(2500 - 1 - 1024);
    expect(line.buffer.popNext(1e6)).toMatchObject({ lostBefore: 2498 });
    expect(line.buffer.getStatistics()).toMatchObject({ lostFrames: 2498, estimatedLossRate: 511 / 512 });
  });
});

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

describe("life", () => {
  it("starts with statistics of zero", () => {
    const { buffer } = new Line({ targetDelayMs: 80 });
    const { maxFrames, targetDelayMs, ...rest } = buffer.getStatistics();
    expect({ maxFrames, targetDelayMs }).toEqual({ maxFrames: 1000, targetDelayMs: 80 });
    expect(Object.values(rest).every((value) => value === 0)).toBe(true);
  });

  it("reports the delay of the last packet and the mean of the last ten", () => {
    const line = new Line();
    for (let n = 0; n < 12; n++) {
      line.arrive(n);
      line.buffer.popNext(n * FRAME_MS + 50 + n);
    }
    const { currentDelayMs, averageDelayMs } = line.buffer.getStatistics();
    expect(currentDelayMs).toBeCloseTo(61, 9);
    expect(averageDelayMs).toBeCloseTo(50 + (2 + 11) / 2, 9);
  });

  it("forgets the stream on reset, keeps its counters, and does nothing the second time", () => {
    const line = new Line();
    line.play(0, 5);
    const { currentFrames } = line.buffer.getStatistics();
    line.buffer.reset();
    line.buffer.reset();
    expect(line.buffer.getStatistics()).toMatchObject({
      resetCount: 1,
      currentFrames: 0,
      bufferOverrunCount: currentFrames,
      receivedFrames: 6,
    });
    line.firstSequence = 3;
    line.firstTimestamp = 77;
    expect(line.arrive(10, 500)).toBe("buffered");
    expect(line.buffer.nextDueMs).toBe(10 * FRAME_MS + 500 + 50);
  });

  it("estimates the loss of the stream since the reset", () => {
    const line = new Line();
    line.arrive(0);
    line.popAll(50);
    line.arrive(5);
    line.popAll(1000);
    expect(line.buffer.getStatistics().estimatedLossRate).toBeCloseTo(4 / 6, 9);
    line.buffer.reset();
    expect(line.buffer.getStatistics()).toMatchObject({ estimatedLossRate: 0, lostFrames: 4 });
  });

  it("raises extended numbers over a reset", () => {
    const line = new Line();
    line.arrive(0);
    const before = line.buffer.popNext(50)?.extendedSequence as number;
    line.buffer.reset();
    line.firstSequence = 0;
    line.arrive(1);
    line.firstSequence = 65_536 - 2;
    line.arrive(1, 1, { rtpTimestamp: line.firstTimestamp });
    const after = line.buffer.popNext(1000);
    expect(after).toMatchObject({ sequenceNumber: 65_535, lostBefore: 0 });
    expect(after?.extendedSequence).toBeGreaterThan(before);
  });

  it("closes once and for all", () => {
    const { buffer } = new Line();
    buffer.close();
    buffer.close();
    expect(buffer.closed).toBe(true);
    for (const use of [
      () => buffer.insert(new Uint8Array(12), 0),
      () => buffer.popNext(0),
      () => buffer.nextDueMs,
    ]) {
      expect(use).toThrow(expect.objectContaining({ code: "ALREADY_SHUTDOWN" }));
    }
  });

  it.each([
    ["clockRate", { clockRate: 0 }],
    ["clockRate", { clockRate: 48_000.5 }],
    ["targetDelayMs", { targetDelayMs: -1 }],
    ["targetDelayMs", { targetDelayMs: 201 }],
    ["targetDelayMs", { targetDelayMs: "50" as unknown as number }],
    ["maxDelayMs", { maxDelayMs: 501, targetDelayMs: 100 }],
    ["maxDelayMs", { maxDelayMs: Number.NaN }],
    ["release", { release: "soon" as "paced" }],
    ["kind", { kind: "text" as "audio" }],
  ])("refuses a bad %s and names it", (path, options) => {
    const create = (): JitterBuffer => new JitterBuffer({ clockRate: 48_000, ...options });
    expect(create).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
    expect(create).toThrow(path);
  });

  it("names every fault at once", () => {
    const create = (): JitterBuffer => new JitterBuffer({ clockRate: -1, targetDelayMs: 300 });
    expect(create).toThrow(/clockRate.*targetDelayMs/);
  });

  it("refuses bad arguments and names them", () => {
    const { buffer } = new Line();
    expect(() => buffer.insert("x" as unknown as Uint8Array, 0)).toThrow(/packet must be a Uint8Array/);
    expect(() => buffer.insert(new Uint8Array(12), Number.NaN)).toThrow(
      expect.objectContaining({ code: "INVALID_DATA" }),
    );
    expect(() => buffer.popNext(Infinity)).toThrow(/nowMs/);
    expect(() => buffer.discardLateFrames(Number.NaN)).toThrow(/cutoffMs/);
    expect(() => buffer.setTargetDelay(201)).toThrow(/targetDelayMs must be .* \(200\)/);
    expect(() => buffer.ring).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
  });
});
