import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/testing/random.ts";
import { TargetGroups } from "../../src/transport/target-groups.ts";

/** Groups whose sources are numbered in the order in which they were made. */
function numbered() {
  const groups = new TargetGroups<number>();
  let made = 0;
  const take = (targets: string, key?: string) => groups.take(new Set(targets), () => made++, key);
  return { groups, take };
}

describe("groups of targets", () => {
  it("keep their source while the targets change by one", () => {
    const { take } = numbered();
    for (const targets of ["a", "ab", "abc", "abcd", "abd", "bd", "b"]) {
      expect(take(targets)).toEqual({ source: 0, left: [], retired: [] });
    }
  });

  it("get a new source when less than half of it is shared, and give their peers away", () => {
    const { groups, take } = numbered();
    take("abcdefgh");
    expect(take("ab")).toEqual({ source: 1, left: [0], retired: [] });
    // The first one is left with six: these are exactly half of its twelve.
    expect(take("cdefghijklmn")).toEqual({ source: 0, left: [], retired: [] });
    expect(take("a")).toEqual({ source: 1, left: [], retired: [] });
    // What the second one was given for b last may still be under way.
    expect(take("bc")).toEqual({ source: 2, left: [0, 1], retired: [] });
    expect(groups.sources).toEqual([0, 1, 2]);
  });

  it("take the likest of two", () => {
    const { take } = numbered();
    take("abc");
    take("def");
    expect(take("abdef")).toEqual({ source: 1, left: [0], retired: [] });
    expect(take("c").source).toBe(0);
  });

  it("with a name keep their source whoever their targets are, and no other takes it", () => {
    const { groups, take } = numbered();
    take("a", "high");
    take("b", "medium");
    take("c", "low");
    // Half of each of two groups: the one that is meant.
    expect(take("ca", "low")).toEqual({ source: 2, left: [0], retired: [0] });
    expect(take("a", "high")).toEqual({ source: 3, left: [2], retired: [] });
    expect(take("cdefgh", "low")).toEqual({ source: 2, left: [], retired: [] });
    expect(take("cdefgh")).toEqual({ source: 4, left: [2], retired: [2] });
    expect(take("cdefgh", "low")).toEqual({ source: 5, left: [4], retired: [4] });
    expect(groups.sources).toEqual([1, 3, 5]);
  });

  it("tell of a source that served a peer before it served nobody", () => {
    const { groups, take } = numbered();
    take("ab", "low");
    take("b", "low");
    expect(take("a", "high")).toEqual({ source: 1, left: [0], retired: [] });
    expect(take("a", "high").left).toEqual([]);
    take("c", "low");
    expect(groups.release("b")).toBeUndefined();
    expect(take("b", "high").left).toEqual([]);
  });

  it("retire a source that has lost its last peer", () => {
    const { groups, take } = numbered();
    take("a");
    take("bcd");
    expect(take("abcd")).toEqual({ source: 1, left: [0], retired: [0] });
    expect(groups.sources).toEqual([1]);
    expect(groups.release("a")).toBeUndefined();
    for (const peer of "bc") expect(groups.release(peer)).toBeUndefined();
    expect(groups.release("d")).toBe(1);
    expect(groups.release("d")).toBeUndefined();
    expect(groups.sources).toEqual([]);
  });

  it("stay as they are when no source can be made", () => {
    const { groups, take } = numbered();
    take("abcdef");
    const fail = (): number => {
      throw new Error("no codec");
    };
    expect(() => groups.take(new Set("a"), fail)).toThrow("no codec");
    expect(take("abcdef")).toEqual({ source: 0, left: [], retired: [] });
  });

  it("tell whoever makes a source from which others it takes peers", () => {
    const { groups, take } = numbered();
    take("abc");
    take("def");
    let seen: readonly number[] = [];
    groups.take(new Set("adxyz"), (left) => {
      seen = left;
      return 9;
    });
    expect(seen).toEqual([0, 1]);
  });

  it("are never more than the peers, each peer in one at most, whatever is sent", () => {
    const seed = 4;
    const random = new SeededRandom(seed);
    const groups = new TargetGroups<{ id: number }>();
    const alive = new Map<object, ReadonlySet<string>>();
    const peers = [..."abcdefghij"];
    let made = 0;
    for (let i = 0; i < 2_000; i++) {
      if (random.chance(0.05)) {
        const peer = peers[random.integer(0, 9)] as string;
        for (const [source, members] of alive) {
          alive.set(source, new Set([...members].filter((member) => member !== peer)));
        }
        const closed = groups.release(peer);
        if (closed !== undefined) expect(alive.get(closed)?.size, `seed ${seed}`).toBe(0);
        if (closed !== undefined) alive.delete(closed);
        continue;
      }
      const targets = new Set(peers.filter(() => random.chance(0.4)));
      if (targets.size === 0) continue;
      const key = random.chance(0.5) ? `${random.integer(0, 2)}` : undefined;
      const { source, retired } = groups.take(targets, () => ({ id: made++ }), key);
      for (const [other, members] of alive) {
        alive.set(other, new Set([...members].filter((member) => !targets.has(member))));
      }
      alive.set(source, targets);
      for (const each of retired) {
        expect(alive.get(each)?.size, `seed ${seed}`).toBe(0);
        alive.delete(each);
      }
      expect(new Set(groups.sources), `seed ${seed}`).toEqual(new Set(alive.keys()));
      expect(alive.size).toBeLessThanOrEqual(peers.length);
    }
    expect(made).toBeGreaterThan(100);
  });
});
