import { describe, expect, it } from "vitest";
import { contained, guarded, readOr } from "../../../src/platform/node/guard.ts";
import { RtcpDeduplicator } from "../../../src/platform/node/rtcp-deduplicator.ts";

const fail = (): never => {
  throw new Error("boom");
};

describe("the guards", () => {
  it("let no exception out, not even that of the report", () => {
    const reported: unknown[] = [];
    guarded((error) => reported.push(error), fail)();
    expect(reported).toEqual([new Error("boom")]);
    expect(() => guarded(fail, fail)()).not.toThrow();
    expect(() => contained(fail)).not.toThrow();
  });

  it("pass arguments on and give a fallback for what cannot be read", () => {
    const seen: number[] = [];
    guarded(fail, (a: number, b: number) => seen.push(a, b))(1, 2);
    expect(seen).toEqual([1, 2]);
    expect(readOr(7, () => 8)).toBe(8);
    expect(readOr(7, fail)).toBe(7);
  });
});

describe("RtcpDeduplicator", () => {
  const packet = (last: number): Uint8Array => new Uint8Array([0x81, 201, 0, 1, 0, 0, 0, last]);

  it("recognizes the same bytes within 20 ms, and not later", () => {
    const deduplicator = new RtcpDeduplicator();
    expect(deduplicator.isDuplicate(packet(1), 100)).toBe(false);
    expect(deduplicator.isDuplicate(packet(2), 100)).toBe(false);
    expect(deduplicator.isDuplicate(packet(1), 120)).toBe(true);
    expect(deduplicator.isDuplicate(packet(1), 121)).toBe(false);
    expect(deduplicator.isDuplicate(packet(1).subarray(0, 4), 121)).toBe(false);
  });

  it("remembers eight packets at most", () => {
    const deduplicator = new RtcpDeduplicator();
    for (let last = 0; last < 9; last++) deduplicator.isDuplicate(packet(last), 0);
    expect(deduplicator.isDuplicate(packet(8), 0)).toBe(true);
    expect(deduplicator.isDuplicate(packet(0), 0)).toBe(false);
  });
});
