// The search of time scaling in plain JavaScript, as fast as one can reasonably write it: the kernel's baseline.

/** Normalized correlation's best candidate among `count`, `stride` samples apart; see the kernel `findSimilar`. */
export function plainFindSimilar(
  signal: Float32Array,
  reference: number,
  candidate: number,
  stride: number,
  count: number,
  samples: number,
): number {
  let referenceEnergy = 0;
  for (let i = 0; i < samples; i++) {
    const x = signal[reference + i] as number;
    referenceEnergy += x * x;
  }
  let best = -1;
  let bestCorrelation = -2;
  for (let n = 0; n < count; n++) {
    const at = candidate + n * stride;
    // Two sums each, so that no addition waits for the one before.
    let xy0 = 0;
    let xy1 = 0;
    let yy0 = 0;
    let yy1 = 0;
    for (let i = 0; i < samples; i += 2) {
      const y0 = signal[at + i] as number;
      const y1 = signal[at + i + 1] as number;
      xy0 += (signal[reference + i] as number) * y0;
      xy1 += (signal[reference + i + 1] as number) * y1;
      yy0 += y0 * y0;
      yy1 += y1 * y1;
    }
    const correlation = (xy0 + xy1) / Math.sqrt(referenceEnergy * (yy0 + yy1) + 1e-20);
    if (correlation >= bestCorrelation) {
      best = n;
      bestCorrelation = correlation;
    }
  }
  return best;
}
