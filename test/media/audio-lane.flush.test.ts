// An audio lane that is told to drop what it holds: what still leaves, how it fades, and how the lane goes on.
import { describe, expect, it } from "vitest";
import { LaneBench, steps } from "./audio-lane-bench.ts";
import type { Left } from "./audio-lane-bench.ts";
import { concat, rms } from "./signals.ts";

describe("the audio lane", () => {
  it("flushes: fades the first of what is queued, drops the rest, and settles what waits", () => {
    const bench = new LaneBench();
    const startUs = bench.wallUs;
    const ids = [0, 1, 2].map((i) =>
      bench.send(new Float32Array(48_000).fill(0.5), { timestampUs: startUs + i * 1_000_000 }),
    );
    bench.run(500);
    const leftBefore = bench.left.length;
    const { sentUntilUs, droppedMs } = bench.flush(10);
    expect(bench.accepted).toEqual(ids);
    bench.run(1000);
    expect(bench.left).toHaveLength(leftBefore + 1);
    const { samples, captureUs } = bench.left.at(-1) as Left;
    // From full height to nothing within 10 ms, no step larger than the ramp's own.
    expect(samples[0]).toBeCloseTo(0.5, 4);
    const moves = samples.slice(1).map((value, i) => value - (samples[i] ?? 0));
    expect(Math.max(...moves)).toBe(0);
    expect(Math.min(...moves)).toBeGreaterThan((-0.5 * Math.PI) / 2 / 479);
    expect(rms(samples.subarray(480))).toBe(0);
    expect(sentUntilUs).toBeCloseTo(captureUs + 10_000, 1);
    expect(((sentUntilUs ?? 0) - startUs) / 1000 + droppedMs).toBeCloseTo(3000, 3);
    expect(bench.lane.queuedMs).toBe(0);
    expect(bench.emptyMs).toHaveLength(1);
  });

  it.each([
    [0, 0],
    [5, 1],
    [20, 1],
    [30, 2],
    [100, 5],
  ])("lets %d ms fade in %d frames, also of resampled stereo", (fadeMs, frames) => {
    const bench = new LaneBench({ channels: 2 });
    bench.send(new Float32Array(44_100).fill(0.5), { sampleRate: 44_100, channels: 2 });
    bench.run(100);
    const leftBefore = bench.left.length;
    const { droppedMs } = bench.flush(fadeMs);
    expect(droppedMs).toBeCloseTo(500 - leftBefore * 20 - fadeMs, -0.5);
    bench.run(1000);
    const rest = bench.left.slice(leftBefore);
    expect(rest).toHaveLength(frames);
    const heard = concat(rest.map(({ samples }) => samples));
    expect(heard.subarray(fadeMs * 96).every((value) => value === 0)).toBe(true);
    for (let i = 0; i < heard.length; i += 2) expect(heard[i]).toBe(heard[i + 1]);
    expect(new Set(steps(bench.left))).toEqual(new Set([960]));
  });

  it("fades the piece of a frame that waits for its rest, and leaves what has faded alone the next time", () => {
    const bench = new LaneBench();
    bench.send(new Float32Array(960 + 240).fill(0.5));
    const first = bench.flush();
    expect(first.droppedMs).toBe(0);
    expect(bench.flush()).toEqual(first);
    bench.run(1000);
    const { samples } = bench.left[1] as Left;
    expect(bench.left).toHaveLength(2);
    expect([samples[239], samples[240]]).toEqual([expect.closeTo(0, 3), 0]);
    expect(bench.flush()).toEqual(first);
  });

  it("has nothing to flush before the first send", () => {
    expect(new LaneBench().flush()).toEqual({ type: "flushed", sentUntilUs: null, droppedMs: 0 });
  });

  it("begins anew at the time of the first send after a flush, to the microsecond, and never goes back", () => {
    for (const [pauseMs, offsetUs] of [
      [0, 7_000],
      [500, 512_345],
      [500, -3_000_000],
    ] as const) {
      const bench = new LaneBench();
      const startUs = bench.wallUs;
      bench.send(new Float32Array(9600).fill(0.5), { timestampUs: startUs });
      const { sentUntilUs } = bench.flush();
      bench.run(pauseMs);
      const timestampUs = (sentUntilUs ?? 0) + offsetUs;
      for (let i = 0; i < 3; i++) {
        bench.send(new Float32Array(960).fill(0.25), { timestampUs: timestampUs + i * 20_000 });
      }
      bench.run(1000);
      const next = bench.left.find(({ samples }) => samples[480] === 0.25) as Left;
      const begins = next.samples.findIndex((value) => value === 0.25);
      expect(Math.abs(next.captureUs + begins / 0.048 - timestampUs)).toBeLessThan(25);
      expect(Math.min(...steps(bench.left))).toBe(960);
    }
  });
});
