// Clocks of machines that are off.
import { expect, it } from "vitest";
import { SkewedClock } from "../../src/testing/skewed-clock.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

it("runs fast by its skew and shows a wall clock that is off", () => {
  const truth = new VirtualClock({ startMs: 500 });
  const clock = new SkewedClock(truth, { offsetMs: -300, skewPpm: 200, startMs: 7_000 });
  expect(clock.now()).toBe(7_000);
  expect(clock.wallNow()).toBe(truth.wallNow() - 300);
  truth.advance(1_000_000);
  expect(clock.now()).toBeCloseTo(7_000 + 1_000_200, 6);
  expect(clock.wallNow()).toBeCloseTo(truth.wallNow() - 300 + 200, 3);
});

it("agrees with true time when nothing is off", () => {
  const truth = new VirtualClock({ startMs: 500 });
  const clock = new SkewedClock(truth, {});
  truth.advance(1_234);
  expect([clock.now(), clock.wallNow()]).toEqual([truth.now(), truth.wallNow()]);
});

it("tells true time from what it shows, and back", () => {
  const truth = new VirtualClock({ startMs: 500 });
  const clock = new SkewedClock(truth, { offsetMs: -300, skewPpm: 200, startMs: 7 });
  truth.advance(50_000);
  const [localMs, wallMs, trueMs] = [clock.now(), clock.wallNow(), truth.now()];
  truth.advance(1_000);
  expect(clock.trueAt(localMs)).toBeCloseTo(trueMs, 6);
  expect(clock.trueAtWall(wallMs)).toBeCloseTo(trueMs, 2);
  expect(clock.wallAt(localMs)).toBeCloseTo(wallMs, 2);
});

it.each([-500, -3, 0, 0.1, 500])("fires timers at its own time and never early (%d ppm)", (skewPpm) => {
  const truth = new VirtualClock({ startMs: 123.456 });
  const clock = new SkewedClock(truth, { skewPpm, startMs: 1e9 / 3 });
  const late: number[] = [];
  for (let timer = 1; timer <= 300; timer++) {
    const atMs = clock.now() + timer * 33.3;
    clock.setTimer(atMs, () => late.push(clock.now() - atMs));
  }
  const cancel = clock.setTimer(clock.now() + 5, () => late.push(Number.NaN));
  cancel();
  truth.advance(60_000);
  expect(late.length).toBe(300);
  expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...late)).toBeLessThan(0.001);
});
