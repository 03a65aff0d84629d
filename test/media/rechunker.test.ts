import { describe, expect, it } from "vitest";
import { Rechunker } from "../../src/media/rechunker.ts";
import type { LiveAudioFrame } from "../../src/media/engine/engine.ts";
import type { Chunk, ChunkFormat } from "../../src/media/rechunker.ts";
import type { AudioQuality } from "../../src/runtime/data.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { concat, correlation, firstDifference, tone } from "./signals.ts";

/** Samples that a resampler holds back at the beginning, at most. */
const RESAMPLER_REACH = 32;
const START_US = 1_767_225_600_000_000;
/** Close to the wrap, so that every stream crosses it. */
const START_TICKS = 2 ** 32 - 5_000;

type Shape = Partial<Omit<LiveAudioFrame, "samples">>;

/** Makes the frames of one stream; each follows the one before. */
class Line {
  position = 0;

  frame(samples: Float32Array, shape: Shape = {}): LiveAudioFrame {
    const { sampleRate = 48_000, channels = 1 } = shape;
    const rtpTicks = shape.rtpTicks ?? Math.round((samples.length / channels / sampleRate) * 48_000);
    const at = this.position;
    this.position += rtpTicks;
    return {
      kind: "audio",
      peerId: "bob",
      streamId: "default",
      samples,
      sampleRate,
      channels,
      rtpTimestamp: (START_TICKS + at) >>> 0,
      rtpTicks,
      wallClockTimestampUs: START_US + at / 0.048,
      wallClockErrorUs: 100,
      timelineEpoch: 1,
      syncConfidence: 1,
      clockDriftPpm: 0,
      receivedAt: at / 48,
      bufferDelayMs: 50,
      quality: "received",
      ...shape,
    };
  }
}

const format = (rest: Partial<ChunkFormat> = {}): ChunkFormat => ({
  sampleRate: 48_000,
  frameMs: 20,
  channels: undefined,
  ...rest,
});

/** Ticks since the start of the line, over the wrap. */
const ticksOf = ({ rtpTimestamp }: Chunk): number => (rtpTimestamp - START_TICKS) | 0;

/** Give a frame, whose samples are gone afterwards. @returns the chunks it completes */
function push(rechunker: Rechunker, frame: LiveAudioFrame): Chunk[] {
  const samples = frame.samples.slice();
  rechunker.push({ ...frame, samples });
  samples.fill(NaN);
  const chunks: Chunk[] = [];
  for (let chunk = rechunker.poll(); chunk !== undefined; chunk = rechunker.poll()) chunks.push(chunk);
  return chunks;
}

/** A signal in pieces of random length. */
function pieces(signal: Float32Array, random: SeededRandom): Float32Array[] {
  const parts: Float32Array[] = [];
  for (let at = 0; at < signal.length;) {
    const length = random.integer(1, 1_500);
    parts.push(signal.subarray(at, at + length));
    at += length;
  }
  return parts;
}

