import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { clockErrorOf, originNow, RunClock } from "../../../src/cli/demo/clocks.ts";

it("spreads clock errors from end to end, in another order for each kind", () => {
  const spread = { offsetMs: 500, skewPpm: 200 };
  for (const count of [2, 3, 5, 10]) {
    const errors = Array.from({ length: count }, (_, i) => clockErrorOf(i, count, spread));
    for (const [limit, values] of [
      [500, errors.map(({ offsetMs }) => offsetMs)],
      [200, errors.map(({ skewPpm }) => skewPpm)],
    ] as const) {
      expect(new Set(values.map((value) => value.toFixed(6))).size).toBe(count);
      expect(Math.min(...values)).toBe(-limit);
      expect(Math.max(...values)).toBe(limit);
    }
    expect(errors).toEqual(errors.map((_, i) => clockErrorOf(i, count, spread)));
  }
  expect(clockErrorOf(0, 1, spread)).toEqual({ offsetMs: -500, skewPpm: -200 });
});

it("counts from the origin, and never fires a timer early", async () => {
  const clock = new RunClock(originNow());
  expect(clock.now()).toBeGreaterThanOrEqual(0);
  expect(clock.wallNow() - clock.now()).toBeCloseTo(
    performance.timeOrigin + performance.now() - clock.now(),
    -2,
  );
  const atMs = clock.now() + 5.5;
  await new Promise<void>((resolve) => clock.setTimer(atMs, resolve));
  expect(clock.now()).toBeGreaterThanOrEqual(atMs);
});

it("shows the same time in every process", async () => {
  const clock = new RunClock({ monotonicNs: 0n, unixMs: 0 });
  const read = "process.stdout.write(String(process.hrtime.bigint()))";
  for (let i = 0; i < 2; i++) {
    const before = clock.now();
    const { stdout } = await promisify(execFile)(process.execPath, ["-e", read]);
    const theirs = Number(BigInt(stdout)) / 1e6;
    // What another process reads between two readings of ours lies between them: no wall clock, no start is in it.
    expect(theirs).toBeGreaterThanOrEqual(before);
    expect(theirs).toBeLessThanOrEqual(clock.now());
  }
});
