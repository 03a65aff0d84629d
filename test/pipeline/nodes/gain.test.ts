import { describe, expect, it } from "vitest";
import { gainNode } from "../../../src/pipeline/nodes/gain.ts";
import { audio, blocks, expectSame, joined, runNode, sounds } from "./run-node.ts";

const ones = (length: number): Float32Array => new Float32Array(length).fill(0.5);

describe("Gain", () => {
  it.each([
    [6, 1.9953],
    [-20, 0.1],
    [-60, 0.001],
    [24, 15.849],
  ])("of %d dB multiplies by %d", async (gainDb, factor) => {
    const out = joined(await runNode(gainNode, { gainDb, rampMs: 0 }, [audio(ones(100))]));
    expect(out.length).toBe(100);
    for (const value of out) expect(value / 0.5).toBeCloseTo(factor, 3);
  });

  it("gets to its gain in a line from 0 dB when a stream begins, whatever the blocks", async () => {
    const params = { gainDb: -20, rampMs: 10 };
    const whole = joined(await runNode(gainNode, params, [audio(ones(960))]));
    for (const i of [0, 100, 479]) expect(whole[i]).toBeCloseTo(0.5 * (1 - (0.9 * (i + 1)) / 480), 6);
    expect(Math.max(...whole.subarray(480))).toBeCloseTo(0.05, 6);
    const cut = joined(await runNode(gainNode, params, blocks(ones(960), 1.5)));
    expectSame(cut, whole);
  });

  it("has a ramp for each stream, the same for all its channels", async () => {
    const stereo = { channels: 2, peer: "a" };
    const inputs = [audio(ones(960), stereo), audio(ones(4), stereo), audio(ones(4), { peer: "b" })];
    const [first, second, other] = sounds(await runNode(gainNode, { gainDb: -20 }, inputs));
    expect(first?.samples[1]).toBe(first?.samples[0]);
    expect(second?.samples[0]).toBeCloseTo(0.05, 6);
    expect(other?.samples[0]).toBeGreaterThan(0.49);
  });

  it("leaves the input as it is, and passes it on itself at 0 dB", async () => {
    const input = audio(ones(100), { timestampUs: 5, sequence: 3, peer: "a" });
    const [louder] = await runNode(gainNode, { gainDb: 6 }, [input]);
    expect(input.data).toEqual(audio(ones(100), { timestampUs: 5 }).data);
    expect(louder).toMatchObject({ sequence: 3, metadata: { source_peer: "a" }, data: { timestampUs: 5 } });
    expect((await runNode(gainNode, {}, [input]))[0]).toBe(input);
  });
});
