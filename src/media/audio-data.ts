// What may be handed in as audio: to peers by a program, to the nodes of a pipeline by anybody. Checks only.
import { TransportError } from "../errors/errors.ts";
import type { AudioData } from "../runtime/data.ts";

/** Channels of the sound that nodes take; peers are sent mono or stereo. */
export const MAX_CHANNELS = 8;

const MIN_SAMPLE_RATE = 8_000;
const MAX_SAMPLE_RATE = 192_000;

/** Audio data that has been checked: mono or stereo. */
export type CheckedAudioData = AudioData & { channels: 1 | 2 };

/**
 * Refuse audio that cannot be sent.
 *
 * @throws TransportError `INVALID_DATA` naming the field and what was expected of it
 */
export function checkAudioData(data: AudioData): asserts data is CheckedAudioData {
  const { samples, channels } = data;
  if (!(samples instanceof Float32Array)) refuse("samples", "a Float32Array", typeof samples);
  if (channels !== 1 && channels !== 2) refuse("channels", "1 or 2", channels);
  checkSound(data);
}

/**
 * Refuse audio that is none, of up to eight channels.
 *
 * @throws TransportError `INVALID_DATA` naming the field and what was expected of it
 */
export function checkSound({ samples, sampleRate, channels, timestampUs }: AudioData): void {
  if (!(samples instanceof Float32Array)) refuse("samples", "a Float32Array", typeof samples);
  if (!Number.isInteger(channels) || channels < 1 || channels > MAX_CHANNELS) {
    refuse("channels", `1 to ${MAX_CHANNELS}`, channels);
  }
  if (!Number.isInteger(sampleRate) || sampleRate < MIN_SAMPLE_RATE || sampleRate > MAX_SAMPLE_RATE) {
    refuse("sampleRate", `a whole number of Hz from ${MIN_SAMPLE_RATE} to ${MAX_SAMPLE_RATE}`, sampleRate);
  }
  if (samples.length % channels !== 0) {
    refuse("samples.length", `a multiple of channels (${channels})`, samples.length);
  }
  if (timestampUs !== undefined && !(Number.isSafeInteger(Math.round(timestampUs)) && timestampUs >= 0)) {
    refuse("timestampUs", "Unix microseconds of the first sample", timestampUs);
  }
  const bad = firstNotFinite(samples);
  if (bad >= 0) refuse(`samples[${bad}]`, "a finite number", samples[bad]);
}

/** Index of the first sample that is not finite; -1 when all are. */
function firstNotFinite(samples: Float32Array): number {
  // A callback for each sample would cost more memory than the block itself. What is not finite less itself is NaN.
  for (let i = 0; i < samples.length; i++) {
    if ((samples[i] as number) - (samples[i] as number) !== 0) return i;
  }
  return -1;
}

function refuse(field: string, expected: string, value: unknown): never {
  throw new TransportError("INVALID_DATA", `audio.${field} must be ${expected}, not ${String(value)}`);
}
