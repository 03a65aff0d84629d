// The filter of the drift resampler: a polyphase windowed sinc of 16 taps, made once per realm.
import { PCM_PHASES, PCM_TAPS, PCM_TAPS_BEFORE } from "./generated/layout.ts";
import { kaiser, sinc } from "./windowed-sinc.ts";

/** Rows of the table; the last is a guard: the first row, one sample on. */
const ROWS = PCM_PHASES + 1;

/** Bytes of the table in memory; a multiple of 64. */
export const SINC_TABLE_BYTES = ROWS * PCM_TAPS * Float32Array.BYTES_PER_ELEMENT;

/**
 * Kaiser window shape: 16 taps reach about 85 dB from 8.6 kHz above the tone's mirror image at 48 kHz, which is to say
 * for tones up to 15 kHz. A larger one would dull the highest tones, a smaller one would let images of low ones through.
 */
const KAISER_BETA = 8.5;

let table: Float32Array | undefined;

/** `PCM_PHASES + 1` rows of `PCM_TAPS`; not to be written to. */
export function sincTable(): Float32Array {
  table ??= makeTable();
  return table;
}

function makeTable(): Float32Array {
  const made = new Float32Array(ROWS * PCM_TAPS);
  for (let row = 0; row < ROWS; row++) {
    const taps = Array.from({ length: PCM_TAPS }, (_, tap) => {
      const distance = tap - PCM_TAPS_BEFORE - row / PCM_PHASES;
      return sinc(distance) * kaiser(distance / (PCM_TAPS / 2), KAISER_BETA);
    });
    // A gain of exactly one at zero frequency in every row, else a constant input would ripple.
    const sum = taps.reduce((total, value) => total + value, 0);
    taps.forEach((value, tap) => (made[row * PCM_TAPS + tap] = value / sum));
  }
  return made;
}
