import { describe, expect, it } from "vitest";
import { percentile } from "../../../src/cli/demo/numbers.ts";
import { buildReport, liveAlignments } from "../../../src/cli/demo/report.ts";
import type { PairRow } from "../../../src/cli/demo/report.ts";
import type { AlignmentFigures } from "../../../src/cli/demo/alignment-judge.ts";
import type { UsageFigures } from "../../../src/cli/demo/usage-figures.ts";
import type { VideoPairRow } from "../../../src/cli/demo/video/video-measurement.ts";
import { redraw, tableLines } from "../../../src/cli/demo/table.ts";

const row = (from: string, to: string, similarity: number | null): PairRow => ({
  from,
  to,
  packets: 250,
  lost: 2,
  concealed: 1_920,
  bufferDelayMs: 41.23,
  latencyMsP95: 55.555,
  beyondBufferMsP95: 5.555,
  similarity,
  driftPpm: -12.34,
  captureErrorUs: 432.1,
});

const usage = (cpuMs: number, loopLagMsP99 = 3.21): UsageFigures => ({
  ...{ cpuMs, elapsedMs: 5_000, rssBytes: 104_857_600, loopLagMsP99 },
});

const alignment = (peerId: string, changes: Partial<AlignmentFigures> = {}): AlignmentFigures => ({
  ...{ peerId, sets: 30, errorsMs: [0.5, 1.5], boundsMs: [2, 3], looked: 20, unrecognized: 1 },
  ...changes,
});

const report = (rows: PairRow[], setupMs: number[] = [], alignments: AlignmentFigures[] = []) =>
  buildReport({
    rows,
    requiredPeers: ["alice", "bob"],
    setupMs,
    alignments,
    processes: [
      { peerIds: ["alice"], usage: usage(500) },
      { peerIds: ["bob"], usage: usage(1_000, 7) },
    ],
  });

