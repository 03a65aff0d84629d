import { describe, expect, it } from "vitest";
import { noiseGateNode } from "../../../src/pipeline/nodes/noise-gate.ts";
import { audio, blocks, expectSame, joined, runNode } from "./run-node.ts";

const RATE = 48_000;
const at = (ms: number): number => Math.round((ms * RATE) / 1000);

/** Stretches of [ms, dBFS], square waves so that every sample has the magnitude. */
function levels(...stretches: readonly (readonly [ms: number, db: number])[]): Float32Array {
  const values = stretches.flatMap(([ms, db]) =>
    Array.from({ length: at(ms) }, (_, i) => (i % 2 === 0 ? 1 : -1) * 10 ** (db / 20)),
  );
  return Float32Array.from(values);
}

/** Gain in dB of each sample. */
async function gains(input: Float32Array, params = {}): Promise<number[]> {
  const out = joined(await runNode(noiseGateNode, params, blocks(input, 20)));
  expect(out.length).toBe(input.length);
  return [...out].map((value, i) => 20 * Math.log10(Math.abs(value / (input[i] as number))));
}

describe("NoiseGate", () => {
  it("keeps what stays below the threshold down by its range, and passes what is louder as it is", async () => {
    expect(Math.max(...(await gains(levels([200, -46]))))).toBeCloseTo(-80, 3);
    expect(Math.max(...(await gains(levels([200, -46]), { rangeDb: -20 })))).toBeCloseTo(-20, 3);
    const loud = await gains(levels([200, -44]));
    expect(Math.min(...loud.slice(at(2)))).toBe(0);
  });

  it("opens within the attack, linearly", async () => {
    const gain = await gains(levels([50, -20]), { attackMs: 10 });
    expect(gain[0]).toBeLessThan(-50);
    expect(gain[at(5) - 1]).toBeCloseTo(-6, 1);
    expect(gain[at(10) - 2]).toBeLessThan(0);
    expect(gain[at(10)]).toBe(0);
  });

  it("stays open for what is less by no more than the hysteresis", async () => {
    const kept = await gains(levels([50, -30], [500, -50]));
    expect(Math.min(...kept.slice(at(2)))).toBe(0);
    const lost = await gains(levels([50, -30], [500, -52]));
    expect(lost.at(-1)).toBeCloseTo(-80, 3);
  });

  it("holds, then closes within the release by equal dB", async () => {
    const gain = await gains(levels([50, -30], [400, -60]));
    expect(gain[at(99.9)]).toBe(0);
    expect(gain[at(100) + at(25)]).toBeCloseTo(-20, 0);
    expect(gain[at(100) + at(75)]).toBeCloseTo(-60, 0);
    expect(gain[at(200) + 1]).toBeCloseTo(-80, 1);
  });

  it("does not chatter on a low tone, whose samples cross zero", async () => {
    const tone = Float32Array.from(
      { length: at(500) },
      (_, i) => 0.1 * Math.cos((2 * Math.PI * 50 * i) / RATE),
    );
    const out = joined(await runNode(noiseGateNode, {}, blocks(tone, 20)));
    expectSame(out.subarray(at(2)), tone.subarray(at(2)));
  });

  it("opens all channels for the loudest", async () => {
    const stereo = Float32Array.from({ length: at(100) * 2 }, (_, i) => (i % 2 === 0 ? 0.5 : 0.001));
    const out = joined(await runNode(noiseGateNode, {}, [audio(stereo, { channels: 2 })]));
    expectSame(out.subarray(at(2) * 2), stereo.subarray(at(2) * 2));
  });

  it("leaves all as it is with a range of 0 dB", async () => {
    const input = levels([50, -60], [50, -10], [300, -60]);
    expect(Math.min(...(await gains(input, { rangeDb: 0 })))).toBe(0);
  });

  it("does the same however the input is cut, and has a gate for each stream", async () => {
    const input = levels([50, -60], [50, -10], [300, -60], [20, -30]);
    const a = blocks(input, 7, { peer: "a" });
    const b = blocks(levels([430, -60]), 7, { peer: "b" });
    const mixed = await runNode(
      noiseGateNode,
      {},
      a.flatMap((block, i) => [block, b[i] ?? block].slice(0, b[i] ? 2 : 1)),
    );
    const ofA = mixed.filter(({ metadata }) => metadata.source_peer === "a");
    expectSame(joined(ofA), joined(await runNode(noiseGateNode, {}, [audio(input)])));
    const ofB = mixed.filter(({ metadata }) => metadata.source_peer === "b");
    expect(Math.max(...joined(ofB))).toBeLessThan(1e-6);
  });
});
