// Sequence numbers and timestamps that leap, wrap or pause: which of them the jitter buffer believes.
import { describe, expect, it } from "vitest";
import { FRAME_MS, Line, TICKS } from "./jitter-line.ts";
import { rtpPacket } from "./rtp-traffic.ts";

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
