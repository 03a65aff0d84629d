// The mixer: every stream resampled as a drift resampler does it, weighted and added up.
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/testing/random.ts";
import { AudioMixer } from "../../src/wasm/audio-mixer.ts";
import { DriftResampler } from "../../src/wasm/pcm.ts";

const STREAMS = [
  { ratio: 1, gain: 1 },
  { ratio: 1.0004, gain: 0.5 },
  { ratio: 0.98, gain: -0.25 },
  { ratio: 1.02, gain: 0.125 },
] as const;

function noise(seed: number, length: number): Float32Array {
  const random = new SeededRandom(seed);
  return Float32Array.from({ length }, () => random.next() - 0.5);
}

describe("the mixer", () => {
  it.each([1, 7, 480, 481, 960])("adds up resampled streams in ticks of %d samples", (samples) => {
    const mixer = new AudioMixer({ samples });
    const ticks = Math.ceil(4000 / samples);
    const inputs = STREAMS.map((_, peer) => noise(peer, ticks * samples * 1.03 + 100));
    STREAMS.forEach(({ ratio, gain }, peer) => mixer.setPeer(peer, ratio, gain));
    const expected = new Float32Array(ticks * samples);
    STREAMS.forEach(({ ratio, gain }, peer) => {
      const resampler = new DriftResampler({ channels: 1 });
      const alone = resampler.process(inputs[peer] as Float32Array, ratio);
      expected.forEach((value, i) => (expected[i] = value + gain * (alone[i] as number)));
      resampler.close();
    });
    const taken = STREAMS.map(() => 0);
    for (let tick = 0; tick < ticks; tick++) {
      const blocks = STREAMS.map((_, peer) => {
        const from = taken[peer] as number;
        taken[peer] = from + mixer.needed(peer);
        return inputs[peer]?.subarray(from, taken[peer]);
      });
      const made = mixer.tick(blocks);
      expect(made.length).toBe(samples);
      made.forEach((value, i) => {
        if (Math.abs(value - (expected[tick * samples + i] as number)) > 2e-5)
          expect.fail(`tick ${tick}, sample ${i}`);
      });
    }
    mixer.close();
  });

  it("leaves out who has nothing, and goes on where he stopped", () => {
    const mixer = new AudioMixer();
    const input = noise(9, 4000);
    const alone = new AudioMixer();
    let taken = 0;
    for (let tick = 0; tick < 4; tick++) {
      expect(mixer.tick([undefined, undefined])).toEqual(new Float32Array(480));
      const needed = mixer.needed(3);
      expect(alone.needed(0)).toBe(needed);
      const block = input.subarray(taken, (taken += needed));
      expect(mixer.tick([undefined, undefined, undefined, block])).toEqual(alone.tick([block]));
    }
    mixer.resetPeer(3);
    expect(mixer.needed(3)).toBe(480);
    mixer.close();
    alone.close();
  });

  it("refuses what it cannot do", () => {
    expect(() => new AudioMixer({ samples: 0 })).toThrow(/samples must be/);
    const mixer = new AudioMixer();
    const before = mixer.needed(0);
    expect(() => mixer.tick([new Float32Array(480), new Float32Array(479)])).toThrow(/inputs\[1\].* 480/);
    expect(mixer.needed(0)).toBe(before);
    expect(() => mixer.setPeer(0, 1.1, 1)).toThrow(/ratio/);
    expect(() => mixer.setPeer(0, 1, NaN)).toThrow(/gain/);
    expect(() => mixer.setPeer(10, 1, 1)).toThrow(/peer must be 0 to 9/);
    mixer.close();
    mixer.close();
    expect(() => mixer.tick([])).toThrow(expect.objectContaining({ code: "ALREADY_SHUTDOWN" }) as Error);
  });
});