it("tells how well sets were aligned of late, reader by reader", () => {
  const errorsMs = [50, ...Array.from({ length: 10 }, (_, i) => i / 10)];
  const judged = alignment("alice", { sets: 165, errorsMs, boundsMs: [] });
  expect(liveAlignments([judged, alignment("bob")])).toEqual([
    { peerId: "alice", sets: 165, errorMsP95: 0.9, boundMsP95: null },
    { peerId: "bob", sets: 30, errorMsP95: 1.5, boundMsP95: 3 },
  ]);
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
              beyondBufferMsP95: 5.6,
              similarity: 0.988,
              driftPpm: -12.3,
              captureErrorUs: 432,
            },
          ],
        },
        { id: "bob", received: [expect.objectContaining({ from: "alice", similarity: 0.9 })] },
      ],
      setupMs: { p50: 20, p95: 30 },
      rssMb: 200,
      cpuPercent: 30,
      loopLagMsP99: 7,
      processes: [
        { peers: ["alice"], rssMb: 100, cpuPercent: 10, loopLagMsP99: 3.2 },
        { peers: ["bob"], rssMb: 100, cpuPercent: 20, loopLagMsP99: 7 },
      ],
    });
  });

  it("sums up who reads aligned", () => {
    const good = [row("bob", "alice", 1), row("alice", "bob", 1)];
    const made = report(good, [], [alignment("alice"), alignment("bob", { errorsMs: [2.5], sets: 15 })]);
    expect(made).toMatchObject({ ok: true, alignment: { sets: 45, errorMsP95: 2.5, boundMsP95: 3 } });
  });

  it.each([
    ["nothing was judged", [alignment("alice", { sets: 0, errorsMs: [], boundsMs: [] })]],
    ["one of two readers was not judged", [alignment("alice"), alignment("bob", { sets: 0 })]],
    ["sets are 21 ms apart", [alignment("alice", { errorsMs: [21] })]],
    ["much is not recognized", [alignment("alice", { unrecognized: 3 })]],
  ])("is not ok when %s", (_, alignments) => {
    const good = [row("bob", "alice", 1), row("alice", "bob", 1)];
    expect(report(good, [], alignments).ok).toBe(false);
  });

  it.each([
    ["a pair is below 0.9", [row("bob", "alice", 0.95), row("alice", "bob", 0.89)]],
    ["a pair is missing", [row("bob", "alice", 0.95)]],
    ["a pair was never judged", [row("bob", "alice", 0.95), row("alice", "bob", null)]],
    ["a guest hears badly", [row("bob", "alice", 1), row("alice", "bob", 1), row("bob", "guest", 0.5)]],
  ])("is not ok when %s", (_, rows) => {
    expect(report(rows).ok).toBe(false);
  });

  describe("with video", () => {
    const heard = [row("bob", "alice", 1), row("alice", "bob", 1)];
    const seen = (from: string, to: string, changes: Partial<VideoPairRow> = {}): VideoPairRow => ({
      ...{ from, to, frames: 200, decoded: 190, dropped: 10, misread: 1, keyframes: 1 },
      ...{ latencyMsP95: 80, psnrDb: 25.1, avOffsetMs: 0 },
      ...changes,
    });
    const withVideo = (...video: VideoPairRow[]) =>
      buildReport({
        rows: heard,
        requiredPeers: ["alice", "bob"],
        setupMs: [],
        alignments: [],
        processes: [],
        video,
      });

    it("is ok when peers also saw each other, whatever guests saw, and lists who saw what", () => {
      const guest = seen("bob", "guest", { decoded: 0, psnrDb: null });
      const made = withVideo(seen("bob", "alice"), seen("alice", "bob"), guest);
      expect(made.ok).toBe(true);
      const { to: _to, ...listed } = seen("bob", "alice");
      expect(made.peers[0]).toMatchObject({ id: "alice", video: [listed] });
      expect(report(heard).peers[0]).not.toHaveProperty("video");
    });

    it.each([
      ["a pair is missing", []],
      ["more than one in twenty pictures is missing", [seen("alice", "bob", { decoded: 189 })]],
      ["pictures are misread", [seen("alice", "bob", { misread: 2 })]],
      ["pictures are coarse", [seen("alice", "bob", { psnrDb: 25 })]],
      ["nothing was compared", [seen("alice", "bob", { psnrDb: null })]],
      ["nothing came", [seen("alice", "bob", { frames: 0, decoded: 0 })]],
    ])("is not ok when %s", (_, rows) => {
      expect(withVideo(seen("bob", "alice"), ...rows).ok).toBe(false);
    });
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
    const unknown = { latencyMsP95: null, driftPpm: null, captureErrorUs: null };
    const rows = [row("alice", "bob", 0.987), { ...row("bob", "alice", null), ...unknown }];
    expect(tableLines(rows, [alignment("bob")], footer, false)).toEqual([
      "from   to     packets  lost  concealed ms  buffer ms  latency p95 ms  drift ppm  capture error ms  similarity",
      "alice  bob        250     2            40         41            55.6      -12.3              0.43       0.987",
      "bob    alice      250     2            40         41               -          -                 -           -",
      "bob reads aligned: 30 sets, error p95 1.50 ms, last 1.50 ms, bound 3.00 ms",
      "5 s, 100 MB, 12 % of a core",
    ]);
  });

  it("has one line for each receiver from five peers on, with the worst of its pairs", () => {
    const ids = ["a", "b", "c", "d", "e"];
    const rows = ids.flatMap((to) => ids.filter((from) => from !== to).map((from) => row(from, to, 0.98)));
    rows[1] = { ...row("c", "a", 0.5), driftPpm: -400, latencyMsP95: 99, captureErrorUs: 7_000, lost: 5 };
    const lines = tableLines(rows, [alignment("b")], footer, false);
    expect(lines).toHaveLength(7);
    expect(lines[1]).toMatch(/^a +4 +1000 +11 +160 +41 +99\.0 +-400\.0 +7\.00 +- +0\.500$/);
    expect(lines[2]).toMatch(/^b +4 +1000 +8 +160 +41 +55\.6 +-12\.3 +0\.43 +1\.50 +0\.980$/);
  });

  it("colors similarity by whether it is good enough", () => {
    const [, good, bad] = tableLines([row("a", "b", 0.95), row("b", "a", 0.5)], [], footer, true);
    expect(good).toContain("\u001b[32m     0.950");
    expect(bad).toContain("\u001b[31m     0.500");
  });

  it("is drawn over the lines of the last time", () => {
    expect(redraw(["a", "b"], 0)).toBe("\u001b[0Ja\nb\n");
    expect(redraw(["a"], 2)).toBe("\u001b[2A\r\u001b[0Ja\n");
  });
});
