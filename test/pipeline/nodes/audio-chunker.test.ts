import { describe, expect, it } from "vitest";
import { audioChunkerNode } from "../../../src/pipeline/nodes/audio-chunker.ts";
import { audio, blocks, expectSame, joined, runNode, sounds } from "./run-node.ts";

const TIME_US = 1_700_000_000_000_000;
const ramp = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => i / length);

describe("AudioChunker", () => {
  it.each([1, 160, 512, 5000])(
    "makes chunks of %d samples of whatever comes, and loses none",
    async (chunkSize) => {
      const samples = ramp(4000);
      for (const blockMs of [0.5, 20, 200]) {
        const outputs = await runNode(audioChunkerNode, { chunkSize }, blocks(samples, blockMs));
        const lengths = sounds(outputs).map((data) => data.samples.length);
        expect(lengths.slice(0, -1).every((length) => length === chunkSize)).toBe(true);
        expect(lengths.at(-1)).toBe(4000 % chunkSize || chunkSize);
        expectSame(joined(outputs), samples);
      }
    },
  );

  it("counts samples per channel", async () => {
    const [first] = sounds(await runNode(audioChunkerNode, {}, [audio(ramp(1200), { channels: 2 })]));
    expect(first?.samples.length).toBe(1024);
    expect(first?.channels).toBe(2);
  });

  it("gives each chunk the capture time of its first sample and the labels of its input, at any rate", async () => {
    const sampleRate = 44_100;
    const inputs = blocks(ramp(44_100), 20, { sampleRate, timestampUs: TIME_US, peer: "a" });
    const outputs = await runNode(audioChunkerNode, {}, inputs);
    for (const [i, data] of sounds(outputs).entries()) {
      const exact = TIME_US + (i * 512 * 1e6) / sampleRate;
      // Each input has a time in whole us.
      expect(Math.abs((data.timestampUs ?? 0) - exact), `chunk ${i}`).toBeLessThanOrEqual(1);
    }
    expect(outputs.map(({ sequence }) => sequence)).toEqual(
      outputs.map((_, i) => Math.floor((i * 512) / 882)),
    );
    expect(outputs.at(-1)?.metadata).toEqual({ source_peer: "a" });
  });

  it("drops what is left over without flushPartial, and says so in the log", async () => {
    const lines: unknown[] = [];
    const params = { chunkSize: 1000, flushPartial: false };
    const onLog = (message: string, { samples }: { samples?: unknown }): void =>
      void lines.push([message, samples]);
    const outputs = await runNode(audioChunkerNode, params, blocks(ramp(2500), 20), { onLog });
    expect(joined(outputs).length).toBe(2000);
    expect(lines).toEqual([["audio chunker dropped a partial chunk", 500]]);
  });

  it("keeps sound from both sides of a gap apart, and streams too", async () => {
    const inputs = [
      audio(ramp(700), { timestampUs: TIME_US }),
      audio(ramp(300), { timestampUs: TIME_US, peer: "b" }),
      audio(ramp(700), { timestampUs: TIME_US + 500_000 }),
    ];
    const outputs = sounds(await runNode(audioChunkerNode, {}, inputs));
    expect(outputs.map(({ samples, timestampUs = 0 }) => [samples.length, timestampUs - TIME_US])).toEqual([
      [512, 0],
      [188, 10_667],
      [512, 500_000],
      [300, 0],
      [188, 510_667],
    ]);
  });

  it("makes chunks that share no memory with inputs or each other", async () => {
    const input = audio(ramp(1024));
    const [a, b] = sounds(await runNode(audioChunkerNode, {}, [input]));
    expect(a?.samples.buffer.byteLength).toBe(2048);
    expect(a?.samples.buffer).not.toBe(b?.samples.buffer);
  });
});
