// Coded frames need each other: where the buffer of a stream would drop one, it leaves at once instead, in its order.
import { describe, expect, it } from "vitest";
import { SyncManager } from "../../src/sync/sync-manager.ts";
import type { ReceivedVideoFrame } from "../../src/sync/sync-types.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { Sender } from "./simulated-peer.ts";

const FRAME_MS = 40;

/** Frames by index and arrival, ms; popped as a receiver would, and at the end. @returns indices, and when they left */
function play(
  arrivals: readonly (readonly [index: number, atMs: number])[],
  options: { decoded?: boolean } = {},
) {
  const sync = new SyncManager("peer", { maxJitterBufferMs: 200 });
  const sender = new Sender("video", { base: 0xffff_0000, frameMs: FRAME_MS });
  const indexOf = new Map<number, number>();
  const left: [index: number, atMs: number][] = [];
  const popAll = (nowMs: number): void => {
    for (let frame = sync.popNextVideoFrame(nowMs); frame !== null; frame = sync.popNextVideoFrame(nowMs)) {
      left.push([indexOf.get(frame.rtpTimestamp) ?? NaN, nowMs]);
      expect(frame.bufferDelayMs).toBeGreaterThanOrEqual(0);
    }
  };
  let nowMs = 0;
  for (const [index, atMs] of arrivals) {
    for (; sync.nextVideoDueMs < atMs; popAll(nowMs)) nowMs = Math.max(nowMs, sync.nextVideoDueMs);
    nowMs = atMs;
    const frame: ReceivedVideoFrame = {
      ...sender.video(index, atMs),
      ...(options.decoded === true && { format: "I420" as const }),
    };
    indexOf.set(frame.rtpTimestamp, index);
    sync.processVideoFrame(frame);
  }
  popAll(1e9);
  const statistics = sync.getStatistics("video");
  expect(sync.heldFrames).toBe(0);
  sync.close();
  return { left, order: left.map(([index]) => index), statistics };
}

const regular = (from: number, to: number): [number, number][] =>
  Array.from({ length: to - from }, (_, i) => [from + i, (from + i) * FRAME_MS]);

describe("coded frames of video", () => {
  it("leave early where more come at once than may wait", () => {
    const burst: [number, number][] = [10, 11, 12, 13, 14, 15, 16, 17, 18, 19].map((index) => [
      index,
      19 * FRAME_MS,
    ]);
    const { order, left, statistics } = play([...regular(0, 10), ...burst, ...regular(20, 30)]);
    expect(order).toEqual(Array.from({ length: 30 }, (_, i) => i));
    expect(left[10]?.[1]).toBeLessThanOrEqual(20 * FRAME_MS);
    expect(statistics).toMatchObject({ latePacketCount: 0, bufferOverrunCount: 0 });
  });

  it("leave at once when their time has long passed", () => {
    const late: [number, number][] = [[10, 10 * FRAME_MS + 900]];
    const { order, left, statistics } = play([
      ...regular(0, 10),
      ...late,
      [11, 1310],
      [12, 1311],
      ...regular(33, 40),
    ]);
    expect(order.slice(0, 13)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(left[10]?.[1]).toBeLessThanOrEqual(1310);
    expect(statistics.latePacketCount).toBe(0);
  });

  it("are dropped when their successors have left", () => {
    const { order, statistics } = play([[0, 0], [1, 40], [3, 120], [4, 160], [2, 600], ...regular(15, 20)]);
    expect(order).toEqual([0, 1, 3, 4, 15, 16, 17, 18, 19]);
    expect(statistics.latePacketCount).toBe(1);
  });

  it("all leave, each once and in order, whatever stalls the path", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = new SeededRandom(`stalls ${seed}`);
      let atMs = 0;
      const arrivals = Array.from({ length: 300 }, (_, index): [number, number] => {
        const stallMs = random.next() < 0.03 ? 700 * random.next() : 0;
        // A path that is behind by more than a second is taken for another timeline.
        atMs = Math.max(atMs, Math.min(Math.max(atMs, index * FRAME_MS) + stallMs, index * FRAME_MS + 900));
        return [index, atMs];
      });
      expect(play(arrivals).order, `seed ${seed}`).toEqual(arrivals.map(([index]) => index));
    }
  });
});

it("decoded frames that are too late are dropped: nobody needs them", () => {
  const late: [number, number][] = [[10, 10 * FRAME_MS + 900]];
  const { order, statistics } = play([...regular(0, 10), ...late, ...regular(34, 40)], { decoded: true });
  expect(order).not.toContain(10);
  expect(statistics.latePacketCount).toBe(1);
});
