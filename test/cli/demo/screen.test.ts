import { expect, it } from "vitest";
import { Screen } from "../../../src/cli/demo/screen.ts";
import type { ScreenRows } from "../../../src/cli/demo/screen.ts";

const nothing: ScreenRows = { rows: [], video: [], alignments: [] };
const footer = (elapsedMs: number) => ({ elapsedMs, rssMb: 1, cpuPercent: 1 });

function terminal(isTTY: boolean): { written: string[]; isTTY: boolean; write: (text: string) => void } {
  const written: string[] = [];
  return { written, isTTY, write: (text) => void written.push(text) };
}

it("draws the table over itself in a terminal, and anew below what was said", () => {
  const out = terminal(true);
  const screen = new Screen(out, true);
  screen.table(nothing, footer(1_000));
  screen.table(nothing, footer(2_000));
  screen.say("hello");
  screen.table(nothing, footer(3_000));
  expect(out.written.map((text) => text.startsWith("\u001b[2A"))).toEqual([false, true, false, false]);
  expect(out.written[2]).toBe("hello\n");
});

it("repeats the table every five seconds in a file, without colors, and at the end", () => {
  const out = terminal(false);
  const screen = new Screen(out, true);
  for (let second = 1; second <= 12; second++) screen.table(nothing, footer(second * 1_000));
  screen.table(nothing, footer(12_500), true);
  expect(out.written.map((text) => /\n(\d+) s,/.exec(text)?.[1])).toEqual(["1", "6", "11", "13"]);
  expect(out.written.join("")).not.toContain("\u001b");
});

it("shows no table where only the result is wanted", () => {
  const out = terminal(true);
  new Screen(out, false).table(nothing, footer(1_000), true);
  expect(out.written).toEqual([]);
});
