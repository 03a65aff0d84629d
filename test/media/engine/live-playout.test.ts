import { afterEach, describe, expect, it } from "vitest";
import { LivePlayout } from "../../../src/media/engine/live-playout.ts";
import { bestLag, concat, voice } from "../signals.ts";

const RATE = 48_000;
const BLOCK = 960;

let playout: LivePlayout;
afterEach(() => playout.close());

/** Play a signal in blocks of 20 ms; `steer` says how the block of that number plays. */
function play(
  signal: Float32Array,
  steer: (block: number) => [stretchMs: number, ratio: number],
): Float32Array {
  const blocks: Float32Array[] = [];
  for (let i = 0; (i + 1) * BLOCK <= signal.length; i++) {
    playout.steer(...steer(i));
    blocks.push(playout.play(signal.subarray(i * BLOCK, (i + 1) * BLOCK)).samples);
  }
  return concat(blocks);
}

describe("live playout", () => {
  it("hands the very samples on while there is nothing to do", () => {
    playout = new LivePlayout(1);
    const block = voice(0.02, RATE);
    playout.steer(0, 1);
    expect(playout.play(block)).toEqual({ samples: block, delayUs: 0 });
    expect(playout.play(block).samples).toBe(block);
  });

  it("adds and takes out what is demanded, over as many blocks as that takes", () => {
    playout = new LivePlayout(1);
    const signal = voice(4, RATE);
    const longer = play(signal, (block) => [block === 20 ? 30 : 0, 1]);
    expect((longer.length - signal.length) / 48).toBeGreaterThan(25);
    expect((longer.length - signal.length) / 48).toBeLessThan(35);
    expect(playout.insertedSamples).toBe(longer.length - signal.length);
    playout.close();
    playout = new LivePlayout(1);
    const shorter = play(signal, (block) => [block === 20 ? -30 : 0, 1]);
    expect((signal.length - shorter.length) / 48).toBeGreaterThan(25);
    expect((signal.length - shorter.length) / 48).toBeLessThan(35);
    expect(playout.removedSamples).toBe(signal.length - shorter.length);
    // What follows sounds as it did.
    expect(bestLag(signal.subarray(-RATE), shorter.subarray(-RATE), 0, 5).value).toBeGreaterThan(0.99);
  });

  it("does not follow a demand that is a jump", () => {
    playout = new LivePlayout(1);
    const signal = voice(2, RATE);
    expect(play(signal, (block) => [block === 10 ? 400 : 0, 1])).toHaveLength(signal.length);
  });

  it("resamples by the ratio and says how much earlier its output begins", () => {
    playout = new LivePlayout(1);
    const ratio = 1 + 200e-6;
    const signal = voice(10, RATE);
    const out = play(signal, () => [0, ratio]);
    expect(out.length).toBeGreaterThan(signal.length / ratio - 2);
    expect(out.length).toBeLessThan(signal.length / ratio + 2);
    const { delayUs } = playout.play(signal.subarray(0, BLOCK));
    expect(delayUs).toBeGreaterThan((7 / RATE) * 1e6);
    expect(delayUs).toBeLessThan((10 / RATE) * 1e6);
  });

  it("begins anew after a reset", () => {
    playout = new LivePlayout(2);
    const block = new Float32Array(2 * BLOCK).fill(0.1);
    playout.steer(50, 1.001);
    playout.play(block);
    playout.reset();
    playout.steer(0, 1);
    const lengths = Array.from({ length: 20 }, () => playout.play(block).samples.length);
    // The resampler's filter reaches 8 samples ahead once.
    expect(lengths.slice(1)).toEqual(Array.from({ length: 19 }, () => 2 * BLOCK));
  });
});
