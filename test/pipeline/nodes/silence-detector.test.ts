import { describe, expect, it } from "vitest";
import { silenceDetectorNode } from "../../../src/pipeline/nodes/silence-detector.ts";
import { blocks, reports, runNode } from "./run-node.ts";

const RATE = 8_000;
const TIME_US = 1_700_000_000_000_000;

/** Sound and silence in turn, ms each, sound first; a square wave. */
function turns(...ms: readonly number[]): Float32Array {
  const parts = ms.flatMap((length, turn) =>
    Array.from({ length: (length * RATE) / 1000 }, (_, i) => (turn % 2 === 0 ? 0.1 * (-1) ** i : 0)),
  );
  return Float32Array.from(parts);
}

/** Reports with `at`, ms from the beginning. */
async function detect(samples: Float32Array, params = {}, blockMs = 20) {
  const inputs = blocks(samples, blockMs, { sampleRate: RATE, timestampUs: TIME_US });
  const outputs = await runNode(silenceDetectorNode, params, inputs);
  return reports(outputs).map((report, i) => ({
    at: ((outputs[i]?.data.timestampUs ?? 0) - TIME_US) / 1000,
    ...report,
  }));
}

const dropouts = (count: number, ms: number): number[] =>
  Array.from({ length: count }, () => [100, ms]).flat();

describe("SilenceDetector", () => {
  it.each([5, 20, 200])(
    "tells of silence that lasts, and of its end, in blocks of %d ms",
    async (blockMs) => {
      const calm = { has_dropouts: false, dropouts: 0 };
      expect(await detect(turns(300, 800, 100), {}, blockMs)).toEqual([
        { at: 300, is_silent: true, duration_ms: 500, ...calm },
        { at: 1100, is_silent: false, duration_ms: 800, ...calm },
      ]);
    },
  );

  it("says nothing of shorter silence, nor of sound, and has its threshold", async () => {
    expect(await detect(turns(300, 495, 300))).toEqual([]);
    const soft = turns(800).map((value) => value * 0.02);
    expect(await detect(soft)).toMatchObject([{ is_silent: true }]);
    expect(await detect(soft, { silenceThresholdDb: -60 })).toEqual([]);
  });

  it("finds a stream silent that begins so", async () => {
    expect(await detect(turns(0, 600))).toMatchObject([{ at: 0, is_silent: true, duration_ms: 500 }]);
  });

  it("tells of more dropouts than are fine, and when they are again", async () => {
    expect(await detect(turns(...dropouts(3, 30), 4000))).toEqual([]);
    const told = await detect(turns(...dropouts(4, 30), 6000));
    expect(told).toMatchObject([
      { at: 525, is_silent: false, has_dropouts: true, dropouts: 4, duration_ms: 0 },
      { has_dropouts: false, dropouts: 3 },
    ]);
    expect(Math.abs((told[1]?.at ?? 0) - 5130)).toBeLessThanOrEqual(5);
  });

  it("counts dropouts within its window, from 10 ms and between sound only", async () => {
    const params = { maxDropouts: 1, windowMs: 1000 };
    expect(await detect(turns(100, 50, 1100, 50, 1100), params)).toEqual([]);
    expect(await detect(turns(...dropouts(5, 5), 100), params)).toEqual([]);
    expect(await detect(turns(0, 50, 100, 50, 100), params)).toEqual([]);
    expect(await detect(turns(100, 50, 100, 50, 100), params)).toMatchObject([{ has_dropouts: true }]);
  });

  it("takes what is missing in the capture times for silence", async () => {
    const inputs = blocks(turns(1000), 20, { sampleRate: RATE, timestampUs: TIME_US });
    const without = (first: number, count: number) =>
      inputs.filter((_, i) => i < first || i >= first + count);
    const long = reports(await runNode(silenceDetectorNode, {}, without(5, 30)));
    expect(long).toMatchObject([
      { is_silent: true, duration_ms: 600 },
      { is_silent: false, duration_ms: 600 },
    ]);
    const holes = inputs.filter((_, i) => i % 5 !== 4);
    const [told] = reports(await runNode(silenceDetectorNode, {}, holes));
    expect(told).toMatchObject({ has_dropouts: true, dropouts: 4 });
  });

  it("goes on when the clock of the sender is set back", async () => {
    const inputs = blocks(turns(100, 1000, 100), 20, { sampleRate: RATE, timestampUs: TIME_US });
    const moved = inputs.map((input, i) => {
      const { data } = input;
      return i < 20
        ? input
        : { ...input, data: { ...data, timestampUs: (data.timestampUs ?? 0) - 60_000_000 } };
    });
    expect(reports(await runNode(silenceDetectorNode, {}, moved))).toMatchObject([
      { is_silent: true, duration_ms: 500 },
      { is_silent: false, duration_ms: 1000 },
    ]);
  });

  it("keeps streams apart", async () => {
    const inputs = ["a", "b"].map((peer, i) =>
      blocks(turns(i * 900, 900), 20, { sampleRate: RATE, peer, streamId: "mic" }),
    );
    const outputs = await runNode(silenceDetectorNode, {}, inputs.flat());
    expect(outputs.map(({ metadata, data }) => [metadata.source_peer, data.streamId])).toEqual([
      ["a", "mic"],
      ["b", "mic"],
    ]);
  });
});
