// Voices for a conference without people: each a hum of its own pitch that wanders and comes in syllables, so that one is
// easily told from another, and the same at every call.

const SAMPLE_RATE = 48_000;
/** Hz, of the first voice; the others follow in steps that share no harmonics. */
const PITCH = 170;
const STEP = 1.13;

/** A voice as a function: samples `from` to `from + count` at 48 kHz. */
export function voice(index) {
  const pitch = PITCH * STEP ** index;
  const syllableHz = 2.3 + 0.37 * index;
  return (from, count) =>
    Float32Array.from({ length: count }, (_, i) => {
      const t = (from + i) / SAMPLE_RATE;
      const phase = 2 * Math.PI * (pitch * t + 1.5 * Math.sin(2 * Math.PI * (0.7 + 0.11 * index) * t));
      const loudness = 0.55 + 0.45 * Math.sin(2 * Math.PI * syllableHz * t + index);
      return (
        0.12 * loudness * (Math.sin(phase) + 0.6 * Math.sin(2 * phase + 1) + 0.4 * Math.sin(3 * phase + 2))
      );
    });
}

/**
 * How much of `sent` is in `heard`, at the delay at which it is most: 0 to 1.
 * @param heard at `rate` Hz, at least `maxDelayMs` longer than what is compared
 * @returns {{ correlation: number, delayMs: number }}
 */
export function correlate(sent, heard, rate, maxDelayMs) {
  const maxDelay = Math.round((maxDelayMs * rate) / 1000);
  const length = Math.min(sent.length, heard.length - maxDelay);
  const sentPower = power(sent, 0, length);
  let best = { correlation: 0, delayMs: 0 };
  for (let delay = 0; delay <= maxDelay; delay++) {
    let sum = 0;
    for (let i = 0; i < length; i++) sum += sent[i] * heard[delay + i];
    const correlation = Math.abs(sum) / Math.sqrt(sentPower * power(heard, delay, length) + 1e-12);
    if (correlation > best.correlation) best = { correlation, delayMs: (delay * 1000) / rate };
  }
  return best;
}

/** Every `step`th sample after a mean over as many: enough of a voice to know it again. */
export function thinned(samples, step) {
  return Float32Array.from({ length: Math.floor(samples.length / step) }, (_, i) => {
    let sum = 0;
    for (let k = 0; k < step; k++) sum += samples[i * step + k];
    return sum / step;
  });
}

function power(samples, from, length) {
  let sum = 0;
  for (let i = from; i < from + length; i++) sum += samples[i] ** 2;
  return sum;
}
