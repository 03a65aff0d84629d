import { describe, expect, it } from "vitest";
import { DeliveryHealth } from "../../src/session/delivery-health.ts";

function failing(times: number, nowMs = 0): DeliveryHealth {
  const health = new DeliveryHealth();
  for (let i = 0; i < times; i++) health.failed(nowMs);
  return health;
}

describe("DeliveryHealth", () => {
  it("opens after 5 failures in a row, and not before", () => {
    expect(failing(4).state(0)).toBe("closed");
    expect(failing(5).state(0)).toBe("open");
  });

  it("begins to count again after a success", () => {
    const health = failing(4);
    health.succeeded(0);
    for (let i = 0; i < 4; i++) health.failed(0);
    expect(health.state(0)).toBe("closed");
  });

  it("is half open after 30 s, closes after 2 successes and opens again with one failure", () => {
    const health = failing(5);
    expect(health.state(29_999)).toBe("open");
    expect(health.state(30_000)).toBe("halfOpen");
    health.succeeded(30_000);
    expect(health.state(30_000)).toBe("halfOpen");
    health.failed(30_001);
    expect(health.state(60_000)).toBe("open");
    expect(health.state(60_001)).toBe("halfOpen");
    health.succeeded(60_001);
    health.succeeded(60_001);
    expect(health.state(60_001)).toBe("closed");
  });

  it("lets a failure count for several, and forgets all of them at a reset", () => {
    const health = new DeliveryHealth();
    health.failed(0, 5);
    health.failed(10);
    expect(health.state(10)).toBe("open");
    health.reset();
    expect(health.state(10)).toBe("closed");
    for (let i = 0; i < 4; i++) health.failed(10);
    expect(health.state(10)).toBe("closed");
  });
});
