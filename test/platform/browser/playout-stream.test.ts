import { describe, expect, it } from "vitest";
import { PlayoutStream } from "../../../src/platform/browser/playout-stream.ts";

const RATE = 48_000;
const BLOCK = 128;

/** Frames of `ms`. */
const frames = (ms: number): number => (ms * RATE) / 1000;

/** `ms` of a 440 Hz sine, beginning at `from` frames. */
function sine(ms: number, from = 0, rate = RATE): Float32Array {
  return Float32Array.from({ length: (ms * rate) / 1000 }, (_, frame) =>
    Math.sin((2 * Math.PI * 440 * (from + frame)) / rate),
  );
}

const level = (ms: number, value = 0.5): Float32Array => new Float32Array(frames(ms)).fill(value);

/** Render `blocks` of 128 frames; left and right. */
function render(stream: PlayoutStream, blocks: number): { left: Float32Array; right: Float32Array } {
  const left = new Float32Array(blocks * BLOCK);
  const right = new Float32Array(blocks * BLOCK);
  for (let at = 0; at < left.length; at += BLOCK) {
    stream.render(left.subarray(at, at + BLOCK), right.subarray(at, at + BLOCK));
  }
  return { left, right };
}

/** Render for `ms` while `push` is called every 20 ms. */
function play(stream: PlayoutStream, ms: number, push: (index: number) => void): Float32Array {
  const parts: number[] = [];
  let pushed = 0;
  for (let rendered = 0; rendered < frames(ms); rendered += BLOCK) {
    while (pushed * frames(20) <= rendered) push(pushed++);
    parts.push(...render(stream, 1).left);
  }
  return Float32Array.from(parts);
}

/** Largest step between two samples. */
function steepest(samples: Float32Array): number {
  return samples.reduce((most, value, at) => Math.max(most, Math.abs(value - (samples[at - 1] ?? value))), 0);
}

/** Step that a bridge of 3 ms over 2.0 (from -1 to 1) makes, beside the sine's own. */
const SMOOTH = 2 / frames(3) + (2 * Math.PI * 440) / RATE + 0.001;

it("waits for the target, then plays the samples as they are", () => {
  const stream = new PlayoutStream(RATE, 20);
  stream.push(sine(10), 1, RATE);
  expect(render(stream, 2).left.every((value) => value === 0)).toBe(true);
  stream.push(sine(10, frames(10)), 1, RATE);
  const { left, right } = render(stream, 7);
  // Behind the fade-in of 3 ms.
  const expected = sine(20).subarray(frames(3), left.length);
  expect(left.subarray(frames(3))).toEqual(expected);
  expect(right).toEqual(left);
  expect(stream.stats()).toMatchObject({ underruns: 0, droppedMs: 0 });
});

it("keeps stereo apart and plays the first two of more channels", () => {
  for (const channels of [2, 3]) {
    const stream = new PlayoutStream(RATE, 0);
    const interleaved = Float32Array.from({ length: frames(20) * channels }, (_, at) => (at % channels) / 10);
    stream.push(interleaved, channels, RATE);
    const { left, right } = render(stream, 2);
    expect(left.at(-1)).toBe(0);
    expect(right.at(-1)).toBeCloseTo(0.1, 6);
  }
});

it("adds to what is in the output already", () => {
  const stream = new PlayoutStream(RATE, 0);
  stream.push(level(20), 1, RATE);
  render(stream, 2);
  const left = new Float32Array(BLOCK).fill(0.25);
  stream.render(left, new Float32Array(BLOCK));
  expect(new Set(left)).toEqual(new Set([0.75]));
});

