import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/testing/random.ts";
import { LaneBench, steps, WALL_OFFSET_MS } from "./audio-lane-bench.ts";
import type { Left } from "./audio-lane-bench.ts";
import { concat, correlation, firstDifference, rms, tone } from "./signals.ts";

describe("the audio lane", () => {
  it("lets a frame leave at once when it is complete and due", () => {
    const bench = new LaneBench();
    for (let i = 0; i < 50; i++) {
      bench.send(tone(440, 0.02, 48_000));
      expect(bench.left).toHaveLength(i + 1);
      bench.run(20);
    }
    expect(new Set(steps(bench.left))).toEqual(new Set([960]));
    expect(bench.accepted).toHaveLength(50);
  });

  it.each([10, 20, 40, 60])("cuts blocks of any length into frames of %d ms", (frameMs) => {
    const bench = new LaneBench({ frameMs });
    const seed = 21;
    const random = new SeededRandom(seed);
    const signal = tone(300, 2, 48_000);
    for (let at = 0; at < signal.length;) {
      const length = random.integer(1, 3000);
      bench.send(signal.subarray(at, at + length));
      at += length;
      bench.run(length / 48);
    }
    bench.run(500);
    const heard = concat(bench.left.map(({ samples }) => samples));
    expect(firstDifference(signal, heard), `seed ${seed}`).toBe(-1);
    expect(new Set(bench.left.map(({ samples }) => samples.length))).toEqual(new Set([frameMs * 48]));
  });

  it("paces a program that sends a file at once, evenly and at most 500 ppm too fast", () => {
    const bench = new LaneBench();
    const id = bench.send(tone(440, 10, 48_000));
    expect(bench.accepted).not.toContain(id);
    expect(bench.lane.queuedMs).toBeLessThanOrEqual(200);
    bench.run(9000);
    expect(bench.accepted).not.toContain(id);
    bench.run(1500);
    expect(bench.accepted).toContain(id);
    expect(bench.left).toHaveLength(500);
    // The last 200 ms, behind which nothing waits, may leave a little faster.
    const spanMs = (bench.left[489] as Left).atMs - (bench.left[0] as Left).atMs;
    expect(spanMs).toBeGreaterThanOrEqual(489 * 20 * (1 - 501e-6));
    expect(spanMs).toBeLessThanOrEqual(489 * 20);
    expect(new Set(steps(bench.left))).toEqual(new Set([960]));
  });

  it("accepts a send when all of it fits the queue of 200 ms, and later ones in turn", () => {
    const bench = new LaneBench();
    const ids = Array.from({ length: 20 }, () => bench.send(new Float32Array(960)));
    // One frame has left, ten wait.
    expect(bench.accepted).toEqual(ids.slice(0, 11));
    bench.run(20);
    expect(bench.accepted).toEqual(ids.slice(0, 12));
    bench.run(400);
    expect(bench.accepted).toEqual(ids);
  });

  it("refuses sends when more than a thousand wait", () => {
    const bench = new LaneBench();
    for (let i = 0; i < 2000; i++) bench.send(new Float32Array(960));
    expect(bench.refused.length).toBe(2000 - 1024 - 11);
  });

  it("does not fall behind a program whose clock is 300 ppm fast", () => {
    const bench = new LaneBench();
    const block = tone(440, 0.02, 48_000);
    for (let i = 0; i < 10_000; i++) {
      bench.send(block);
      bench.run(20 * (1 - 300e-6));
    }
    expect(bench.lane.queuedMs).toBeLessThanOrEqual(20);
    expect(new Set(steps(bench.left))).toEqual(new Set([960]));
    // What the frames say of their capture follows the real time, not the sample count.
    const last = bench.left.at(-1) as Left;
    expect(Math.abs(last.captureUs - (last.atMs + WALL_OFFSET_MS) * 1000)).toBeLessThan(5000);
  });

  it("adds no delay for a program that is uneven by 40 ms", () => {
    const bench = new LaneBench();
    const seed = 5;
    const random = new SeededRandom(seed);
    const handed: number[] = [];
    for (let i = 0; i < 500; i++) {
      bench.runTo(Math.max(bench.nowMs, 1000 + i * 20 + random.integer(0, 40)));
      handed.push(bench.nowMs);
      bench.send(new Float32Array(960));
    }
    bench.run(300);
    expect(new Set(steps(bench.left)), `seed ${seed}`).toEqual(new Set([960]));
    const delays = bench.left.map(({ atMs }, i) => atMs - (handed[i] as number));
    expect(Math.max(...delays), `seed ${seed}`).toBeLessThanOrEqual(40);
  });

  it.each([
    { stallMs: 180, stamped: false, withinFrames: 300 },
    { stallMs: 600, stamped: true, withinFrames: 1 },
  ])("loses the delay of an event loop that stood still: $stallMs ms, stamped: $stamped", (story) => {
    const { stallMs, stamped, withinFrames } = story;
    const bench = new LaneBench();
    const startUs = bench.wallUs;
    const handed: number[] = [];
    for (let i = 0; i < 600; i++) {
      // Nothing runs for a while from the first second on; then the program makes up for what it missed.
      const stalled = i >= 50 && i * 20 < 1000 + stallMs;
      bench.runTo(Math.max(bench.nowMs, 1000 + (stalled ? 1000 + stallMs : i * 20)));
      handed.push(bench.nowMs);
      bench.send(new Float32Array(960), stamped ? { timestampUs: startUs + i * 20_000 } : {});
    }
    bench.run(300);
    expect(bench.left).toHaveLength(600);
    const delayMs = (i: number): number => (bench.left[i] as Left).atMs - (handed[i] as number);
    const after = 50 + stallMs / 20 + withinFrames;
    const delays = Array.from({ length: 600 - after }, (_, i) => delayMs(after + i));
    expect(Math.max(...delays)).toBeLessThan(25);
  });

  it.each([21, 25, 33])(
    "keeps the RTP clock in step with a program that hands 20 ms over every %i ms",
    (periodMs) => {
      const bench = new LaneBench();
      for (let i = 0; i < 400; i++) {
        bench.send(new Float32Array(960));
        bench.run(periodMs);
      }
      const first = bench.left[0] as Left;
      for (const { atMs, position } of bench.left) {
        const behindMs = atMs - first.atMs - (position - first.position) / 48;
        expect(Math.abs(behindMs)).toBeLessThanOrEqual(100 + periodMs);
      }
    },
  );

  it("follows the given capture times to the microsecond at the beginning and after a pause", () => {
    const bench = new LaneBench();
    const startUs = bench.wallUs - 123_456;
    for (const offsetUs of [0, 20_000, 40_000, 5_040_000, 5_060_000]) {
      bench.runTo(1000 + offsetUs / 1000);
      bench.send(new Float32Array(960), { timestampUs: startUs + offsetUs });
    }
    const positions = bench.left.map(({ position }) => position);
    expect(positions[0]).toBe(Math.round(startUs * 0.048));
    expect(steps(bench.left)).toEqual([960, 960, 240_000, 960]);
    bench.left.forEach(({ captureUs }, i) => {
      const expected = startUs + [0, 20_000, 40_000, 5_040_000, 5_060_000][i]!;
      expect(Math.abs(captureUs - expected)).toBeLessThan(25);
    });
  });

  it("fills the frame before a pause with silence and sends it at once", () => {
    const bench = new LaneBench();
    bench.send(new Float32Array(1200).fill(0.5));
    expect(bench.left).toHaveLength(1);
    bench.run(100);
    expect(bench.left).toHaveLength(2);
    const tail = bench.left[1] as Left;
    expect(tail.atMs).toBeLessThan(1090);
    expect([tail.samples[239], tail.samples[240], tail.samples[959]]).toEqual([0.5, 0, 0]);
    expect(bench.lane.deadlineMs).toBe(Infinity);
    bench.run(3000);
    bench.send(new Float32Array(960));
    const [jump] = steps(bench.left).slice(-1);
    expect(Math.abs((jump as number) - (3100 - 20) * 48)).toBeLessThan(96);
  });

  it("puts a short gap into the samples instead of cutting the stream", () => {
    const bench = new LaneBench({ frameMs: 60 });
    const startUs = bench.wallUs;
    bench.send(new Float32Array(480).fill(0.5), { timestampUs: startUs });
    bench.send(new Float32Array(960).fill(0.5), { timestampUs: startUs + 50_000 });
    bench.run(200);
    const heard = concat(bench.left.map(({ samples }) => samples));
    expect([heard[479], heard[480], heard[2399], heard[2400]]).toEqual([0.5, 0, 0, 0.5]);
  });

  it("takes inaccurate stamps within the tolerance as contiguous, and goes on when they step back", () => {
    const bench = new LaneBench();
    const startUs = bench.wallUs;
    const random = new SeededRandom(8);
    for (let i = 0; i < 200; i++) {
      bench.send(new Float32Array(960), { timestampUs: startUs + i * 20_000 + random.integer(-8000, 8000) });
      bench.run(20);
    }
    for (let i = 200; i < 400; i++) {
      bench.send(new Float32Array(960), { timestampUs: startUs + i * 20_000 - 3_000_000 });
      bench.run(20);
    }
    expect(new Set(steps(bench.left))).toEqual(new Set([960]));
    const last = bench.left.at(-1) as Left;
    expect(Math.abs(last.captureUs - (startUs + 399 * 20_000 - 3_000_000))).toBeLessThan(100);
  });

  it("tells capture times that follow a drifting program within a millisecond", () => {
    const bench = new LaneBench();
    const startUs = bench.wallUs;
    for (let i = 0; i < 1500; i++) {
      const captureUs = startUs + i * 20_000 * (1 + 200e-6);
      bench.runTo(1000 + (captureUs - startUs) / 1000);
      bench.send(new Float32Array(960), { timestampUs: Math.round(captureUs) });
      expect(Math.abs((bench.left.at(-1) as Left).captureUs - captureUs)).toBeLessThan(1000);
    }
    expect(new Set(steps(bench.left))).toEqual(new Set([960]));
  });

  it.each([8000, 16_000, 44_100, 96_000, 192_000])("takes %d Hz in step with its blocks", (sampleRate) => {
    const bench = new LaneBench();
    const signal = tone(440, 2, sampleRate);
    const blockLength = sampleRate / 50;
    for (let at = 0; at < signal.length; at += blockLength) {
      bench.send(signal.subarray(at, at + blockLength), { sampleRate });
      bench.run(20);
    }
    expect(bench.left.length).toBeGreaterThanOrEqual(100);
    bench.run(500);
    const first = bench.left[0] as Left;
    expect(new Set(steps(bench.left))).toEqual(new Set([960]));
    // The tone begins where the first block's time says, a little silence before it.
    const lead = Math.round(1000 * 48 + WALL_OFFSET_MS * 48 - first.position);
    expect(lead).toBeLessThanOrEqual(150);
    const heard = concat(bench.left.map(({ samples }) => samples));
    expect(correlation(tone(440, 1.9, 48_000), heard, lead)).toBeGreaterThan(0.9999);
  });

  it("changes format in mid-stream without a break in position", () => {
    const bench = new LaneBench({ channels: 2 });
    const formats = [
      { sampleRate: 48_000, channels: 1 },
      { sampleRate: 44_100, channels: 2 },
      { sampleRate: 16_000, channels: 1 },
      { sampleRate: 48_000, channels: 2 },
    ] as const;
    for (let i = 0; i < 40; i++) {
      const format = formats[Math.floor(i / 10)] as (typeof formats)[number];
      bench.send(new Float32Array((format.sampleRate / 50) * format.channels).fill(0.25), format);
      bench.run(20);
    }
    bench.run(300);
    expect(new Set(steps(bench.left))).toEqual(new Set([960]));
    expect(bench.left.every(({ samples }) => samples.length === 1920)).toBe(true);
    expect(bench.left.length).toBeGreaterThanOrEqual(40);
  });

  it("gives every frame the targets of its youngest samples", () => {
    const bench = new LaneBench();
    bench.send(new Float32Array(480), { targets: "a" });
    bench.run(10);
    bench.send(new Float32Array(480), { targets: "b" });
    bench.run(20);
    bench.send(new Float32Array(960), { targets: "c" });
    expect(bench.left.map(({ targets }) => targets)).toEqual(["b", "c"]);
  });

  it("loses no sound at the end of a resampled stretch and starts the next at its own time", () => {
    const bench = new LaneBench();
    const startUs = bench.wallUs;
    const block = tone(440, 0.02, 44_100);
    bench.send(block, { sampleRate: 44_100, timestampUs: startUs });
    bench.run(1000);
    expect(bench.left.length).toBe(2);
    bench.send(block, { sampleRate: 44_100, timestampUs: startUs + 1_000_000 });
    bench.run(1000);
    expect(bench.left.length).toBe(4);
    expect(steps(bench.left)[1]).toBe(48_000 - 960);
    const heard = concat(bench.left.slice(0, 2).map(({ samples }) => samples));
    const energy = heard.reduce((sum, value) => sum + value * value, 0);
    const given = block.reduce((sum, value) => sum + value * value, 0) * (48_000 / 44_100);
    expect(energy / given).toBeGreaterThan(0.99);
    expect(rms(heard.subarray(1200))).toBe(0);
  });

  it("says when it has become empty, with the end of the last frame", () => {
    const bench = new LaneBench();
    expect(bench.lane.empty).toBe(true);
    bench.send(new Float32Array(4900).fill(0.5));
    expect(bench.lane.empty).toBe(false);
    bench.run(500);
    expect(bench.emptyMs).toEqual([(bench.left[5] as Left).atMs]);
    expect(bench.lane.empty).toBe(true);
  });

  it("lets nothing leave before its start but what is late already", () => {
    const bench = new LaneBench({ startMs: 1100 });
    bench.send(new Float32Array(1920));
    bench.run(500);
    expect(bench.left.map(({ atMs }) => Math.round(atMs))).toEqual([1100, 1119]);
    expect(((bench.left[0] as Left).captureUs / 1000 - WALL_OFFSET_MS).toFixed(3)).toBe("1080.000");
    const late = new LaneBench({ startMs: 1100 });
    late.send(new Float32Array(960), { timestampUs: late.wallUs - 200_000 });
    expect(late.left).toHaveLength(1);
  });

  it("takes an empty block at once", () => {
    const bench = new LaneBench();
    expect(bench.accepted).toEqual([]);
    const id = bench.send(new Float32Array(0));
    expect(bench.accepted).toEqual([id]);
    expect(bench.lane.deadlineMs).toBe(Infinity);
  });
});
