import { expect, it } from "vitest";
import { RetryDelay } from "../../../src/media/video/retry-delay.ts";

it("tries again after 1 s, then twice as long up to 30 s, and soon again once it has worked", () => {
  const retry = new RetryDelay();
  expect(retry.isDue(0)).toBe(true);
  for (const delayMs of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
    retry.failed(5000);
    expect([retry.isDue(5000 + delayMs - 1), retry.isDue(5000 + delayMs)]).toEqual([false, true]);
  }
  retry.worked();
  retry.failed(5000);
  expect(retry.isDue(6000)).toBe(true);
});