describe("the rechunker", () => {
  it("keeps nothing of a frame: every chunk has samples of its own", () => {
    const line = new Line();
    const rechunker = new Rechunker(format());
    const frame = line.frame(tone(440, 0.02, 48_000));
    const chunks = [frame, line.frame(tone(440, 0.02, 48_000))].flatMap((each) => push(rechunker, each));
    expect(chunks.map(({ samples }) => samples.length)).toEqual([960, 960]);
    for (const { samples } of chunks) expect(firstDifference(samples, frame.samples)).toBe(-1);
    expect(chunks[0]?.samples).not.toBe(chunks[1]?.samples);
  });

  it.each([10, 20, 30, 40, 60])(
    "cuts frames of any length into frames of %d ms, sample by sample",
    (frameMs) => {
      const seed = frameMs;
      const line = new Line();
      const rechunker = new Rechunker(format({ frameMs }));
      const signal = tone(440, 2, 48_000);
      const chunks = pieces(signal, new SeededRandom(seed)).flatMap((part) =>
        push(rechunker, line.frame(part)),
      );
      const heard = concat(chunks.map(({ samples }) => samples));
      expect(firstDifference(heard, signal), `seed ${seed}`).toBe(-1);
      expect(heard.length + rechunker.pendingSamples).toBe(signal.length);
      chunks.forEach((chunk, i) => {
        expect(chunk.samples).toHaveLength(frameMs * 48);
        expect([ticksOf(chunk), chunk.rtpTicks]).toEqual([i * frameMs * 48, frameMs * 48]);
        expect(Math.abs(chunk.wallClockTimestampUs - START_US - i * frameMs * 1000)).toBeLessThan(1);
      });
    },
  );

  it.each([
    [16_000, 10],
    [16_000, 20],
    [16_000, 30],
    [44_100, 10],
    [44_100, 20],
    [8_000, 60],
    [48_000, 20],
  ])(
    "makes a tone of %d Hz in frames of %d ms, unbroken and in step with its labels",
    (sampleRate, frameMs) => {
      const seed = 3;
      const line = new Line();
      const rechunker = new Rechunker(format({ sampleRate, frameMs }));
      const parts = pieces(tone(440, 2, 48_000), new SeededRandom(seed));
      const chunks = parts.flatMap((part) => push(rechunker, line.frame(part)));
      const heard = concat(chunks.map(({ samples }) => samples));
      const wanted = tone(440, heard.length / sampleRate, sampleRate);
      expect(heard.length / sampleRate).toBeGreaterThan(1.9);
      // Behind the onset every sample is where its label says, joins included.
      const onset = Math.round(sampleRate * 0.01);
      const errors = heard.map((value, i) => (i < onset ? 0 : Math.abs(value - (wanted[i] ?? 0))));
      expect(Math.max(...errors), `seed ${seed}`).toBeLessThan(0.002);
      chunks.forEach((chunk, i) => {
        const startMs = i * frameMs;
        expect(Math.abs(ticksOf(chunk) / 48 - startMs)).toBeLessThan(0.02);
        expect(Math.abs((chunk.wallClockTimestampUs - START_US) / 1000 - startMs)).toBeLessThan(0.02);
        const next = chunks[i + 1];
        if (next !== undefined) expect(ticksOf(chunk) + chunk.rtpTicks).toBe(ticksOf(next));
      });
    },
  );

  it("labels stretched audio by what it stands for, to 0.1 ms", () => {
    const seed = 31;
    const random = new SeededRandom(seed);
    const line = new Line();
    const rechunker = new Rechunker(format({ frameMs: 10 }));
    // Pieces of 20 ms that play for 15 to 25 ms; the sample that stands for tick t has the value t / 1e6.
    const inputs = Array.from({ length: 200 }, (_, i) => {
      const length = random.integer(720, 1_200);
      const values = Float64Array.from({ length }, (_, k) => (i * 960 + (k * 960) / length) / 1e6);
      return line.frame(Float32Array.from(values), { rtpTicks: 960 });
    });
    const chunks = inputs.flatMap((frame) => push(rechunker, frame));
    expect(chunks.length).toBeGreaterThan(300);
    for (const chunk of chunks) {
      const ticks = (chunk.samples[0] ?? 0) * 1e6;
      expect(Math.abs(ticksOf(chunk) - ticks), `seed ${seed}`).toBeLessThan(4.8);
      const labelUs = chunk.wallClockTimestampUs - START_US;
      expect(Math.abs(labelUs - ticks / 0.048), `seed ${seed}`).toBeLessThan(100);
    }
  });

  it("converts channels", () => {
    const stereo = Float32Array.from({ length: 1920 }, (_, i) => (i % 2 === 0 ? 0.5 : 0.25));
    const [mono] = push(new Rechunker(format({ channels: 1 })), new Line().frame(stereo, { channels: 2 }));
    expect([mono?.channels, mono?.samples.length, mono?.samples[7]]).toEqual([1, 960, 0.375]);
    const doubled = push(
      new Rechunker(format({ channels: 2, frameMs: 10 })),
      new Line().frame(new Float32Array(960).fill(0.5)),
    );
    expect(doubled.map(({ channels, samples }) => [channels, samples.length])).toEqual([
      [2, 960],
      [2, 960],
    ]);
    const kept = new Rechunker(format({ frameMs: 40 }));
    const line = new Line();
    const chunks = [0, 1].flatMap(() => push(kept, line.frame(stereo, { channels: 2 })));
    expect(chunks.map(({ channels, samples }) => [channels, samples.length])).toEqual([[2, 3840]]);
  });

  it("says the worst of the parts, the largest error, the least confidence, the last drift, the first of the rest", () => {
    const chunkOf = (...shapes: Shape[]): LiveAudioFrame => {
      const line = new Line();
      const rechunker = new Rechunker(format());
      const parts = shapes.map((shape) => line.frame(new Float32Array(960 / shapes.length), shape));
      return parts.flatMap((part) => push(rechunker, part))[0] as Chunk;
    };
    const order: AudioQuality[] = ["received", "fec", "plc", "cng", "silence"];
    order.forEach((worse, i) => {
      for (const better of order.slice(0, i)) {
        expect(chunkOf({ quality: better }, { quality: worse }).quality).toBe(worse);
        expect(chunkOf({ quality: worse }, { quality: better }).quality).toBe(worse);
      }
    });
    const mixed = chunkOf(
      {
        wallClockErrorUs: 20,
        syncConfidence: 0.8,
        clockDriftPpm: 1,
        timelineEpoch: 3,
        receivedAt: 7,
        bufferDelayMs: 40,
      },
      {
        wallClockErrorUs: 90,
        syncConfidence: 0.5,
        clockDriftPpm: 2,
        timelineEpoch: 4,
        receivedAt: 8,
        bufferDelayMs: 41,
      },
      {
        wallClockErrorUs: 50,
        syncConfidence: 1,
        clockDriftPpm: 3,
        timelineEpoch: 4,
        receivedAt: 9,
        bufferDelayMs: 42,
      },
    );
    expect(mixed).toMatchObject({ wallClockErrorUs: 90, syncConfidence: 0.5, clockDriftPpm: 3 });
    expect(mixed).toMatchObject({ timelineEpoch: 3, receivedAt: 7, bufferDelayMs: 40 });
    expect(chunkOf({}, { wallClockErrorUs: null }).wallClockErrorUs).toBeNull();
  });

  it("takes the times of the frame that holds the first sample, and none of a frame it only touches", () => {
    const line = new Line();
    const rechunker = new Rechunker(format({ sampleRate: 44_100, frameMs: 10 }));
    const qualities: AudioQuality[] = ["received", "plc", "received", "received"];
    const chunks = qualities.flatMap((quality, i) =>
      push(rechunker, line.frame(new Float32Array(960), { quality, timelineEpoch: i })),
    );
    expect(chunks.slice(0, 6).map(({ quality }) => quality)).toEqual([
      "received",
      "received",
      "plc",
      "plc",
      "received",
      "received",
    ]);
    expect(chunks.slice(0, 6).map(({ timelineEpoch }) => timelineEpoch)).toEqual([0, 0, 1, 1, 2, 2]);
  });

  it("puts nothing from both sides of a gap into one chunk, resampled or not", () => {
    for (const sampleRate of [48_000, 16_000]) {
      const line = new Line();
      const rechunker = new Rechunker(format({ sampleRate }));
      const chunks = push(rechunker, line.frame(new Float32Array(2_000).fill(0.5)));
      line.position += 480;
      chunks.push(...push(rechunker, line.frame(new Float32Array(5_000).fill(-0.5))));
      line.position -= 48_000;
      chunks.push(...push(rechunker, line.frame(new Float32Array(5_000).fill(0.25))));
      const signs = chunks.map(({ samples }) => [...new Set(samples.map((value) => Math.sign(value)))]);
      expect(signs.every((found) => found.length === 1)).toBe(true);
      expect(ticksOf(chunks.find(({ samples }) => (samples[100] ?? 0) < 0) as Chunk)).toBe(2_480);
      expect(rechunker.droppedSamples).toBeGreaterThan(0);
    }
  });

  it("goes on over a step of the capture times alone, and over rounding of the timestamps", () => {
    const line = new Line();
    const rechunker = new Rechunker(format());
    const chunks = [0, 1, 2, 3].flatMap((timelineEpoch) => {
      line.position += timelineEpoch % 2;
      return push(rechunker, line.frame(new Float32Array(480), { timelineEpoch }));
    });
    expect(chunks.map(({ timelineEpoch }) => timelineEpoch)).toEqual([0, 2]);
    expect(rechunker.droppedSamples).toBe(0);
  });

  it("begins anew with another format", () => {
    const line = new Line();
    const rechunker = new Rechunker(format());
    expect(push(rechunker, line.frame(new Float32Array(1_000)))).toHaveLength(1);
    const [chunk] = push(rechunker, line.frame(new Float32Array(4_000), { channels: 2 }));
    expect([chunk?.channels, chunk?.samples.length, chunk && ticksOf(chunk)]).toEqual([2, 1920, 1_000]);
    expect(rechunker.droppedSamples).toBe(40);
    const narrow = line.frame(tone(440, 0.1, 16_000), { sampleRate: 16_000 });
    const wide = push(rechunker, narrow);
    expect(wide).toHaveLength(4);
    expect(correlation(tone(440, 0.08, 48_000), concat(wide.map(({ samples }) => samples)))).toBeGreaterThan(
      0.99,
    );
  });

  it("makes a chunk of every frame as it comes, in the rate asked for", () => {
    const line = new Line();
    const rechunkers = [48_000, 16_000].map(
      (sampleRate) => new Rechunker(format({ sampleRate, frameMs: "packet" })),
    );
    const signal = tone(440, 4, 48_000);
    const heard: Chunk[][] = [[], []];
    const given: LiveAudioFrame[] = [];
    for (let at = 0; at + 2_881 <= signal.length;) {
      const length = [959, 961, 480, 2_881][given.length % 4] as number;
      const frame = line.frame(signal.slice(at, at + length), { rtpTicks: Math.round(length / 480) * 480 });
      given.push(frame);
      for (const [i, rechunker] of rechunkers.entries()) {
        const chunks = push(rechunker, frame);
        expect(chunks).toHaveLength(1);
        heard[i]?.push(...chunks);
      }
      at += length;
    }
    const [same = [], third = []] = heard;
    expect(firstDifference(concat(same.map(({ samples }) => samples)), signal)).toBe(-1);
    for (const [i, { samples, rtpTimestamp, rtpTicks, wallClockTimestampUs }] of same.entries()) {
      expect(samples.length).toBe(given[i]?.samples.length);
      expect(rtpTimestamp).toBe(given[i]?.rtpTimestamp);
      expect(rtpTicks).toBe(given[i]?.rtpTicks);
      expect(wallClockTimestampUs).toBeCloseTo(given[i]?.wallClockTimestampUs ?? NaN, 0);
    }
    const samples = concat(third.map((chunk) => chunk.samples));
    expect(samples.length).toBeGreaterThan(
      concat(same.map((chunk) => chunk.samples)).length / 3 - RESAMPLER_REACH,
    );
    for (const [i, chunk] of third.entries()) {
      expect(Math.abs(chunk.samples.length - (given[i]?.samples.length ?? 0) / 3)).toBeLessThan(
        RESAMPLER_REACH,
      );
      expect(chunk.sampleRate).toBe(16_000);
    }
  });

  it("survives frames without samples", () => {
    const line = new Line();
    const rechunker = new Rechunker(format());
    expect(push(rechunker, line.frame(new Float32Array(0)))).toEqual([]);
    expect(push(rechunker, line.frame(new Float32Array(0), { rtpTicks: 30 }))).toEqual([]);
    const [chunk] = [480, 0, 480].flatMap((length) => push(rechunker, line.frame(new Float32Array(length))));
    expect(chunk && ticksOf(chunk)).toBe(30);
    expect(rechunker.droppedSamples).toBe(0);
  });

  it("accounts for every sample, whatever the lengths and gaps", () => {
    for (let seed = 1; seed <= 25; seed++) {
      const random = new SeededRandom(seed);
      const frameMs = [10, 20, 30, 40, 60][random.integer(0, 4)] as number;
      const channels = random.integer(1, 2) as 1 | 2;
      const line = new Line();
      const rechunker = new Rechunker(format({ frameMs }));
      let given = 0;
      let made = 0;
      let missing = 0;
      let gaps = 0;
      let end: number | undefined;
      for (let i = 0; i < 200; i++) {
        if (random.chance(0.05)) {
          const gap = random.integer(49, 50_000);
          line.position += gap;
          gaps += gap;
        }
        const length = random.chance(0.3) ? frameMs * 48 : random.integer(0, 4_000);
        given += length;
        const frame = line.frame(new Float32Array(length * channels).fill(i), {
          channels,
        });
        for (const chunk of push(rechunker, frame)) {
          made += chunk.samples.length / channels;
          if (end === undefined) missing += ticksOf(chunk);
          else missing += ticksOf(chunk) - end;
          end = ticksOf(chunk) + chunk.rtpTicks;
        }
      }
      const { pendingSamples, droppedSamples } = rechunker;
      expect(made + pendingSamples + droppedSamples, `seed ${seed}`).toBe(given);
      expect(pendingSamples, `seed ${seed}`).toBeLessThan(frameMs * 48);
      // What is not in the chunks is missing between their labels, but for what comes after the last.
      expect(missing, `seed ${seed}`).toBe(line.position - made - (line.position - (end ?? 0)));
      expect(missing, `seed ${seed}`).toBeLessThanOrEqual(gaps + droppedSamples);
    }
  });
});
