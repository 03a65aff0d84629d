import { describe, expect, it } from "vitest";
import { buildReport, percentile } from "../../../src/cli/demo/report.ts";
import type { PairRow } from "../../../src/cli/demo/report.ts";
import { redraw, tableLines } from "../../../src/cli/demo/table.ts";

const row = (from: string, to: string, similarity: number | null): PairRow => ({
  from,
  to,
  packets: 250,
  lost: 2,
  concealed: 1_920,
  bufferDelayMs: 41.23,
  latencyMsP95: 55.555,
  similarity,
});

const report = (rows: PairRow[], setupMs: number[] = []) =>
  buildReport({
    rows,
    requiredPeers: ["alice", "bob"],
    setupMs,
    rssBytes: 104_857_600,
    cpuMs: 500,
    elapsedMs: 5_000,
  });

describe("buildReport", () => {
  it("is ok when every required pair is similar, and lists who received what", () => {
    const made = report([row("bob", "alice", 0.98765), row("alice", "bob", 0.9)], [10, 30, 20]);
    expect(made).toEqual({
      ok: true,
      peers: [
        {
          id: "alice",
          received: [
            {
              from: "bob",
              packets: 250,
              lost: 2,
              concealed: 1_920,
              bufferDelayMs: 41.2,
              latencyMsP95: 55.6,
              similarity: 0.988,
            },
          ],
        },
        { id: "bob", received: [expect.objectContaining({ from: "alice", similarity: 0.9 })] },
      ],
      setupMs: { p50: 20, p95: 30 },
      rssMb: 100,
      cpuPercent: 10,
    });
  });

  it.each([
    ["a pair is below 0.9", [row("bob", "alice", 0.95), row("alice", "bob", 0.89)]],
    ["a pair is missing", [row("bob", "alice", 0.95)]],
    ["a pair was never judged", [row("bob", "alice", 0.95), row("alice", "bob", null)]],
    ["a guest hears badly", [row("bob", "alice", 1), row("alice", "bob", 1), row("bob", "guest", 0.5)]],
  ])("is not ok when %s", (_, rows) => {
    expect(report(rows).ok).toBe(false);
  });

  it("bears with a guest that says nothing", () => {
    const made = report([row("bob", "alice", 1), row("alice", "bob", 1), row("guest", "bob", null)]);
    expect(made.ok).toBe(true);
    expect(made.setupMs).toEqual({ p50: null, p95: null });
  });
});

it("percentiles are nearest ranks", () => {
  expect(percentile([], 0.5)).toBeNull();
  expect(percentile([3, 1, 2], 0)).toBe(1);
  expect(percentile([3, 1, 2], 0.5)).toBe(2);
  expect(
    percentile(
      Array.from({ length: 100 }, (_, i) => i + 1),
      0.95,
    ),
  ).toBe(95);
});

describe("the terminal table", () => {
  const footer = { elapsedMs: 4_600, rssMb: 99.7, cpuPercent: 12.3 };

  it("aligns names to the left and numbers to the right", () => {
    const lines = tableLines(
      [row("alice", "bob", 0.987), { ...row("bob", "alice", null), latencyMsP95: null }],
      footer,
      false,
    );
    expect(lines).toEqual([
      "from   to     packets  lost  concealed ms  buffer ms  latency p95 ms  similarity",
      "alice  bob        250     2            40         41            55.6       0.987",
      "bob    alice      250     2            40         41               -           -",
      "5 s, 100 MB, 12 % of a core",
    ]);
  });

  it("colors similarity by whether it is good enough", () => {
    const [, good, bad] = tableLines([row("a", "b", 0.95), row("b", "a", 0.5)], footer, true);
    expect(good).toContain("\u001b[32m     0.950");
    expect(bad).toContain("\u001b[31m     0.500");
  });

  it("is drawn over the lines of the last time", () => {
    expect(redraw(["a", "b"], 0)).toBe("\u001b[0Ja\nb\n");
    expect(redraw(["a"], 2)).toBe("\u001b[2A\r\u001b[0Ja\n");
  });
});
