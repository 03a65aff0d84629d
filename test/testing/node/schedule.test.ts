// The relay's queue: by time, first come first served within one instant, bounded.
import { expect, it } from "vitest";
import { SeededRandom } from "../../../src/testing/random.ts";
import { Schedule } from "../../../src/testing/node/schedule.ts";

const SEED = 5;

it("runs what is due in order of time, and of coming where times are equal", () => {
  const schedule = new Schedule(10);
  const done: string[] = [];
  for (const [name, atMs] of Object.entries({ c: 30, a: 10, d: 30, b: 20 })) {
    expect(schedule.add(atMs, () => done.push(name))).toBe(true);
  }
  expect(schedule.nextMs).toBe(10);
  schedule.run(9);
  expect(done).toEqual([]);
  schedule.run(20);
  expect(done).toEqual(["a", "b"]);
  expect([schedule.nextMs, schedule.length]).toEqual([30, 2]);
  schedule.run(100);
  expect(done).toEqual(["a", "b", "c", "d"]);
  expect([schedule.nextMs, schedule.length]).toEqual([Infinity, 0]);
});

it("refuses what it has no room for, and forgets everything on demand", () => {
  const schedule = new Schedule(2);
  let runs = 0;
  const action = (): number => runs++;
  expect([schedule.add(1, action), schedule.add(2, action), schedule.add(0, action)]).toEqual([
    true,
    true,
    false,
  ]);
  schedule.clear();
  schedule.run(10);
  expect([runs, schedule.length]).toEqual([0, 0]);
});

it(`agrees with sorting (seed ${SEED})`, () => {
  const random = new SeededRandom(SEED);
  const schedule = new Schedule(1_000);
  const times = Array.from({ length: 1_000 }, () => random.integer(0, 50));
  const done: number[] = [];
  times.forEach((atMs, index) => schedule.add(atMs, () => done.push(index)));
  for (let nowMs = 0; nowMs <= 50; nowMs++) schedule.run(nowMs);
  const byTime = times.map((atMs, index) => ({ atMs, index })).sort((a, b) => a.atMs - b.atMs);
  expect(done).toEqual(byTime.map(({ index }) => index));
});
