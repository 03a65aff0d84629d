import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Speaker } from "../../../src/cli/demo/speaker.ts";

const counting = () => {
  let next = 0;
  return { next: (frames: number) => Float32Array.from({ length: frames }, () => next++) };
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

function speak(): { blocks: { first: number; captureMs: number; atMs: number }[]; speaker: Speaker } {
  const originMs = performance.now();
  const nowMs = (): number => performance.now() - originMs;
  const blocks: { first: number; captureMs: number; atMs: number }[] = [];
  const speaker = new Speaker(counting(), nowMs, (samples, captureMs) => {
    expect(samples).toHaveLength(960);
    blocks.push({ first: samples[0] as number, captureMs, atMs: nowMs() });
  });
  speaker.start();
  return { blocks, speaker };
}

it("hands over every block when it is complete, 50 a second", () => {
  const { blocks, speaker } = speak();
  vi.advanceTimersByTime(1_000);
  speaker.stop();
  vi.advanceTimersByTime(1_000);
  expect(blocks).toHaveLength(50);
  expect(blocks[0]).toEqual({ first: 0, captureMs: 0, atMs: 20 });
  expect(blocks[49]).toEqual({ first: 49 * 960, captureMs: 980, atMs: 1_000 });
});

it("catches up after a short stall without shifting what follows", () => {
  const { blocks, speaker } = speak();
  vi.advanceTimersByTime(20);
  vi.setSystemTime(0);
  // The loop was blocked for 90 ms: the timer of 40 ms fires at 110.
  const now = vi.spyOn(performance, "now");
  const blockedUntil = performance.now() + 90;
  now.mockReturnValue(blockedUntil);
  vi.advanceTimersByTime(20);
  now.mockRestore();
  speaker.stop();
  expect(blocks.map(({ captureMs }) => captureMs)).toEqual([0, 20, 40, 60, 80]);
});

it("leaves out what a long sleep has cost", () => {
  const { blocks, speaker } = speak();
  const now = vi.spyOn(performance, "now");
  const awakeAt = performance.now() + 60_000;
  now.mockReturnValue(awakeAt);
  vi.advanceTimersByTime(20);
  now.mockRestore();
  speaker.stop();
  expect(blocks).toEqual([{ first: 0, captureMs: 59_980, atMs: 60_000 }]);
});
