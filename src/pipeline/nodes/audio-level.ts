// The node that measures how loud sound is. Pure.
import type { JsonObject } from "../../runtime/data.ts";
import type { Emit, NodeFactory } from "../node.ts";
import { AudioStreams, reportAt } from "./audio-streams.ts";
import type { AudioFormat, AudioStream } from "./audio-streams.ts";
import { LevelWindows, reportedDb } from "./level-windows.ts";
import type { LevelWindow } from "./level-windows.ts";

/** Parameters of `AudioLevel`. */
export type AudioLevelParams = {
  lowDb: number;
  silenceDb: number;
  intervalMs: number;
};

/** Health of sound that is neither silent nor low, of low and of silent sound. */
const GOOD = 1;
const LOW = 0.5;
const SILENT = 0;
/** This share of samples at full scale leaves nothing of it. */
const RUINED_SHARE = 0.01;

/**
 * Sound in, for every `intervalMs` of it `{rms_db, peak_db, is_low_volume, is_silence, health}` out, with the capture
 * time of its first sample. Levels are in dBFS, -127 at least, over all channels: a sine at full scale has -3.01 rms. What
 * is left at the end, at a gap in the capture times or before another format makes a shorter last interval. `health`
 * is 1 for good sound, 0.5 for low, 0 for silent, times `1 - 100 x` the share of samples at full scale, 0 at least.
 */
export const audioLevelNode: NodeFactory<AudioLevelParams> = {
  type: "AudioLevel",
  description:
    "Measures sound: rms_db and peak_db, whether it is low or silent, and health from 0 to 1: 1 good, 0.5 low, 0 silent, less where samples are clipped, 0 from 1 % of them on.",
  schema: {
    type: "object",
    properties: {
      lowDb: {
        description: "Sound with an rms below is low, dBFS.",
        type: "number",
        minimum: -120,
        maximum: 0,
        default: -20,
      },
      silenceDb: {
        description: "Sound with an rms below is silent, and low as well, dBFS.",
        type: "number",
        minimum: -120,
        maximum: 0,
        default: -60,
      },
      intervalMs: {
        description: "Time that one report is about, ms.",
        type: "number",
        minimum: 10,
        maximum: 60_000,
        default: 100,
      },
    },
  },
  accepts: ["audio"],
  emits: ["json"],
  check: ({ lowDb, silenceDb }) => (silenceDb > lowDb ? { silenceDb: "no more than low_db" } : {}),
  create: ({ params }) =>
    new AudioStreams({ open: (format) => levelStream(format, params), flushAtGaps: true }),
};

function levelStream(format: AudioFormat, params: AudioLevelParams): AudioStream {
  let send: Emit;
  const windows = new LevelWindows(format, params.intervalMs, (window) => {
    void send(reportAt(window.place, reportOf(window, format.channels, params)));
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

function reportOf(window: LevelWindow, channels: number, params: AudioLevelParams): JsonObject {
  const rmsDb = reportedDb(window.power);
  const isLow = rmsDb < params.lowDb;
  const isSilent = rmsDb < params.silenceDb;
  const health = isSilent ? SILENT : isLow ? LOW : GOOD;
  const clippedShare = window.clipped / (window.frames * channels);
  return {
    rms_db: rmsDb,
    peak_db: reportedDb(window.peak ** 2),
    is_low_volume: isLow,
    is_silence: isSilent,
    health: health * Math.max(0, 1 - clippedShare / RUINED_SHARE),
  };
}
