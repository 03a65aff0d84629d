import { describe, expect, it } from "vitest";
import { History } from "../../../../src/cli/demo/page/history.ts";
import {
  defaultListener,
  describe as describePlot,
  knownDrift,
  linesOf,
  listenersOf,
  numberText,
  PANELS,
  TableValues,
} from "../../../../src/cli/demo/page/panels.ts";
import type { Panel, PanelId, Table } from "../../../../src/cli/demo/page/panels.ts";
import type { LiveAlignment, PairRow } from "../../../../src/cli/demo/report.ts";

const row = (from: string, to: string, changes: Partial<PairRow> = {}): PairRow => ({
  ...{ from, to, packets: 50, lost: 0, concealed: 0, bufferDelayMs: 40 },
  ...{ latencyMsP95: null, beyondBufferMsP95: null, similarity: null, driftPpm: null, captureErrorUs: null },
  ...changes,
});

const alignment = (peerId: string, sets: number, errorMsP95: number | null): LiveAlignment => ({
  ...{ peerId, sets, errorMsP95, boundMsP95: errorMsP95 === null ? null : errorMsP95 + 3 },
});

const table = (elapsedMs: number, rows: PairRow[], alignments: LiveAlignment[] = []): Table => ({
  ...{ type: "table", rows, video: [], alignments, elapsedMs, rssMb: 100, cpuPercent: 10 },
});

function panel(id: PanelId): Panel {
  const found = PANELS.find((each) => each.id === id);
  if (found === undefined) throw new Error(id);
  return found;
}

function remember(...tables: Table[]): History {
  const history = new History({ slots: 20, maxSeries: 100 });
  const values = new TableValues();
  for (const each of tables) history.push(each.elapsedMs, values.take(each));
  return history;
}

describe("the lines of the plots", () => {
  const history = remember(
    table(1_000, [row("bob", "alice"), row("carol", "alice", { packets: 0 }), row("alice", "bob")]),
    table(
      2_000,
      [
        row("bob", "alice", { bufferDelayMs: 44.4, driftPpm: -0.04 }),
        row("carol", "alice", { driftPpm: 0 }),
        row("alice", "bob", { bufferDelayMs: 99, driftPpm: 12.34 }),
      ],
      [alignment("carol", 15, 0.456), alignment("alice", 15, 0.5)],
    ),
  );

  it("are those of the senders that the listener hears", () => {
    const lines = linesOf(history, panel("buffer"), "alice");
    expect(lines.map(({ name, label }) => [name, label])).toEqual([
      ["bob", "bob 44"],
      ["carol", "carol 40"],
    ]);
    expect(lines[0]?.points.map(({ value }) => Math.round(value))).toEqual([40, 44]);
    expect(lines[1]?.points[0]?.value, "nothing had come").toBeNaN();
    expect(linesOf(history, panel("buffer"), "bob").map(({ label }) => label)).toEqual(["alice 99"]);
  });

  it("leave out drift that is not known", () => {
    expect(linesOf(history, panel("drift"), "alice").map(({ label }) => label)).toEqual(["bob 0.0"]);
    expect([null, 0, -0.04].map(knownDrift)).toEqual([undefined, undefined, -0.04]);
    expect(linesOf(history, panel("drift"), "bob").map(({ label }) => label)).toEqual(["alice 12.3"]);
  });

  it("are those of all readers for alignment, and the largest bound, whoever listens", () => {
    const lines = linesOf(history, panel("alignment"), "bob");
    expect(lines.map(({ label, isBound }) => [label, isBound])).toEqual([
      ["alice 0.50", false],
      ["carol 0.46", false],
      ["bound 3.50", true],
    ]);
  });

  it("end when a reader is no longer judged", () => {
    const seconds = Array.from({ length: 9 }, (_, i) =>
      table(i * 1_000, [], [alignment("a", i === 0 ? 0 : 15, 0.5)]),
    );
    const [line] = linesOf(remember(...seconds), panel("alignment"), "");
    const known = line?.points.map(({ value }) => Number.isFinite(value));
    expect(known).toEqual([false, true, true, true, true, true, true, false, false]);
  });

  it("take a peer called like the bound for a peer", () => {
    const lines = linesOf(remember(table(0, [], [alignment("bound", 15, 1)])), panel("alignment"), "");
    expect(lines.map(({ isBound }) => isBound)).toEqual([false, true]);
  });
});

describe("the words for a plot", () => {
  const history = remember(
    table(1_000, [row("bob", "alice"), row("carol", "alice")]),
    table(7_000, [row("bob", "alice", { bufferDelayMs: 61 })]),
  );

  it("tell the present values with their unit, and none of who is gone", () => {
    const buffer = panel("buffer");
    const lines = linesOf(history, buffer, "alice");
    expect(lines).toHaveLength(2);
    expect(describePlot(buffer, lines, "alice", 7_000)).toBe(
      "Buffer delay as alice hears the others. Now: bob 61 ms.",
    );
  });

  it("say why there is nothing", () => {
    expect(describePlot(panel("drift"), [], "alice", 0)).toBe(
      "Clock drift as alice hears the others. Clocks have not been compared yet.",
    );
  });
});

it("whoever mixes is listened with at first, else the first who hears somebody", () => {
  const rows = [row("bob", "alice"), row("carol", "alice"), row("alice", "bob")];
  expect(listenersOf(table(0, rows))).toEqual(["alice", "bob"]);
  expect(defaultListener(table(0, rows))).toBe("alice");
  expect(defaultListener(table(0, rows, [alignment("bob", 0, null)]))).toBe("bob");
  expect(defaultListener(table(0, []))).toBeUndefined();
});

it("numbers have a true minus, and no negative zero", () => {
  expect([-12.34, -0.04, 3, undefined].map((value) => numberText(value, 1))).toEqual([
    "−12.3",
    "0.0",
    "3.0",
    "–",
  ]);
});
