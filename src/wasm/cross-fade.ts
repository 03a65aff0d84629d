// A cross-fade that keeps the level, whether the two signals are alike or strangers.

/**
 * Write `target` = `leaving` fading into `coming` (interleaved, of equal length). The weights are a raised cosine; their
 * sum is normalized by what the two signals' correlation makes of their power: fully alike they add up as amplitudes,
 * strangers as powers.
 * @param correlation normalized, -1 to 1
 */
export function crossFade(
  leaving: Float32Array,
  coming: Float32Array,
  channels: number,
  correlation: number,
  target: Float32Array,
): void {
  const alike = Math.min(1, Math.max(0, correlation));
  const frames = target.length / channels;
  for (let frame = 0, i = 0; frame < frames; frame++) {
    const inward = 0.5 - 0.5 * Math.cos((Math.PI * (frame + 0.5)) / frames);
    const outward = 1 - inward;
    const gain = 1 / Math.sqrt(outward * outward + inward * inward + 2 * alike * outward * inward);
    for (let channel = 0; channel < channels; channel++, i++) {
      target[i] = gain * (outward * (leaving[i] as number) + inward * (coming[i] as number));
    }
  }
}
