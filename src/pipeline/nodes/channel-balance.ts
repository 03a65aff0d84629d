// The node that compares the channels of a stream. Pure.
import type { JsonObject } from "../../runtime/data.ts";
import type { Emit, NodeFactory } from "../node.ts";
import { AudioStreams, reportAt } from "./audio-streams.ts";
import type { AudioFormat, AudioStream } from "./audio-streams.ts";
import { LevelWindows, reportedDb } from "./level-windows.ts";

/** Parameters of `ChannelBalance`. */
export type ChannelBalanceParams = {
  imbalanceDb: number;
  silenceDb: number;
};

/** Long enough for a level to mean something, short enough to see a channel fail. */
const INTERVAL_MS = 100;

/**
 * Sound in, for every 100 ms of it `{imbalance_db, balanced, silent_channels, levels_db}` out, with the capture time of
 * its first sample: the rms of each channel in dBFS, the numbers from 0 of those that are silent, and how far the loudest
 * is above the softest, where a silent one counts as `silenceDb`. What is left at the end, at a gap in the capture times
 * or before another format makes a shorter last interval.
 */
export const channelBalanceNode: NodeFactory<ChannelBalanceParams> = {
  type: "ChannelBalance",
  description:
    "Compares the channels of a stream, every 100 ms: imbalance_db from the softest to the loudest, whether it is balanced, silent_channels, levels_db.",
  schema: {
    type: "object",
    properties: {
      imbalanceDb: {
        description: "Largest difference of levels that is balanced, dB.",
        type: "number",
        minimum: 0,
        maximum: 120,
        default: 10,
      },
      silenceDb: {
        description: "A channel with an rms below is silent, dBFS; its level counts as this.",
        type: "number",
        minimum: -120,
        maximum: 0,
        default: -60,
      },
    },
  },
  accepts: ["audio"],
  emits: ["json"],
  create: ({ params }) =>
    new AudioStreams({ open: (format) => balanceStream(format, params), flushAtGaps: true }),
};

function balanceStream(format: AudioFormat, params: ChannelBalanceParams): AudioStream {
  let send: Emit;
  const windows = new LevelWindows(format, INTERVAL_MS, ({ place, powers }) => {
    void send(reportAt(place, reportOf([...powers].map(reportedDb), params)));
  });
  return {
    process: (block, emit) => {
      send = emit;
      windows.push(block);
    },
    flush: (emit) => {
      send = emit;
      windows.flush();
    },
  };
}

function reportOf(levels: number[], { imbalanceDb, silenceDb }: ChannelBalanceParams): JsonObject {
  const counted = levels.map((level) => Math.max(level, silenceDb));
  const imbalance = Math.round((Math.max(...counted) - Math.min(...counted)) * 100) / 100;
  return {
    imbalance_db: imbalance,
    balanced: imbalance <= imbalanceDb,
    silent_channels: levels.flatMap((level, channel) => (level < silenceDb ? [channel] : [])),
    levels_db: levels,
  };
}
