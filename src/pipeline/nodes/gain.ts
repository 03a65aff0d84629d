// The node that makes sound louder or softer. Pure.
import type { NodeFactory } from "../node.ts";
import { AudioStreams, soundAt } from "./audio-streams.ts";
import type { AudioBlock, AudioFormat, AudioStream } from "./audio-streams.ts";

/** Parameters of `Gain`. */
export type GainParams = {
  gainDb: number;
  rampMs: number;
};

/**
 * Sound in, the same sound times a gain out, in the same blocks. A stream begins at 0 dB and gets to its gain linearly
 * within `rampMs`, so that a running pipeline may be given another gain without a click. Nothing is clipped: a
 * `Limiter` behind it does that well.
 */
export const gainNode: NodeFactory<GainParams> = {
  type: "Gain",
  description:
    "Makes sound louder or softer. What becomes larger than full scale is not clipped; put a Limiter behind it.",
  schema: {
    type: "object",
    properties: {
      gainDb: { description: "Gain, dB.", type: "number", minimum: -60, maximum: 24, default: 0 },
      rampMs: {
        description: "Time in which a stream gets from 0 dB to the gain when it begins, ms; 0: at once.",
        type: "number",
        minimum: 0,
        maximum: 10_000,
        default: 10,
      },
    },
  },
  accepts: ["audio"],
  emits: ["audio"],
  create: ({ params }) => new AudioStreams({ open: (format) => gainStream(format, params) }),
};

function gainStream({ sampleRate, channels }: AudioFormat, { gainDb, rampMs }: GainParams): AudioStream {
  const gain = 10 ** (gainDb / 20);
  const rampFrames = Math.round((rampMs * sampleRate) / 1000);
  let frame = 0;
  const process = (block: AudioBlock): Float32Array => {
    const { samples } = block.input.data;
    const out = new Float32Array(samples.length);
    let at = 0;
    for (; frame < rampFrames && at < samples.length; frame++) {
      const now = 1 + ((gain - 1) * (frame + 1)) / rampFrames;
      for (const end = at + channels; at < end; at++) out[at] = (samples[at] as number) * now;
    }
    for (; at < samples.length; at++) out[at] = (samples[at] as number) * gain;
    return out;
  };
  return { process: (block, emit) => void emit(gain === 1 ? block.input : soundAt(block, process(block))) };
}
