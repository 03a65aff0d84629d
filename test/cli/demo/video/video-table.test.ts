import { expect, it } from "vitest";
import type { VideoPairRow } from "../../../../src/cli/demo/video/video-measurement.ts";
import { videoLines } from "../../../../src/cli/demo/video/video-table.ts";

const row = (from: string, to: string, changes: Partial<VideoPairRow> = {}): VideoPairRow => ({
  ...{ from, to, frames: 152, decoded: 150, dropped: 2, misread: 0, keyframes: 1 },
  ...{ latencyMsP95: 81.25, psnrDb: 38.15, avOffsetMs: -3 },
  ...changes,
});

it("has one line for each pair", () => {
  const unknown = { decoded: 0, latencyMsP95: null, psnrDb: null, avOffsetMs: null };
  expect(videoLines([row("alice", "bob"), row("bob", "alice", unknown)], false)).toEqual([
    "from   to     pictures  dropped  misread  keyframes  latency p95 ms  ahead of sound ms  psnr dB",
    "alice  bob         150        2        0          1            81.3               -3.0     38.1",
    "bob    alice         0        2        0          1               -                  -        -",
  ]);
});

it("has one line for each receiver from five peers on, with the worst of its pairs", () => {
  const ids = ["a", "b", "c", "d", "e"];
  const rows = ids.flatMap((to) => ids.filter((from) => from !== to).map((from) => row(from, to)));
  rows[1] = row("c", "a", { psnrDb: 30, latencyMsP95: 99, avOffsetMs: 7, misread: 4 });
  const lines = videoLines(rows, false);
  expect(lines).toHaveLength(6);
  expect(lines[1]).toMatch(/^a +4 +600 +8 +4 +4 +99\.0 +7\.0 +30\.0$/);
});

it("colors pairs by whether they are seen well enough", () => {
  const [, good, bad] = videoLines([row("a", "b"), row("b", "a", { decoded: 140 })], true);
  expect(good).toContain("\u001b[32m");
  expect(bad).toContain("\u001b[31m");
});
