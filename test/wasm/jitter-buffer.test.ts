// When packets leave the jitter buffer, what it counts as lost, late or twice, and what it drops when it is full.
import { describe, expect, it } from "vitest";
import { FRAME_MS, Line } from "./jitter-line.ts";

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