describe("underrun", () => {
  it("plays silence, counts it, and does not click on the way out and in", () => {
    const stream = new PlayoutStream(RATE, 20);
    stream.push(sine(21.3), 1, RATE);
    const out = render(stream, 20).left;
    expect(stream.stats()).toMatchObject({ underruns: 1, fillMs: 0 });
    expect(new Set(out.slice(-5 * BLOCK))).toEqual(new Set([0]));
    stream.push(sine(40, 7), 1, RATE);
    const back = render(stream, 10).left;
    expect(steepest(Float32Array.from([...out, ...back]))).toBeLessThan(SMOOTH);
  });

  it("does not click either when it comes inside a fade", () => {
    const stream = new PlayoutStream(RATE, 0);
    const parts: number[] = [];
    for (let index = 0; index < 50; index++) {
      stream.push(level(1, 1), 1, RATE);
      parts.push(...render(stream, 1).left);
    }
    expect(stream.stats().underruns).toBeGreaterThan(2);
    expect(steepest(Float32Array.from(parts))).toBeLessThan(1 / frames(3));
  });

  it("raises the target when data comes late, up to 200 ms, and not after a pause", () => {
    const stream = new PlayoutStream(RATE, 20);
    stream.push(level(20), 1, RATE);
    render(stream, 20);
    stream.push(level(20), 1, RATE);
    render(stream, 1);
    expect(stream.stats().targetMs).toBe(30);
    render(stream, 500); // 1.3 s
    stream.push(level(40), 1, RATE);
    render(stream, 1);
    expect(stream.stats().targetMs).toBe(30);
    for (let count = 0; count < 50; count++) {
      render(stream, 100);
      stream.push(level(250), 1, RATE);
    }
    expect(stream.stats().targetMs).toBe(200);
  });

  it("lets the target sink again while nothing is missing", () => {
    const stream = new PlayoutStream(RATE, 20);
    stream.push(level(20), 1, RATE);
    render(stream, 20);
    stream.push(level(30), 1, RATE);
    play(stream, 22_000, () => stream.push(level(20), 1, RATE));
    expect(stream.stats().targetMs).toBe(20);
  });
});

describe("surplus", () => {
  it("is cut off once it has stood for two seconds, without a click", () => {
    const stream = new PlayoutStream(RATE, 20);
    stream.push(sine(150), 1, RATE);
    const out = play(stream, 5000, (index) => stream.push(sine(20, frames(150 + index * 20)), 1, RATE));
    expect(stream.stats().droppedMs).toBeGreaterThan(100);
    expect(stream.stats().fillMs).toBeLessThan(50);
    expect(stream.stats().underruns).toBe(0);
    expect(steepest(out)).toBeLessThan(SMOOTH);
  });

  it("is left alone when jitter uses it", () => {
    const stream = new PlayoutStream(RATE, 20);
    // Three blocks at once every 60 ms need 60 ms of fill at the top, and are down to 20 at the bottom.
    stream.push(level(20), 1, RATE);
    play(stream, 6000, (index) => {
      if (index % 3 === 0) stream.push(level(60), 1, RATE);
    });
    expect(stream.stats()).toMatchObject({ droppedMs: 0, underruns: 0 });
  });

  it("is bounded at 500 ms: the oldest goes, and what is left is the newest", () => {
    const stream = new PlayoutStream(RATE, 20);
    for (let index = 0; index < 100; index++) stream.push(level(20, index / 100), 1, RATE);
    const { fillMs, droppedMs } = stream.stats();
    expect(fillMs).toBeLessThanOrEqual(500);
    expect(fillMs + droppedMs).toBeCloseTo(2000, 3);
    const { left } = render(stream, Math.floor(frames(fillMs) / BLOCK));
    expect(left.at(-1)).toBeCloseTo(0.99, 5);
  });
});

it("changes its gain over 20 ms, without a step", () => {
  const stream = new PlayoutStream(RATE, 0);
  stream.push(level(200), 1, RATE);
  render(stream, 10);
  stream.setGain(0);
  const { left } = render(stream, 10);
  expect(steepest(left)).toBeLessThanOrEqual(0.5 / frames(20) + 1e-6);
  expect(left.at(-1)).toBe(0);
  stream.setGain(2);
  expect(render(stream, 20).left.at(-1)).toBeCloseTo(1, 5);
});

describe("another sample rate", () => {
  it.each([8000, 16_000, 44_100, 96_000])("is resampled from %i Hz without seams between blocks", (rate) => {
    const stream = new PlayoutStream(RATE, 0);
    const whole = sine(200, 0, rate);
    const size = Math.round(rate * 0.01) + 1; // blocks that do not divide the ratio
    for (let at = 0; at < whole.length; at += size) stream.push(whole.slice(at, at + size), 1, rate);
    expect(stream.stats().fillMs).toBeCloseTo(200, 0);
    const { left } = render(stream, 60);
    // The filter looks three input frames ahead, so the output is that much behind, less one.
    const delay = (2 * RATE) / rate;
    const worst = left.slice(frames(5)).reduce((most, value, at) => {
      const ideal = Math.sin((2 * Math.PI * 440 * (at + frames(5) - delay)) / RATE);
      return Math.max(most, Math.abs(value - ideal));
    }, 0);
    expect(worst).toBeLessThan(rate === 8000 ? 0.02 : 0.003);
  });
});
