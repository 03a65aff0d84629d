// The end of sound that is broken off: a ramp instead of a click. Pure.

/**
 * Fade frames out, in place: a raised cosine over the first `ticks` samples of them all, silence behind it.
 *
 * @param frames interleaved, one behind the other
 * @param ticks samples per channel
 */
export function fadeOut(
  frames: readonly { readonly samples: Float32Array }[],
  channels: number,
  ticks: number,
): void {
  let index = 0;
  for (const { samples } of frames) {
    for (let i = 0; i < samples.length; i += channels) {
      // The first sample keeps almost all of its height, the last one almost none.
      const gain = index < ticks ? 0.5 + 0.5 * Math.cos((Math.PI * (index + 0.5)) / ticks) : 0;
      for (let channel = 0; channel < channels; channel++)
        samples[i + channel] = (samples[i + channel] ?? 0) * gain;
      index++;
    }
  }
}
