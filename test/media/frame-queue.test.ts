import { describe, expect, it } from "vitest";
import { FrameQueue } from "../../src/media/frame-queue.ts";

function frame(rtpTimestamp: number, { ms = 20, sampleRate = 48_000, channels = 1 } = {}) {
  const samples = new Float32Array(((sampleRate * ms) / 1000) * channels);
  const kind = "audio" as const;
  const capture = { wallClockTimestampUs: 0, wallClockErrorUs: null, timelineEpoch: 0 };
  const sync = { rtpTicks: ms * 48, syncConfidence: 0.5, clockDriftPpm: 0 };
  const times = { receivedAt: 0, bufferDelayMs: 0, missingBefore: 0, ...capture, ...sync };
  const peer = { peerId: "bob", streamId: "default", quality: "received" as const };
  return { kind, samples, sampleRate, channels, rtpTimestamp: rtpTimestamp >>> 0, ...times, ...peer };
}

/** Append frames, each when it should come. */
function push(queue: FrameQueue, each: ReturnType<typeof frame>): void {
  queue.push(each, each.rtpTimestamp / 48);
}

describe("a reader's queue", () => {
  it("gives frames in order, nothing missing between them", () => {
    const queue = new FrameQueue();
    for (let i = 0; i < 5; i++) push(queue, frame(-960 + i * 960));
    const read = Array.from({ length: 5 }, () => queue.shift());
    expect(read.map((next) => next?.missingBefore)).toEqual([0, 0, 0, 0, 0]);
    expect(queue.shift()).toBeUndefined();
  });

  it("holds 200 ms, drops the oldest, and says so in the next frame", () => {
    const queue = new FrameQueue();
    push(queue, frame(0));
    queue.shift();
    for (let i = 1; i <= 15; i++) push(queue, frame(i * 960));
    expect([queue.length, queue.dropped]).toEqual([10, 5]);
    expect(queue.shift()).toMatchObject({ rtpTimestamp: 6 * 960, missingBefore: 5 * 960 });
    expect(queue.shift()?.missingBefore).toBe(0);
  });

  it("counts missing samples at the rate of the frames, over a wrap of the timestamps", () => {
    const queue = new FrameQueue();
    const shape = { sampleRate: 16_000, channels: 2 };
    push(queue, frame(2 ** 32 - 960, shape));
    push(queue, frame(48_000, shape));
    expect([queue.shift()?.missingBefore, queue.shift()?.missingBefore]).toEqual([0, 16_000]);
  });

  it("misses nothing when samples were played longer or shorter than what they stand for", () => {
    const queue = new FrameQueue();
    for (let i = 0; i < 3; i++) push(queue, { ...frame(i * 960, { ms: 15 + i * 5 }), rtpTicks: 960 });
    push(queue, frame(4 * 960));
    expect([0, 1, 2, 3].map(() => queue.shift()?.missingBefore)).toEqual([0, 0, 0, 960]);
  });

  it("takes a jump back, or of more than a minute, as a new stream", () => {
    const queue = new FrameQueue();
    for (const rtpTimestamp of [96_000, 0, 48_000 * 62]) push(queue, frame(rtpTimestamp));
    expect([queue.shift(), queue.shift(), queue.shift()].map((next) => next?.missingBefore)).toEqual([
      0, 0, 0,
    ]);
  });

  it("keeps a frame that alone is longer than the bound", () => {
    const queue = new FrameQueue();
    push(queue, frame(0, { ms: 500 }));
    expect(queue.length).toBe(1);
    queue.clear();
    expect(queue.length).toBe(0);
  });

  it("keeps up to a second of what came at once: the reader has had no turn yet", () => {
    const queue = new FrameQueue();
    for (let i = 0; i < 60; i++) queue.push(frame(i * 960), 5_000);
    expect([queue.length, queue.dropped]).toEqual([50, 10]);
    queue.push(frame(60 * 960), 5_199);
    expect(queue.length).toBe(50);
    queue.push(frame(61 * 960), 5_200);
    expect([queue.length, queue.shift()?.rtpTimestamp]).toEqual([10, 52 * 960]);
  });
});
