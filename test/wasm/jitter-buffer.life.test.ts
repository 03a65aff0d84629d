// A jitter buffer from its options over resets to its end, and the statistics it keeps meanwhile.
import { describe, expect, it } from "vitest";
import { JitterBuffer } from "../../src/wasm/jitter-buffer.ts";
import { FRAME_MS, Line } from "./jitter-line.ts";

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
