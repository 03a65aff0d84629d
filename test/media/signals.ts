// Test signals and what to compare them by.

/**
 * A gliding, syllable-like voice: harmonics of a moving pitch under a moving envelope. A high one, since the
 * encoder's voice mode turns the phases below 200 Hz and so the shape that tests compare.
 */
export function voice(seconds: number, sampleRate: number, startSeconds = 0): Float32Array {
  const samples = new Float32Array(Math.round(seconds * sampleRate));
  for (let i = 0; i < samples.length; i++) {
    const t = startSeconds + i / sampleRate;
    // Integral of 400 + 60 sin(2 pi 0.7 t), so that the pitch glides without clicks.
    const phase = 400 * t - (60 / (2 * Math.PI * 0.7)) * Math.cos(2 * Math.PI * 0.7 * t);
    const envelope = 0.55 + 0.45 * Math.sin(2 * Math.PI * 3.1 * t);
    let value = 0;
    for (let harmonic = 1; harmonic <= 8; harmonic++) {
      value += Math.sin(2 * Math.PI * phase * harmonic) / harmonic ** 1.2;
    }
    samples[i] = 0.25 * envelope * value;
  }
  return samples;
}

/** A sine of amplitude 0.5. */
export function tone(hz: number, seconds: number, sampleRate: number): Float32Array {
  const samples = new Float32Array(Math.round(seconds * sampleRate));
  for (let i = 0; i < samples.length; i++) samples[i] = 0.5 * Math.sin((2 * Math.PI * hz * i) / sampleRate);
  return samples;
}

/** Normalized correlation of `b`, read `lag` samples later, with `a`: 1 for equal shapes. */
export function correlation(a: Float32Array, b: Float32Array, lag = 0): number {
  let ab = 0;
  let aa = 0;
  let bb = 0;
  const length = Math.min(a.length, b.length - lag);
  for (let i = 0; i < length; i++) {
    const x = a[i] ?? 0;
    const y = b[i + lag] ?? 0;
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa === 0 || bb === 0 ? 0 : ab / Math.sqrt(aa * bb);
}

/** The lag from `least` to `most` with the largest correlation. */
export function bestLag(
  a: Float32Array,
  b: Float32Array,
  least: number,
  most: number,
): { lag: number; value: number } {
  let best = { lag: least, value: -1 };
  for (let lag = least; lag <= most; lag++) {
    const value = correlation(a, b, lag);
    if (value > best.value) best = { lag, value };
  }
  return best;
}

/** Index of the first sample in which the two differ, over the length of `a`; -1 when there is none. */
export function firstDifference(a: Float32Array, b: Float32Array): number {
  return a.findIndex((value, i) => value !== b[i]);
}

/** Root mean square. */
export function rms(samples: Float32Array): number {
  return Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / Math.max(1, samples.length));
}

/** All blocks after one another. */
export function concat(blocks: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(blocks.reduce((sum, block) => sum + block.length, 0));
  let at = 0;
  for (const block of blocks) {
    out.set(block, at);
    at += block.length;
  }
  return out;
}
