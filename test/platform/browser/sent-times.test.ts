import { describe, expect, it } from "vitest";
import { exactSentMs } from "../../../src/platform/browser/sent-times.ts";

describe("exactSentMs", () => {
  it("adds what the browser has cut off, whichever block was written last", () => {
    const startMs = 1_795_360_000_000.8125;
    for (const blocks of [-3, 0, 1, 7]) {
      for (const piece of [0, 10]) {
        const saidMs = Math.floor(startMs + 0.0625) + piece; // the browser counts from a time of its own
        expect(exactSentMs(saidMs, startMs + blocks * 20)).toBeCloseTo(startMs + piece, 3);
      }
    }
  });

  it("follows stamps that are whole milliseconds already", () => {
    expect(exactSentMs(1_795_360_000_123, 1_795_360_000_103)).toBe(1_795_360_000_123);
  });

  it("leaves alone what was not written", () => {
    expect(exactSentMs(1_000.5, undefined)).toBe(1_000.5);
    expect(exactSentMs(1_000, 1_005)).toBe(1_000);
  });
});
