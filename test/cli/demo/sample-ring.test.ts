import { describe, expect, it } from "vitest";
import { Placement, SampleRing } from "../../../src/cli/demo/sample-ring.ts";

const values = (...samples: number[]): Float32Array => Float32Array.from(samples);

describe("SampleRing", () => {
  it("gives back what it holds, and silence before, between and after", () => {
    const ring = new SampleRing(16);
    ring.write(2, values(1, 2));
    ring.write(6, values(3));
    expect([...ring.read(0, 9)]).toEqual([0, 0, 1, 2, 0, 0, 3, 0, 0]);
    expect([...ring.read(-2, 5)]).toEqual([0, 0, 0, 0, 1]);
    expect(ring.end).toBe(7);
  });

  it("forgets what is older than its capacity, also across a gap longer than that", () => {
    const ring = new SampleRing(4);
    ring.write(0, values(1, 2, 3, 4, 5, 6));
    expect([...ring.read(0, 6)]).toEqual([0, 0, 3, 4, 5, 6]);
    ring.write(100, values(7));
    expect([...ring.read(97, 4)]).toEqual([0, 0, 0, 7]);
  });

  it("replaces what overlaps and ignores what is too old to hold", () => {
    const ring = new SampleRing(4);
    ring.write(0, values(1, 2, 3, 4));
    ring.write(2, values(9));
    expect([...ring.read(0, 4)]).toEqual([1, 2, 9, 4]);
    ring.write(20, values(5, 5));
    ring.write(3, values(8, 8));
    expect([...ring.read(18, 4)]).toEqual([0, 0, 5, 5]);
  });
});

describe("Placement", () => {
  it("lays blocks end to end although they come with jitter", () => {
    const placement = new Placement();
    const starts = [0, 1_400, 1_700, 2_900].map((now) => placement.place(now, 960));
    expect(starts).toEqual([0, 960, 1_920, 2_880]);
  });

  it("leaves room for samples known to be missing", () => {
    const placement = new Placement();
    placement.place(0, 960);
    expect(placement.place(1_920, 960, 960)).toBe(1_920);
  });

  it("starts anew at the present after an interruption", () => {
    const placement = new Placement();
    placement.place(0, 960);
    expect(placement.place(48_000, 960)).toBe(48_000);
    expect(placement.place(48_960, 960)).toBe(48_960);
  });

  it.each([
    ["ahead of", 0],
    ["behind", 8_000],
  ])("moves a stream that stays %s the clock, once, after two seconds", (_, lateness) => {
    const placement = new Placement();
    // A burst of five blocks at once, or a first block that came early, leaves the stream off the clock.
    for (let i = 0; i < 5; i++) placement.place(0, 960);
    const starts = Array.from({ length: 200 }, (__, i) => placement.place(lateness + 960 * (i + 1), 960));
    expect(starts[0]).toBe(4_800);
    expect(Math.abs((starts.at(-1) as number) - lateness - 960 * 200)).toBeLessThanOrEqual(1_920);
    const steps = starts.slice(1).map((start, i) => start - (starts[i] as number));
    expect(steps.filter((step) => step !== 960)).toHaveLength(1);
  });
});
