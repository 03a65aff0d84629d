import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Projector } from "../../../../src/cli/demo/video/projector.ts";

let nowMs = 0;
beforeEach(() => {
  nowMs = 1_000;
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

/** Let time pass; timers come `lateMs` late. */
async function pass(ms: number, lateMs = 0): Promise<void> {
  for (let i = 0; i < ms; i++) {
    nowMs++;
    await vi.advanceTimersByTimeAsync(1);
  }
  nowMs += lateMs;
}

function projector(make: (number: number) => string | Promise<string>, framerateFps = 20) {
  const taken: [picture: string, captureMs: number, number: number][] = [];
  const fail = vi.fn<(error: unknown) => void>();
  const made = new Projector<string>({
    framerateFps,
    nowMs: () => nowMs,
    make,
    take: (picture, captureMs, number) => taken.push([picture, captureMs, number]),
    fail,
  });
  return { made, taken, fail };
}

it("shows each picture at its time, and none after it was stopped", async () => {
  const { made, taken } = projector((number) => `picture ${number}`);
  made.start();
  await pass(101);
  made.stop();
  await pass(200);
  expect(taken).toEqual([
    ["picture 0", 1_000, 0],
    ["picture 1", 1_050, 1],
    ["picture 2", 1_100, 2],
  ]);
});

it("does not add up what timers are late by", async () => {
  const { made, taken } = projector(String, 30);
  made.start();
  await pass(1_001);
  made.stop();
  const tenths = taken.map(([, captureMs]) => Math.round(captureMs * 10));
  expect(tenths).toEqual(Array.from({ length: 31 }, (_, i) => Math.round(10_000 + (i * 10_000) / 30)));
});

it("leaves out pictures whose time has passed", async () => {
  const { made, taken } = projector(String);
  made.start();
  await pass(10, 300);
  await pass(100);
  made.stop();
  expect(taken.map(([, , number]) => number)).toEqual([0, 6, 7, 8]);
});

it("waits for a picture that takes its time, and leaves out one that cannot be made", async () => {
  const { made, taken, fail } = projector(async (number) => {
    if (number === 1) throw new Error("no such picture");
    await new Promise((resolve) => setTimeout(resolve, 20));
    return String(number);
  });
  made.start();
  await pass(130);
  made.stop();
  expect(taken.map(([, captureMs, number]) => [captureMs, number])).toEqual([
    [1_000, 0],
    [1_100, 2],
  ]);
  expect(fail).toHaveBeenCalledExactlyOnceWith(new Error("no such picture"));
});

it("takes no picture that is ready only after it was stopped", async () => {
  const { made, taken } = projector(() => new Promise((resolve) => setTimeout(() => resolve("late"), 20)));
  made.start();
  await pass(10);
  made.stop();
  await pass(50);
  expect(taken).toEqual([]);
});
