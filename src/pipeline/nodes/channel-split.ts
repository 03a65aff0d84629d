// The node that makes a stream of every channel. Pure.
import type { NodeFactory } from "../node.ts";
import { AudioStreams, soundAt } from "./audio-streams.ts";
import type { AudioBlock } from "./audio-streams.ts";

/** Parameters of `ChannelSplit`: none. */
export type ChannelSplitParams = Record<string, never>;

/**
 * Sound in, for every block as many mono blocks out as it has channels. Their stream ids are `ch0`, `ch1` and so on;
 * channels of a stream with an id of its own, say `mic`, are `mic-ch0`, `mic-ch1`, so that they stay apart.
 */
export const channelSplitNode: NodeFactory<ChannelSplitParams> = {
  type: "ChannelSplit",
  description:
    "Makes a mono stream of every channel, with the stream ids ch0, ch1 and so on, or mic-ch0 for a stream mic.",
  schema: { type: "object", properties: {} },
  accepts: ["audio"],
  emits: ["audio"],
  create: () =>
    new AudioStreams({
      open: ({ channels }) => ({
        process: (block, emit) => {
          for (let channel = 0; channel < channels; channel++) {
            const streamId = `${prefixOf(block)}ch${channel}`;
            void emit(soundAt(block, channelOf(block, channel), { channels: 1, streamId }));
          }
        },
      }),
    }),
};

function prefixOf({ input }: AudioBlock): string {
  const { streamId = "default" } = input.data;
  return streamId === "default" ? "" : `${streamId}-`;
}

function channelOf({ input, frames }: AudioBlock, channel: number): Float32Array {
  const { samples, channels } = input.data;
  if (channels === 1) return samples;
  const out = new Float32Array(frames);
  for (let i = 0; i < frames; i++) out[i] = samples[i * channels + channel] as number;
  return out;
}
