import { afterEach, describe, expect, it, vi } from "vitest";
import { createNodeClock } from "../../../src/platform/node/node-clock.ts";

describe("the Node clock", () => {
  afterEach(() => vi.useRealTimers());

  it("shows Unix time from the same monotonic source", () => {
    const clock = createNodeClock();
    const offsetMs = clock.wallNow() - clock.now();
    expect(Math.abs(clock.wallNow() - Date.now())).toBeLessThan(1_000);
    expect(Math.abs(clock.wallNow() - clock.now() - offsetMs)).toBeLessThan(50);
  });

  it("never calls back before the time, and not from within setTimer", async () => {
    const clock = createNodeClock();
    let inside = true;
    const fired = Array.from({ length: 50 }, (_, index) => {
      const atMs = clock.now() + index * 0.37;
      return new Promise<boolean>((resolve) => {
        clock.setTimer(atMs, () => resolve(!inside && clock.now() >= atMs));
      });
    });
    const past = new Promise<boolean>((resolve) => clock.setTimer(-1, () => resolve(!inside)));
    inside = false;
    expect(await Promise.all([...fired, past])).not.toContain(false);
  });

  it("cancels, once or twice, and too late", async () => {
    const clock = createNodeClock();
    let calls = 0;
    const cancel = clock.setTimer(clock.now() + 5, () => calls++);
    cancel();
    cancel();
    await new Promise<void>((resolve) => clock.setTimer(clock.now() + 20, resolve));
    expect(calls).toBe(0);
    cancel();
  });

  it("waits longer than setTimeout can, in steps, and can still be cancelled", () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const clock = createNodeClock();
    let calls = 0;
    const atMs = clock.now() + 2 ** 31 + 1_000;
    clock.setTimer(atMs, () => calls++);
    const cancel = clock.setTimer(atMs, () => calls++);
    vi.advanceTimersByTime(2 ** 31);
    expect(calls).toBe(0);
    cancel();
    vi.advanceTimersByTime(1_001);
    expect(calls).toBe(1);
  });
});
