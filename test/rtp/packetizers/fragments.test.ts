import { describe, expect, it } from "vitest";
import { cutEvenly } from "../../../src/rtp/packetizers/fragments.ts";

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i & 0xff);

describe("cutting", () => {
  it("puts a head in front of each part", () => {
    expect(cutEvenly(Uint8Array.of(1, 2, 3), [9, 8], [7], 3)).toEqual([
      Uint8Array.of(9, 8, 1),
      Uint8Array.of(7, 2, 3),
    ]);
  });

  it.each([
    [1, 100],
    [86, 100],
    [89, 100],
    [90, 100],
    [1000, 100],
    [99_991, 1200],
    [100_000, 101],
  ])("makes of %i bytes as few payloads of %i as it can, all alike but for one byte", (length, maxBytes) => {
    const payloads = cutEvenly(bytes(length), new Array<number>(11).fill(0), [0, 0, 0], maxBytes);
    const lengths = payloads.map((payload) => payload.length);
    expect(payloads.length).toBe(Math.ceil((length + 8) / (maxBytes - 3)));
    expect(Math.max(...lengths)).toBeLessThanOrEqual(maxBytes);
    expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
    expect(lengths.reduce((sum, value) => sum + value, 0)).toBe(length + 8 + 3 * payloads.length);
  });
});
