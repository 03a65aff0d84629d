// The node that watches how streams keep time.
import { describe, expect, it } from "vitest";
import { timingDriftNode } from "../../../src/pipeline/nodes/timing-drift.ts";
import type { TimingDriftParams } from "../../../src/pipeline/nodes/timing-drift.ts";
import { SeededRandom } from "../../../src/testing/random.ts";
import { OpenNode } from "./open-node.ts";
import { arrive, frame, values } from "./stream-frames.ts";
import type { FrameStream } from "./stream-frames.ts";

const SEED = 5_502;

interface Report {
  stream_id: string;
  kind: string;
  frames: number;
  jitter_ms: number;
  drift_ms_per_s: number | null;
  lead_ms: number | null;
  flags: string[];
  health: string;
}

function reports(streams: readonly FrameStream[], params: Partial<TimingDriftParams> = {}): Report[] {
  return values(arrive(new OpenNode(timingDriftNode, params), streams)) as Report[];
}

const steady = (toMs: number): FrameStream => ({ kind: "audio", toMs, delayMs: () => 40 });

describe("the timing watch", () => {
  it("finds nothing wrong with frames that come evenly", () => {
    const found = reports([steady(6000)]);
    expect(found.length).toBe(5);
    expect(found[0]).toEqual({
      stream_id: "default",
      kind: "audio",
      frames: 51,
      jitter_ms: 0,
      drift_ms_per_s: null,
      lead_ms: null,
      flags: [],
      health: "good",
    });
    expect(found.at(-1)).toMatchObject({ frames: 50, drift_ms_per_s: 0, flags: [], health: "good" });
  });

  it("measures jitter as RFC 3550 does, and flags it beyond its limit", () => {
    const streams: FrameStream[] = [
      { kind: "audio", toMs: 4000, delayMs: (at) => (at % 40 === 0 ? 40 : 55) },
    ];
    expect(reports(streams).at(-1)).toMatchObject({ jitter_ms: 15, flags: [] });
    expect(reports(streams, { jitterMs: 14 }).at(-1)).toMatchObject({ flags: ["jitter"], health: "poor" });
  });

  it.each([8, -8])("measures a drift of %i ms/s under jitter, and flags it", (drift) => {
    const random = new SeededRandom(SEED);
    const delayMs = (at: number): number => 100 + (drift * at) / 1000 + 15 * random.next();
    const last = reports([{ kind: "video", toMs: 8000, delayMs }]).at(-1);
    expect(Math.abs((last?.drift_ms_per_s ?? 0) - drift), `seed ${SEED}`).toBeLessThan(1);
    expect(last).toMatchObject({ kind: "video", flags: ["drift"], health: "poor" });
  });

  it("forgets a drift that is over", () => {
    const delayMs = (at: number): number => 40 + 0.01 * Math.min(at, 4000);
    expect(reports([{ kind: "audio", toMs: 12_000, delayMs }]).at(-1)).toMatchObject({ drift_ms_per_s: 0 });
  });

  it("says by how much audio comes before video, and flags more than leadMs", () => {
    const lead = (ms: number): Report | undefined =>
      reports([steady(3000), { kind: "video", everyMs: 33, toMs: 3000, delayMs: () => 40 + ms }]).at(-1);
    expect(lead(60)).toMatchObject({ lead_ms: 60, flags: [] });
    expect(lead(-150)).toMatchObject({ lead_ms: -150, flags: [] });
    expect(lead(150)).toMatchObject({ lead_ms: 150, flags: ["lead"], health: "poor" });
  });

  it("compares audio with video of the same peer and stream only", () => {
    const video: FrameStream = { kind: "video", toMs: 3000, delayMs: () => 500 };
    for (const other of [{ peer: "b" }, { streamId: "screen" }]) {
      for (const { lead_ms } of reports([steady(3000), { ...video, ...other }])) expect(lead_ms).toBeNull();
    }
  });

  it("begins anew when capture times step, and says so once", () => {
    const found = reports([{ kind: "audio", toMs: 8000, delayMs: (at) => (at < 4500 ? 40 : 5040) }]);
    expect(found.filter(({ flags }) => flags.includes("step")).length).toBe(1);
    expect(found.every(({ jitter_ms }) => jitter_ms === 0)).toBe(true);
    expect(found.at(-1)).toMatchObject({ drift_ms_per_s: 0, flags: [] });
  });

  it("compares sound and picture behind a step by what comes behind it", () => {
    const delayMs = (atMs: number): number => (atMs < 2800 ? 40 : 1540);
    const streams = (["audio", "video"] as const).map((kind): FrameStream => ({
      kind,
      everyMs: kind === "audio" ? 20 : 33,
      toMs: 3000,
      delayMs,
    }));
    const found = reports(streams, { emitMs: 180 });
    expect(found.at(-1)?.lead_ms).toBe(0);
  });

  it("reports every emitMs, each stream on its own, and what is left at the end", () => {
    const node = new OpenNode(timingDriftNode, { emitMs: 250 });
    const out = arrive(node, [steady(1000), { ...steady(1000), peer: "b", streamId: "mic" }]);
    expect(out.filter(({ metadata }) => metadata.source_peer === "a").length).toBe(3);
    expect(out.at(-1)).toMatchObject({
      metadata: { source_peer: "b" },
      data: { type: "json", streamId: "mic" },
    });
    expect(values(node.flush())).toMatchObject([{ stream_id: "default" }, { stream_id: "mic" }]);
    expect(node.flush()).toEqual([]);
  });

  it("refuses frames that do not say when they were captured", () => {
    expect(() => new OpenNode(timingDriftNode).send(frame("audio"))).toThrow(
      expect.objectContaining({
        code: "INVALID_DATA",
        nodeId: "node",
        message: "timestampUs must be the time of capture, got none",
      }),
    );
  });

  it("forgets the stream that has been quiet for longest when there are too many", () => {
    const node = new OpenNode(timingDriftNode);
    for (let i = 0; i < 1000; i++) node.send(frame("audio", 0, `s${i}`), { source_peer: "a" });
    const left = values(node.flush()) as Report[];
    expect(left.map(({ stream_id }) => stream_id)).toEqual(
      Array.from({ length: 128 }, (_, i) => `s${872 + i}`),
    );
  });
});
