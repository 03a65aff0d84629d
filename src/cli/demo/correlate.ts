// Finds a stretch of one signal in another: normalized cross-correlation, by FFT over a wide range at 8 kHz
// and directly over a few lags at 48 kHz. Knows nothing of peers or clocks.

/** 48 kHz to 8 kHz: enough band to tell voices apart, a thirty-sixth of the work. */
export const DECIMATION = 6;
/** Taps of the low-pass before decimation, samples of input per output; 48 give 40 dB at 5 kHz, plenty. */
export const TAPS = 48;
const CUTOFF = 3_400 / 48_000;

const LOW_PASS = makeLowPass();

function makeLowPass(): Float64Array {
  const taps = new Float64Array(TAPS);
  let sum = 0;
  for (let i = 0; i < TAPS; i++) {
    const x = i - (TAPS - 1) / 2;
    const sinc = Math.sin(2 * Math.PI * CUTOFF * x) / (Math.PI * x);
    const window = 0.54 - 0.46 * Math.cos((2 * Math.PI * (i + 0.5)) / TAPS);
    taps[i] = sinc * window;
    sum += sinc * window;
  }
  return taps.map((tap) => tap / sum);
}

/** Low-pass and keep every sixth sample; output `k` stands for the input around `6 k + 23.5`. */
export function decimate(input: Float32Array): Float32Array {
  const length = Math.max(0, Math.floor((input.length - TAPS) / DECIMATION) + 1);
  const output = new Float32Array(length);
  for (let k = 0; k < length; k++) {
    let sum = 0;
    const start = k * DECIMATION;
    const mirror = start + TAPS - 1;
    // The filter is symmetric: half the multiplications.
    for (let i = 0; i < TAPS / 2; i++) {
      sum += (LOW_PASS[i] as number) * ((input[start + i] as number) + (input[mirror - i] as number));
    }
    output[k] = sum;
  }
  return output;
}

/** Sum of squares of `count` samples from `start`. */
export function energy(samples: Float32Array, start = 0, count = samples.length): number {
  let sum = 0;
  for (let i = start; i < start + count; i++) sum += (samples[i] as number) ** 2;
  return sum;
}

/** Where a needle fits best, and how well. */
export interface Match {
  /** Index in the haystack at which the needle starts. */
  offset: number;
  /** Normalized correlation there, -1 to 1; 0 when nothing was loud enough to compare. */
  correlation: number;
}

/**
 * Best match among the offsets `from..to`, both included and clamped to where the needle lies wholly inside.
 *
 * @param floor mean square below which a stretch of the haystack is silence and matches nothing
 * @param stride only every so many offsets are tried
 */
export function matchNear(
  needle: Float32Array,
  haystack: Float32Array,
  from: number,
  to: number,
  floor: number,
  stride = 1,
): Match {
  const first = Math.max(0, from);
  const last = Math.min(haystack.length - needle.length, to);
  const best: Match = { offset: first, correlation: 0 };
  const needleEnergy = energy(needle);
  if (last < first || needleEnergy <= floor * needle.length) return best;
  let stretchEnergy = energy(haystack, first, needle.length);
  for (let offset = first; offset <= last; offset++) {
    if ((offset - first) % stride === 0 && stretchEnergy > floor * needle.length) {
      const correlation = dot(needle, haystack, offset) / Math.sqrt(needleEnergy * stretchEnergy);
      if (correlation > best.correlation) {
        best.offset = offset;
        best.correlation = correlation;
      }
    }
    stretchEnergy += square(haystack[offset + needle.length]) - square(haystack[offset]);
  }
  return best;
}

/**
 * As {@link matchNear} over the whole haystack, in O(n log n). Of matches that are equally good within 2 % the
 * last wins: in a loop that repeats within the haystack that is the one sent most recently.
 */
export function matchAnywhere(needle: Float32Array, haystack: Float32Array, floor: number): Match {
  const needleEnergy = energy(needle);
  const last = haystack.length - needle.length;
  if (last < 0 || needleEnergy <= floor * needle.length) return { offset: 0, correlation: 0 };
  const correlations = crossCorrelate(needle, haystack);
  let stretchEnergy = energy(haystack, 0, needle.length);
  let highest = 0;
  for (let offset = 0; offset <= last; offset++) {
    const loud = stretchEnergy > floor * needle.length;
    const scale = loud ? 1 / Math.sqrt(needleEnergy * stretchEnergy) : 0;
    const correlation = (correlations[offset] as number) * scale;
    correlations[offset] = correlation;
    if (correlation > highest) highest = correlation;
    stretchEnergy += square(haystack[offset + needle.length]) - square(haystack[offset]);
  }
  let offset = last;
  while (offset > 0 && (correlations[offset] as number) < 0.98 * highest) offset--;
  while (offset > 0 && (correlations[offset - 1] as number) > (correlations[offset] as number)) offset--;
  return { offset, correlation: Math.max(0, correlations[offset] as number) };
}

