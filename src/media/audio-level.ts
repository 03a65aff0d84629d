// How loud a piece of sound is, in dB below full scale. Keeps nothing.

/** What is quieter counts as this, dBFS: the end of the scale of RFC 6464 section 3. */
export const SILENCE_DB = -127;

/** Level of a piece of sound. */
export interface AudioLevel {
  /** Root mean square, dBFS, -127 at least; 0 is a square wave at full scale, a sine has 3.01 less. */
  readonly rmsDb: number;
  /** Largest magnitude, dBFS, -127 at least. */
  readonly peakDb: number;
}

/** A mean square as a level in dB, -127 at least, also for what is no number. */
export function powerDb(power: number): number {
  const level = 10 * Math.log10(power);
  return level > SILENCE_DB ? level : SILENCE_DB;
}

/** Mean square of samples; 0 when there is none, or one is no number. */
export function powerOf(samples: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < samples.length; i++) sum += (samples[i] as number) * (samples[i] as number);
  const power = sum / samples.length;
  return Number.isFinite(power) ? power : 0;
}
