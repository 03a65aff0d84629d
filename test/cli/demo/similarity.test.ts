import { createDecoder, createEncoder, Application } from "libopus-wasm";
import { describe, expect, it } from "vitest";
import { percentile } from "../../../src/cli/demo/numbers.ts";
import { PairTracker, SentStream } from "../../../src/cli/demo/similarity.ts";
import { SAMPLE_RATE, Voice, seededRandom } from "../../../src/cli/demo/voice.ts";

const FRAME = 960;
const FRAME_MS = 20;
/** Of the delay, as receivers say it. */
const BUFFER_MS = 45;

interface Path {
  /** What arrives of the frame sent; by default itself. */
  carry?: (frame: Float32Array, index: number) => Float32Array | undefined;
  /** Ms from call to delivery of a frame. */
  delayMs?: (index: number) => number;
  /** What is sent; by default a voice. */
  source?: { next(frames: number): Float32Array };
  seconds?: number;
  maySearch?: () => boolean;
}

/** A sender and a receiver in virtual time, 20 ms frames. */
function run(path: Path): PairTracker {
  const { carry = (frame) => frame, delayMs = () => 60, source = new Voice(1), seconds = 8 } = path;
  const sent = new SentStream();
  const tracker = new PairTracker(sent, 0, 400);
  const underway: { atMs: number; frame: Float32Array }[] = [];
  for (let i = 0; i < seconds * 50; i++) {
    const nowMs = i * FRAME_MS;
    const frame = source.next(FRAME);
    sent.push(frame, nowMs);
    const carried = carry(frame, i);
    if (carried !== undefined) underway.push({ atMs: nowMs + delayMs(i), frame: carried });
    for (let next = underway[0]; next !== undefined && next.atMs <= nowMs; next = underway[0]) {
      const { frame: samples, atMs: deliveredMs } = next;
      tracker.received({ samples, deliveredMs, missing: 0, bufferMs: BUFFER_MS });
      underway.shift();
    }
    tracker.tick(nowMs, path.maySearch ?? (() => true));
  }
  return tracker;
}

const median = (values: readonly number[]): number => percentile(values, 0.5) ?? NaN;

describe("similarity", () => {
  it("is 1 for a perfect path, and the latency is that of the path", () => {
    const tracker = run({});
    expect(tracker.similarities.length).toBeGreaterThanOrEqual(13);
    expect(median(tracker.similarities)).toBeCloseTo(1, 3);
    expect(percentile(tracker.latenciesMs, 0)).toBeCloseTo(60, 6);
    expect(percentile(tracker.latenciesMs, 1)).toBeCloseTo(60, 6);
    expect(percentile(tracker.beyondBufferMs, 1)).toBeCloseTo(60 - BUFFER_MS, 6);
  });

  it.each([
    ["voip", 24, Application.Voip],
    ["voip", 64, Application.Voip],
    ["audio", 64, Application.Audio],
  ])(
    "stays above 0.9 through Opus (%s, %i kbit/s), latency without the codec's lookahead",
    // The codec's first second is slow until it is compiled, on a busy machine much more so.
    { timeout: 30_000 },
    async (_, kbps, application) => {
      using encoder = await createEncoder({
        channels: 1,
        sampleRate: SAMPLE_RATE,
        frameSize: FRAME,
        application,
        bitrate: kbps * 1000,
        fec: true,
        packetLossPercent: 10,
      });
      using decoder = await createDecoder({ channels: 1 });
      const tracker = run({ carry: (frame) => decoder.decodeFloat(encoder.encodeFloat(frame)) });
      expect(median(tracker.similarities)).toBeGreaterThan(0.9);
      expect(median(tracker.latenciesMs)).toBeCloseTo(60, 6);
    },
  );

  it("is low for another speaker", () => {
    const other = new Voice(2);
    const tracker = run({ carry: () => other.next(FRAME), seconds: 15 });
    expect(median(tracker.similarities)).toBeLessThan(0.3);
    expect(tracker.latenciesMs).toHaveLength(0);
  });

  it("is 0 for silence, and when nothing comes at all", () => {
    const silent = run({ carry: () => new Float32Array(FRAME) });
    const mute = run({ carry: () => undefined });
    for (const tracker of [silent, mute]) {
      expect(tracker.similarities.length).toBeGreaterThan(8);
      expect(median(tracker.similarities)).toBe(0);
    }
  });

  it("leaves out windows in which the sender was silent", () => {
    const voice = new Voice(3);
    let sent = 0;
    // One second of speech, two of silence, over and over.
    const source = {
      next: (frames: number): Float32Array =>
        (sent += frames) % (3 * SAMPLE_RATE) < SAMPLE_RATE ? voice.next(frames) : new Float32Array(frames),
    };
    const tracker = run({ source, seconds: 20 });
    expect(tracker.similarities.length).toBeLessThan(25);
    expect(median(tracker.similarities)).toBeGreaterThan(0.99);
    expect(run({ source: { next: (frames) => new Float32Array(frames) } }).similarities).toHaveLength(0);
  });

  it("finds the delay again after it has jumped", () => {
    const tracker = run({ delayMs: (index) => (index < 300 ? 40 : 640), seconds: 16 });
    expect(median(tracker.similarities.slice(0, 8))).toBeGreaterThan(0.99);
    expect(median(tracker.similarities.slice(-8))).toBeGreaterThan(0.99);
    expect(tracker.latenciesMs.at(-1)).toBeCloseTo(640, 6);
  });

  it("reports latency frame by frame under jitter", () => {
    const random = seededRandom(5);
    let lastMs = 0;
    const delays = Array.from({ length: 500 }, (_, i) => {
      // Delivery stays in order: no frame overtakes the one before.
      lastMs = Math.max(lastMs, i * FRAME_MS + 50 + random() * 30);
      return lastMs - i * FRAME_MS;
    });
    const tracker = run({ delayMs: (index) => delays[index] as number, seconds: 10 });
    expect(median(tracker.similarities)).toBeCloseTo(1, 3);
    expect(percentile(tracker.latenciesMs, 0.95)).toBeCloseTo(percentile(delays, 0.95) as number, -0.5);
  });

  it("leaves windows out while it may not search for the delay", () => {
    let allowed = 1;
    const tracker = run({ delayMs: (index) => (index < 200 ? 40 : 640), maySearch: () => allowed-- > 0 });
    expect(tracker.similarities.length).toBeGreaterThan(5);
    expect(tracker.similarities.length).toBeLessThan(12);
    expect(run({ maySearch: () => false }).similarities).toHaveLength(0);
  });

  it("measures a short loop by its most recent pass", () => {
    const loop = new Voice(4).next(0.5 * SAMPLE_RATE);
    let position = 0;
    const source = {
      next: (frames: number): Float32Array =>
        Float32Array.from({ length: frames }, () => loop[position++ % loop.length] as number),
    };
    expect(median(run({ source }).latenciesMs)).toBeCloseTo(60, 6);
  });

  it("knows the send call of a sample only while it remembers it", () => {
    const sent = new SentStream();
    for (let i = 0; i < 600; i++) sent.push(new Float32Array(FRAME), i * FRAME_MS);
    expect(sent.calledAt(599 * FRAME)).toBe(599 * FRAME_MS);
    expect(sent.calledAt(600 * FRAME - 1)).toBe(599 * FRAME_MS);
    expect(sent.calledAt(600 * FRAME)).toBeUndefined();
    expect(sent.calledAt(10 * FRAME)).toBeUndefined();
  });
});
