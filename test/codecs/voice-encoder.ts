// The encoder most tests speak through.
import type { OpusEncoderOptions } from "../../src/codecs/opus.ts";

/** One voice in frames of 20 ms, with neither FEC nor DTX. */
export const VOICE = {
  sampleRate: 48_000,
  channels: 1,
  bitrateKbps: 32,
  complexity: 5,
  frameMs: 20,
  application: "voip",
  fec: false,
  dtx: false,
} as const satisfies OpusEncoderOptions;
