import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/testing/random.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

describe("advance", () => {
  it("moves both clocks together", () => {
    const clock = new VirtualClock({ startMs: 500, wallMs: 1_000_000 });
    clock.advance(250);
    expect([clock.now(), clock.wallNow()]).toEqual([750, 1_000_250]);
    clock.advanceTo(100);
    expect(clock.now()).toBe(750);
  });

  it("runs what is due in order of time, then of setting, at its own time", () => {
    const clock = new VirtualClock();
    const ran: [string, number][] = [];
    const note = (name: string) => () => void ran.push([name, clock.now()]);
    clock.setTimer(20, note("c"));
    clock.setTimer(10, note("a"));
    clock.setTimer(20, note("d"));
    clock.setTimer(10, note("b"));
    clock.setTimer(31, note("late"));
    clock.advance(30);
    expect(ran).toEqual([
      ["a", 10],
      ["b", 10],
      ["c", 20],
      ["d", 20],
    ]);
    expect([clock.now(), clock.pending]).toEqual([30, 1]);
  });

  it("runs timers set by timers, and those for the past at once but not within the call", () => {
    const clock = new VirtualClock();
    const ran: string[] = [];
    clock.setTimer(10, () => {
      clock.setTimer(5, () => ran.push(`past at ${clock.now()}`));
      clock.setTimer(15, () => ran.push("nested"));
      ran.push("outer");
    });
    clock.advance(20);
    expect(ran).toEqual(["outer", "past at 10", "nested"]);
  });

  it("lets exceptions out and goes on afterwards", () => {
    const clock = new VirtualClock();
    const ran: number[] = [];
    clock.setTimer(1, () => {
      throw new Error("timer failed");
    });
    clock.setTimer(2, () => ran.push(2));
    expect(() => clock.advance(5)).toThrow("timer failed");
    clock.advance(5);
    expect(ran).toEqual([2]);
  });

  it("refuses times that are none", () => {
    for (const atMs of [NaN, Infinity]) {
      expect(() => new VirtualClock().setTimer(atMs, () => undefined)).toThrow(RangeError);
    }
  });
});

describe("cancelling", () => {
  it("keeps a timer from firing, twice and too late without harm", () => {
    const clock = new VirtualClock();
    const ran: string[] = [];
    const cancel = clock.setTimer(10, () => ran.push("cancelled"));
    const tooLate = clock.setTimer(10, () => ran.push("fired"));
    cancel();
    cancel();
    expect(clock.pending).toBe(1);
    clock.advance(10);
    tooLate();
    expect(ran).toEqual(["fired"]);
    expect(clock.pending).toBe(0);
  });

  it("keeps order through thousands of random timers and cancellations", () => {
    const random = new SeededRandom("timers");
    const clock = new VirtualClock();
    const expected: [number, number][] = [];
    const ran: [number, number][] = [];
    for (let index = 0; index < 20_000; index++) {
      const atMs = random.integer(0, 500);
      const cancel = clock.setTimer(atMs, () => ran.push([atMs, index]));
      if (random.chance(0.9)) cancel();
      else expected.push([atMs, index]);
    }
    expect(clock.pending).toBe(expected.length);
    clock.advance(500);
    expect(ran).toEqual(expected.sort(([a, i], [b, j]) => a - b || i - j));
    expect(clock.pending).toBe(0);
  });
});

describe("run", () => {
  it("lets promise callbacks finish between actions, however deep they are", async () => {
    const clock = new VirtualClock();
    const ran: string[] = [];
    clock.setTimer(10, () => {
      void (async () => {
        for (let depth = 0; depth < 1_000; depth++) await Promise.resolve();
        ran.push(`promises at ${clock.now()}`);
      })();
    });
    clock.setTimer(11, () => ran.push("next timer"));
    await clock.run(20);
    expect(ran).toEqual(["promises at 10", "next timer"]);
    expect(clock.now()).toBe(20);
  });

  it("runs timers that promise callbacks set on the way", async () => {
    const clock = new VirtualClock();
    const sleep = (ms: number): Promise<void> =>
      new Promise((resolve) => void clock.setTimer(clock.now() + ms, resolve));
    const times: number[] = [];
    void (async () => {
      for (let round = 0; round < 5; round++) {
        await sleep(7);
        times.push(clock.now());
      }
    })();
    await clock.run(30);
    expect(times).toEqual([7, 14, 21, 28]);
  });

  it("lets several runs follow one another", async () => {
    const clock = new VirtualClock();
    await Promise.all([clock.run(10), clock.run(5)]);
    expect(clock.now()).toBe(15);
  });

  it("lets exceptions of actions out and can run again", async () => {
    const clock = new VirtualClock();
    clock.setTimer(1, () => {
      throw new Error("timer failed");
    });
    await expect(clock.run(5)).rejects.toThrow("timer failed");
    await clock.run(5);
    expect(clock.now()).toBe(6);
  });
});

describe("until", () => {
  it("stops where the promise settles, and gives its result", async () => {
    const clock = new VirtualClock();
    const promise = new Promise<string>((resolve) => void clock.setTimer(30, () => resolve("done")));
    clock.setTimer(60, () => undefined);
    await expect(clock.until(promise)).resolves.toBe("done");
    expect(clock.now()).toBe(30);
    await expect(clock.until(Promise.reject(new Error("broken")))).rejects.toThrow("broken");
  });

  it("gives up after the limit of virtual time", async () => {
    const clock = new VirtualClock();
    const never = new Promise<never>(() => undefined);
    await expect(clock.until(never, 1_000)).rejects.toThrow("after 1000 ms of virtual time");
    expect(clock.now()).toBe(1_000);
  });
});