function square(value: number | undefined): number {
  return value === undefined ? 0 : value * value;
}

function dot(needle: Float32Array, haystack: Float32Array, offset: number): number {
  let even = 0;
  let odd = 0;
  const pairs = needle.length & ~1;
  for (let i = 0; i < pairs; i += 2) {
    even += (needle[i] as number) * (haystack[offset + i] as number);
    odd += (needle[i + 1] as number) * (haystack[offset + i + 1] as number);
  }
  if (pairs < needle.length) even += (needle[pairs] as number) * (haystack[offset + pairs] as number);
  return even + odd;
}

/** Dot products of the needle with the haystack at every offset where it lies inside. */
function crossCorrelate(needle: Float32Array, haystack: Float32Array): Float64Array {
  // The haystack alone sets the size: offsets that would wrap around are not read.
  let size = 1;
  while (size < haystack.length) size *= 2;
  const re = new Float64Array(size);
  const im = new Float64Array(size);
  re.set(needle);
  im.set(haystack);
  transform(re, im);
  // Both signals are real, so one transform of needle + i haystack holds both spectra:
  // N = (Z[k] + conj Z[-k]) / 2 and H = (Z[k] - conj Z[-k]) / 2i; wanted is conj(N) H.
  const outRe = new Float64Array(size);
  const outIm = new Float64Array(size);
  for (let k = 0; k < size; k++) {
    const mirror = (size - k) & (size - 1);
    const a = re[k] as number;
    const b = im[k] as number;
    const c = re[mirror] as number;
    const d = im[mirror] as number;
    const nRe = (a + c) / 2;
    const nIm = (b - d) / 2;
    const hRe = (b + d) / 2;
    const hIm = (c - a) / 2;
    outRe[k] = nRe * hRe + nIm * hIm;
    outIm[k] = nRe * hIm - nIm * hRe;
  }
  // The inverse transform is the forward one with real and imaginary parts exchanged.
  transform(outIm, outRe);
  for (let i = 0; i < size; i++) outRe[i] = (outRe[i] as number) / size;
  return outRe;
}

const twiddles = new Map<number, Float64Array>();

/** cos and -sin of 2 pi k / size, interleaved; two sizes are ever used, so the cache stays small. */
function twiddlesOf(size: number): Float64Array {
  const known = twiddles.get(size);
  if (known !== undefined) return known;
  const table = new Float64Array(size);
  for (let k = 0; k < size / 2; k++) {
    table[2 * k] = Math.cos((2 * Math.PI * k) / size);
    table[2 * k + 1] = -Math.sin((2 * Math.PI * k) / size);
  }
  twiddles.set(size, table);
  return table;
}

/** In-place radix-2 FFT; the length is a power of two. */
function transform(re: Float64Array, im: Float64Array): void {
  const size = re.length;
  for (let i = 1, j = 0; i < size; i++) {
    let bit = size >> 1;
    for (; (j & bit) !== 0; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      swap(re, i, j);
      swap(im, i, j);
    }
  }
  const table = twiddlesOf(size);
  for (let span = 2; span <= size; span *= 2) {
    const half = span / 2;
    const stride = size / span;
    for (let start = 0; start < size; start += span) {
      for (let k = 0; k < half; k++) {
        const wRe = table[2 * k * stride] as number;
        const wIm = table[2 * k * stride + 1] as number;
        const low = start + k;
        const high = low + half;
        const xRe = (re[high] as number) * wRe - (im[high] as number) * wIm;
        const xIm = (re[high] as number) * wIm + (im[high] as number) * wRe;
        re[high] = (re[low] as number) - xRe;
        im[high] = (im[low] as number) - xIm;
        re[low] = (re[low] as number) + xRe;
        im[low] = (im[low] as number) + xIm;
      }
    }
  }
}

function swap(values: Float64Array, i: number, j: number): void {
  const kept = values[i] as number;
  values[i] = values[j] as number;
  values[j] = kept;
}
