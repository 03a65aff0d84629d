import { expect, it } from "vitest";
import { browserClock } from "../../../src/platform/browser/clock.ts";

it("fires a timer at or after its time, never before", async () => {
  const atMs = browserClock.now() + 7.3;
  const firedMs = await new Promise<number>((resolve) => {
    browserClock.setTimer(atMs, () => resolve(browserClock.now()));
  });
  expect(firedMs).toBeGreaterThanOrEqual(atMs);
});

it("fires a timer of the past in a later turn", async () => {
  let fired = false;
  const done = new Promise<void>((resolve) => {
    browserClock.setTimer(browserClock.now() - 1000, () => {
      fired = true;
      resolve();
    });
  });
  expect(fired).toBe(false);
  await done;
});

it("never fires a cancelled timer, and lets it be cancelled twice", async () => {
  let fired = false;
  const cancel = browserClock.setTimer(browserClock.now() + 1, () => {
    fired = true;
  });
  cancel();
  cancel();
  await new Promise<void>((resolve) => {
    browserClock.setTimer(browserClock.now() + 10, resolve);
  });
  expect(fired).toBe(false);
});

it("waits for a time that setTimeout cannot count to", async () => {
  let fired = false;
  const cancel = browserClock.setTimer(browserClock.now() + 2 ** 40, () => {
    fired = true;
  });
  await new Promise<void>((resolve) => {
    browserClock.setTimer(browserClock.now() + 10, resolve);
  });
  cancel();
  expect(fired).toBe(false);
});

it("tells the same wall time as Date, on a clock that nothing steps", () => {
  expect(Math.abs(browserClock.wallNow() - Date.now())).toBeLessThan(50);
  expect(browserClock.wallNow() - browserClock.now()).toBeCloseTo(performance.timeOrigin, 0);
});
