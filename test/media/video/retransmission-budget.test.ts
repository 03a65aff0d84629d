// How much may be sent again of what a path carries.
import { expect, it } from "vitest";
import { RetransmissionBudget } from "../../../src/media/video/retransmission-budget.ts";

/** Ask to send packets of 1000 bytes at this pace. @returns kbit/s that were allowed from the second on */
function allowedKbps(askedPerS: number, targetKbps: number): number {
  const budget = new RetransmissionBudget();
  let bytes = 0;
  for (let i = 0; i < askedPerS * 10; i++) {
    const nowMs = (i * 1000) / askedPerS;
    if (budget.spend(1_000, targetKbps, nowMs) && nowMs >= 1_000) bytes += 1_000;
  }
  return (bytes * 8) / 9_000;
}

it("lets everything pass that takes less than three tenths", () => {
  expect(allowedKbps(20, 1_000)).toBeCloseTo(160, 0);
});

it.each([200, 1_000, 5_000])("allows three tenths of %i kbit/s, however much is asked for", (targetKbps) => {
  expect(allowedKbps(2_000, targetKbps) / targetKbps).toBeCloseTo(0.3, 1);
});

it("allows the share of a second at once, tells what was spent, and forgets it", () => {
  const budget = new RetransmissionBudget();
  let packets = 0;
  while (budget.spend(1_000, 1_000, 50)) packets++;
  expect(packets).toBe(38);
  expect(budget.kbps(50)).toBeCloseTo(304, 6);
  expect(budget.kbps(1_050)).toBeCloseTo(304 / Math.E, 6);
  expect(budget.kbps(20_000)).toBeLessThan(0.001);
  // A clock that stands still, or steps back, changes nothing.
  expect(budget.kbps(10_000)).toBe(budget.kbps(20_000));
});
