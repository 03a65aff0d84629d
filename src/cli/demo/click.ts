// Clicks at the same true instants, once a second, over a voice turned down: whoever lays recordings of several peers
// beside each other sees how well they are aligned. Pure.
import { SAMPLE_RATE } from "./voice.ts";

/** Samples of true time between clicks; the first is at the beginning of the run. */
export const CLICK_INTERVAL = SAMPLE_RATE;

/** A burst of 2 kHz under a Gaussian: sharp to the eye, and within the band that every codec carries. */
const CLICK_HZ = 2_000;
const CLICK_WIDTH = 0.00075 * SAMPLE_RATE;
/** Beyond this many samples from its middle a click is below 16-bit resolution. */
const CLICK_REACH = Math.ceil(3.3 * CLICK_WIDTH);
const CLICK_LEVEL = 0.6;
/** Enough voice to be recognized by, little enough for clicks to stand out. */
const VOICE_LEVEL = 0.3;

/**
 * Turn a voice down and add the clicks, in place.
 *
 * @param samples mono
 * @param start true time of the first sample, in 48 kHz samples since the run began; may lie between two
 * @param step true time between two samples, in the same unit
 */
export function addClicks(samples: Float32Array, start: number, step: number): void {
  for (let i = 0; i < samples.length; i++) (samples[i] as number) *= VOICE_LEVEL;
  const last = start + (samples.length - 1) * step;
  const firstClick = Math.ceil((start - CLICK_REACH) / CLICK_INTERVAL) * CLICK_INTERVAL;
  for (let middle = firstClick; middle <= last + CLICK_REACH; middle += CLICK_INTERVAL) {
    const from = Math.max(0, Math.ceil((middle - CLICK_REACH - start) / step));
    const to = Math.min(samples.length - 1, Math.floor((middle + CLICK_REACH - start) / step));
    for (let i = from; i <= to; i++) (samples[i] as number) += click(start + i * step - middle);
  }
}

function click(distance: number): number {
  const tone = Math.cos((2 * Math.PI * CLICK_HZ * distance) / SAMPLE_RATE);
  return CLICK_LEVEL * tone * Math.exp(-((distance / CLICK_WIDTH) ** 2));
}
