import { describe, expect, it } from "vitest";
import { DEFAULT_TIERS } from "../../src/session/quality-tiers.ts";
import { PeerTiers } from "../../src/transport/peer-tiers.ts";

/** Paths that a test sets, and how often they were looked at. */
function paths() {
  const kbps = new Map<string, number>();
  const loss = new Map<string, number>();
  const sizes = new Map<string, { width: number; height: number }>();
  const seen = { looks: 0 };
  let nowMs = 1_000;
  const tiers = new PeerTiers({
    tiers: DEFAULT_TIERS,
    nowMs: () => nowMs,
    bandwidthKbps: (peerId) => (seen.looks++, kbps.get(peerId)),
    lossRate: (peerId) => loss.get(peerId),
    maxVideo: (peerId) => sizes.get(peerId),
  });
  /** Ask every 20 ms, as outputs do. @returns the last answer */
  const after = (peerId: string, ms: number): string => {
    let tier = tiers.tierOf(peerId);
    for (const endMs = nowMs + ms; nowMs < endMs;) {
      nowMs += 20;
      tier = tiers.tierOf(peerId);
    }
    return tier;
  };
  return { tiers, kbps, loss, sizes, seen, after };
}

describe("PeerTiers", () => {
  it("begins with the best that a peer takes while nothing is known of its path", () => {
    const { tiers, sizes } = paths();
    sizes.set("phone", { width: 480, height: 854 });
    sizes.set("tablet", { width: 1280, height: 800 });
    expect(tiers.tierOf("unknown")).toBe("high");
    expect(tiers.tierOf("tablet")).toBe("medium");
    // Either way up.
    expect(tiers.tierOf("phone")).toBe("low");
  });

  it("moves one peer as its path changes, and nobody else", () => {
    const { kbps, after } = paths();
    kbps.set("near", 9_000);
    kbps.set("far", 9_000);
    expect(after("near", 6_000)).toBe("high");
    expect(after("far", 6_000)).toBe("high");
    kbps.set("far", 1_200);
    expect(after("far", 3_000)).toBe("medium");
    expect(after("near", 0)).toBe("high");
    kbps.set("far", 9_000);
    expect(after("far", 9_000)).toBe("medium");
    expect(after("far", 2_000)).toBe("high");
  });

  it("goes down where much is lost", () => {
    const { kbps, loss, after } = paths();
    kbps.set("peer", 9_000);
    after("peer", 6_000);
    loss.set("peer", 0.2);
    expect(after("peer", 1_000)).toBe("medium");
  });

  it("follows a peer that says later what it takes", () => {
    const { kbps, sizes, after } = paths();
    kbps.set("peer", 9_000);
    expect(after("peer", 100)).toBe("high");
    sizes.set("peer", { width: 640, height: 480 });
    expect(after("peer", 1_000)).toBe("low");
  });

  it("looks at a path twice a second, however often it is asked", () => {
    const { seen, after } = paths();
    after("peer", 10_000);
    expect(seen.looks).toBeGreaterThanOrEqual(19);
    expect(seen.looks).toBeLessThanOrEqual(21);
  });

  it("forgets a peer that is released: it begins anew", () => {
    const { tiers, kbps, after } = paths();
    kbps.set("peer", 100);
    expect(after("peer", 3_000)).toBe("low");
    tiers.release("peer");
    kbps.delete("peer");
    expect(tiers.tierOf("peer")).toBe("high");
  });

  it("knows what the pictures of a tier take", () => {
    const { tiers } = paths();
    expect([tiers.kbpsOf("high"), tiers.kbpsOf("medium"), tiers.kbpsOf("low")]).toEqual([4000, 1500, 500]);
  });
});
