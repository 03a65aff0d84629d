import { describe, expect, it } from "vitest";
import { AudioStreams, soundAt } from "../../../src/pipeline/nodes/audio-streams.ts";
import type { AudioBlock, AudioFormat } from "../../../src/pipeline/nodes/audio-streams.ts";
import type { NodeFactory } from "../../../src/pipeline/node.ts";
import type { TransportData } from "../../../src/runtime/data.ts";
import { audio, runNode } from "./run-node.ts";

const TIME_US = 1_700_000_000_000_000;

/** Notes what streams are told, each under the number in which it was opened. */
function spy(flushAtGaps = false) {
  const told: string[] = [];
  const blocks: AudioBlock[] = [];
  let opened = 0;
  const open = ({ sampleRate, channels }: AudioFormat) => {
    const id = opened++;
    told.push(`open ${id}: ${sampleRate}/${channels}`);
    return {
      process: (block: AudioBlock) => {
        blocks.push(block);
        told.push(`block ${id}: ${block.frames} at ${block.startUs} gap ${block.gapUs}`);
      },
      flush: () => void told.push(`flush ${id}`),
    };
  };
  const factory: NodeFactory<object> = {
    type: "Spy",
    description: "Spy.",
    schema: { type: "object", properties: {} },
    accepts: ["audio"],
    emits: [],
    create: () => new AudioStreams({ open, flushAtGaps }),
  };
  return { factory, told, blocks };
}

const ms20 = (timestampUs?: number, more: object = {}): TransportData =>
  audio(new Float32Array(960), { ...(timestampUs !== undefined && { timestampUs }), ...more });

describe("the streams of a node for sound", () => {
  it("are told apart by peer and by stream id", async () => {
    const { factory, told } = spy();
    const streams = [{ peer: "a" }, { peer: "b" }, { peer: "a", streamId: "mic" }, { peer: "a" }];
    await runNode(
      factory,
      {},
      streams.map((more) => ms20(undefined, more)),
      { flush: false },
    );
    expect(told.map((line) => line.slice(0, 7))).toEqual([
      "open 0:",
      "block 0",
      "open 1:",
      "block 1",
      "open 2:",
      "block 2",
      "block 0",
    ]);
  });

  it("begin anew with another rate or another number of channels, after a flush", async () => {
    const { factory, told } = spy();
    await runNode(factory, {}, [
      ms20(),
      audio(new Float32Array(320), { sampleRate: 16_000 }),
      audio(new Float32Array(320), { sampleRate: 16_000, channels: 2 }),
    ]);
    expect(told).toEqual([
      "open 0: 48000/1",
      "block 0: 960 at 0 gap 0",
      "flush 0",
      "open 1: 16000/1",
      "block 1: 320 at 20000 gap 0",
      "flush 1",
      "open 2: 16000/2",
      "block 2: 160 at 40000 gap 0",
      "flush 2",
    ]);
  });

  it("see a step of the capture times beyond half a block as a gap, and smaller ones as jitter", async () => {
    const { factory, blocks } = spy();
    const times = [0, 20_000, 49_000, 79_500, 40_000].map((us) => ms20(TIME_US + us));
    await runNode(factory, {}, times);
    expect(blocks.map(({ gapUs }) => gapUs)).toEqual([0, 0, 0, 10_500, -59_500]);
    expect(blocks.map(({ startUs }) => startUs - TIME_US)).toEqual([0, 20_000, 49_000, 79_500, 40_000]);
  });

  it("see 10 ms missing between blocks of a second, and no gap in the rounded times of single samples", async () => {
    const { factory, blocks } = spy();
    const second = (us: number): TransportData =>
      audio(new Float32Array(48_000), { timestampUs: TIME_US + us });
    const singles = Array.from({ length: 50 }, (_, i) =>
      audio(new Float32Array(1), { timestampUs: TIME_US + 2_010_001 + Math.round((i * 1e6) / 48_000) }),
    );
    await runNode(factory, {}, [second(0), second(1_010_001), ...singles]);
    expect(blocks.map(({ gapUs }) => gapUs).filter((us) => us !== 0)).toEqual([10_001]);
  });

  it("are flushed at gaps where a node wants that, and go on", async () => {
    const { factory, told } = spy(true);
    await runNode(factory, {}, [ms20(TIME_US), ms20(TIME_US + 100_000)], { flush: false });
    expect(told.slice(1)).toEqual([
      `block 0: 960 at ${TIME_US} gap 0`,
      "flush 0",
      `block 0: 960 at ${TIME_US + 100_000} gap 0`,
    ]);
  });

  it("count their time where blocks say none, from the last that did", async () => {
    const { factory, blocks } = spy();
    await runNode(factory, {}, [ms20(), ms20(), ms20(TIME_US), ms20()]);
    expect(blocks.map(({ startUs, timed, gapUs }) => [startUs, timed, gapUs])).toEqual([
      [0, false, 0],
      [20_000, false, 0],
      [TIME_US, true, 0],
      [TIME_US + 20_000, true, 0],
    ]);
  });

  it("are forgotten with a flush when there are too many, the one quiet for longest first", async () => {
    const { factory, told } = spy();
    const inputs = Array.from({ length: 130 }, (_, i) => ms20(undefined, { streamId: `s${i}` }));
    await runNode(factory, {}, inputs, { flush: false });
    expect(told.filter((line) => line.startsWith("flush"))).toEqual(["flush 0", "flush 1"]);
  });

  it.each([
    ["samples[1]", audio(Float32Array.of(0, Number.NaN))],
    ["samples[2]", audio(Float32Array.of(0, 0, -Infinity))],
    ["channels", audio(new Float32Array(9), { channels: 9 })],
    ["channels", audio(new Float32Array(0), { channels: 0 })],
    ["sampleRate", audio(new Float32Array(9), { sampleRate: 7_999 })],
    ["sampleRate", audio(new Float32Array(9), { sampleRate: 192_001 })],
    ["samples.length", audio(new Float32Array(9), { channels: 2 })],
    ["timestampUs", audio(new Float32Array(9), { timestampUs: -1 })],
  ])("refuse an input for its %s and go on with the next", async (field, input) => {
    const { factory, told } = spy();
    await expect(runNode(factory, {}, [input])).rejects.toMatchObject({
      code: "INVALID_DATA",
      message: expect.stringContaining(`audio.${field} must be`) as string,
    });
    expect(told).toEqual([]);
  });

  it("take every rate and up to eight channels", async () => {
    const { factory, blocks } = spy();
    const formats = [8_000, 11_025, 192_000].flatMap((sampleRate) =>
      [1, 3, 8].map((channels) => ({ sampleRate, channels })),
    );
    await runNode(
      factory,
      {},
      formats.map((format) => audio(new Float32Array(24), format)),
    );
    expect(blocks.map(({ frames }) => frames)).toEqual(formats.map(({ channels }) => 24 / channels));
  });

  it("pass on the envelope with what comes out, and a capture time in whole us where there is one", () => {
    const input = audio(new Float32Array(2), { peer: "a", sequence: 7, streamId: "mic" }) as never;
    const timed = soundAt({ input, startUs: 12.6, timed: true }, new Float32Array(1));
    expect(timed).toMatchObject({
      sequence: 7,
      metadata: { source_peer: "a" },
      data: { streamId: "mic", timestampUs: 13 },
    });
    const untimed = soundAt({ input, startUs: 12.6, timed: false }, new Float32Array(1));
    expect(untimed.data.timestampUs).toBeUndefined();
  });
});
