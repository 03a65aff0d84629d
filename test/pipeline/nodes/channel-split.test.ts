import { describe, expect, it } from "vitest";
import { channelSplitNode } from "../../../src/pipeline/nodes/channel-split.ts";
import { audio, runNode, sounds } from "./run-node.ts";

describe("ChannelSplit", () => {
  it("makes a mono stream of every channel", async () => {
    const samples = Float32Array.of(1, 10, 100, 2, 20, 200).map((value) => value / 256);
    const input = audio(samples, { channels: 3, timestampUs: 5, peer: "a", sequence: 4 });
    const outputs = await runNode(channelSplitNode, {}, [input]);
    expect(sounds(outputs)).toEqual(
      [1, 10, 100].map((value, i) => ({
        type: "audio",
        samples: Float32Array.of(value / 256, value / 128),
        sampleRate: 48_000,
        channels: 1,
        streamId: `ch${i}`,
        timestampUs: 5,
      })),
    );
    for (const { metadata, sequence } of outputs) expect([metadata.source_peer, sequence]).toEqual(["a", 4]);
  });

  it("splits up to eight channels, and passes mono", async () => {
    const eight = sounds(await runNode(channelSplitNode, {}, [audio(new Float32Array(80), { channels: 8 })]));
    expect(eight.map(({ streamId }) => streamId)).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((i) => `ch${i}`));
    expect(eight.every(({ samples }) => samples.length === 10)).toBe(true);
    const [mono] = sounds(await runNode(channelSplitNode, {}, [audio(Float32Array.of(0.5))]));
    expect(mono).toMatchObject({ streamId: "ch0", samples: Float32Array.of(0.5) });
  });

  it("keeps the channels of several streams of a peer apart", async () => {
    const streamIds = async (streamId: string): Promise<unknown> => {
      const input = audio(new Float32Array(4), { channels: 2, streamId });
      return sounds(await runNode(channelSplitNode, {}, [input])).map((data) => data.streamId);
    };
    expect(await streamIds("default")).toEqual(["ch0", "ch1"]);
    expect(await streamIds("mic")).toEqual(["mic-ch0", "mic-ch1"]);
  });
});
