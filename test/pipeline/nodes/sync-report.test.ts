// The node that says whether sound and picture come together.
import { describe, expect, it } from "vitest";
import { syncReportNode } from "../../../src/pipeline/nodes/sync-report.ts";
import { SeededRandom } from "../../../src/testing/random.ts";
import { OpenNode } from "./open-node.ts";
import { arrive, frame, values } from "./stream-frames.ts";
import type { FrameStream } from "./stream-frames.ts";

const SEED = 77_310;

/** Reports of ten seconds in which video comes so much later than audio. */
function reports(laterMs: (atMs: number) => number, params = {}, more: Partial<FrameStream> = {}): unknown[] {
  return values(
    arrive(new OpenNode(syncReportNode, params), [
      { kind: "audio", toMs: 10_000, delayMs: () => 40 },
      { kind: "video", everyMs: 33, toMs: 10_000, delayMs: (atMs) => 40 + laterMs(atMs), ...more },
    ]),
  );
}

describe("the sync report", () => {
  it("says once that both come together", () => {
    expect(reports(() => 0)).toEqual([{ offset_ms: 0, in_sync: true }]);
  });

  it.each([
    [20, true],
    [21, false],
    [-20, true],
    [-21, false],
  ])("judges an offset of %i ms", (ms, inSync) => {
    expect(reports(() => ms)).toEqual([{ offset_ms: ms, in_sync: inSync }]);
  });

  it("takes another tolerance", () => {
    expect(reports(() => 60, { toleranceMs: 60 })).toEqual([{ offset_ms: 60, in_sync: true }]);
  });

  it("reports a change, when it has come and when it is over", () => {
    const changes = reports((atMs) => (atMs >= 3000 && atMs < 6000 ? 80 : 0));
    expect(changes).toEqual([
      { offset_ms: 0, in_sync: true },
      { offset_ms: 80, in_sync: false },
      { offset_ms: 0, in_sync: true },
    ]);
  });

  it("reports once a second at most, however much changes", () => {
    const found = reports((atMs) => ((atMs / 400) % 2 < 1 ? 0 : 80));
    expect(found.length).toBeGreaterThan(5);
    expect(found.length).toBeLessThanOrEqual(10);
  });

  it("is not disturbed by jitter", () => {
    const random = new SeededRandom(SEED);
    const found = reports(() => (random.chance(0.2) ? 60 : 0));
    expect(found, `seed ${SEED}`).toEqual([{ offset_ms: 0, in_sync: true }]);
  });

  it("says nothing of one medium alone, of other peers, other streams, or of what has stopped", () => {
    expect(reports(() => 0, {}, { peer: "b" })).toEqual([]);
    expect(reports(() => 0, {}, { streamId: "screen" })).toEqual([]);
    expect(reports(() => 0, {}, { fromMs: 12_001, toMs: 14_000 })).toEqual([]);
  });

  it("knows nothing of the time before a long pause", () => {
    const node = new OpenNode(syncReportNode);
    const talk = (fromMs: number, delay: number): unknown[] =>
      values(
        arrive(node, [
          { kind: "audio", fromMs, toMs: fromMs + 1000, delayMs: () => delay },
          { kind: "video", fromMs, toMs: fromMs + 1000, delayMs: () => delay },
        ]),
      );
    expect(talk(0, 40)).toEqual([{ offset_ms: 0, in_sync: true }]);
    expect(talk(4000, 540)).toEqual([]);
  });

  it("keeps peer, stream and time of the frame", () => {
    const node = new OpenNode(syncReportNode);
    const streams = (["audio", "video"] as const).map((kind): FrameStream => ({
      kind,
      streamId: "cam",
      toMs: 200,
      delayMs: () => 10,
    }));
    expect(arrive(node, streams)[0]).toMatchObject({
      metadata: { source_peer: "a" },
      data: { type: "json", streamId: "cam", timestampUs: 1_700_000_000_040_000 },
    });
  });

  it("refuses frames that do not say when they were captured", () => {
    expect(() => new OpenNode(syncReportNode).send(frame("video"))).toThrow(
      expect.objectContaining({ code: "INVALID_DATA", nodeId: "node" }),
    );
  });
});
