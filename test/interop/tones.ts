// Tones and how loud they come out, for stories that must tell speakers apart. Runs in Node and in pages.

const SAMPLE_RATE = 48_000;
const BLOCK_SAMPLES = 960;

/** Block `index` (20 ms at 48 kHz, amplitude 0.3) of an endless tone. */
export function tone(hz: number, index: number): Float32Array {
  return Float32Array.from(
    { length: BLOCK_SAMPLES },
    (_, i) => 0.3 * Math.sin((2 * Math.PI * hz * (index * BLOCK_SAMPLES + i)) / SAMPLE_RATE),
  );
}

/** Power of each frequency in `samples` by the Goertzel sum; a tone of amplitude a has a^2 / 2. */
export function powerAt(samples: Float32Array, frequencies: readonly number[]): Record<number, number> {
  const power: Record<number, number> = {};
  for (const hz of frequencies) {
    let re = 0;
    let im = 0;
    for (const [i, sample] of samples.entries()) {
      // The window keeps a loud tone out of the other's place.
      const weight = sample * (1 - Math.cos((2 * Math.PI * (i + 0.5)) / samples.length));
      re += weight * Math.cos((2 * Math.PI * hz * i) / SAMPLE_RATE);
      im += weight * Math.sin((2 * Math.PI * hz * i) / SAMPLE_RATE);
    }
    power[hz] = (2 * (re * re + im * im)) / samples.length ** 2;
  }
  return power;
}
