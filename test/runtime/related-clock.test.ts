// The copy of a clock in another thread: it shows the same time, whatever the start and the rate of the first.
import { describe, expect, it } from "vitest";
import { RelatedClock } from "../../src/runtime/related-clock.ts";
import { SkewedClock } from "../../src/testing/skewed-clock.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

describe("RelatedClock", () => {
  it.each([0, 300, -2000])("shows what a clock with %i ppm shows, and rings when it would", (skewPpm) => {
    const shared = new VirtualClock();
    const first = new SkewedClock(shared, { skewPpm, startMs: 4321, offsetMs: 55 });
    shared.advance(1234);
    const relation = {
      sharedMs: shared.wallNow(),
      localMs: first.now(),
      wallMs: first.wallNow(),
      rate: first.rate,
    };
    // The other thread's own clock began elsewhere; what it shares is the wall clock.
    const own = {
      now: () => shared.now() + 987_654,
      wallNow: () => shared.wallNow(),
      setTimer: (atMs: number, callback: () => void) => shared.setTimer(atMs - 987_654, callback),
    };
    const copy = new RelatedClock(own, relation);
    let rangMs = Number.NaN;
    copy.setTimer(first.now() + 60_000, () => (rangMs = first.now()));
    const canceled = copy.setTimer(first.now() + 10, () => expect.unreachable());
    canceled();
    const dueMs = first.now() + 60_000;
    for (let i = 0; i < 100; i++) {
      shared.advance(1000);
      expect(copy.now()).toBeCloseTo(first.now(), 3);
      expect(copy.wallNow()).toBeCloseTo(first.wallNow(), 2);
    }
    expect(rangMs).toBeCloseTo(dueMs, 3);
    expect(rangMs).toBeGreaterThanOrEqual(dueMs);
    expect(copy.rate).toBe(first.rate);
  });
});
