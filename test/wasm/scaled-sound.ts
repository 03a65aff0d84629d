// How well a stream survives time scaling: what it is run through and what is measured on it.
import type { ScaledBlock } from "../../src/wasm/time-scale.ts";

const BLOCK_MS = 20;

/** A stream before and after, with the places that belong together. */
export interface Scaled {
  readonly input: Float32Array;
  readonly output: Float32Array;
  readonly sampleRate: number;
  /** For every block of 20 ms: its first frame in the input and in the output. */
  readonly places: readonly (readonly [input: number, output: number])[];
  /** Lengths of the splices, ms. */
  readonly splicesMs: readonly number[];
  readonly changedMs: number;
  /** What was asked for in all, ms. */
  readonly askedMs: number;
  readonly largestDebtMs: number;
}

/**
 * Let a player run: every block adds `rateMs` to its debt, every change pays some of it.
 * @param input interleaved
 */
export function play(
  process: (samples: Float32Array, wantedMs: number) => ScaledBlock,
  input: Float32Array,
  { sampleRate, channels, rateMs }: { sampleRate: number; channels: number; rateMs: number },
): Scaled {
  const block = Math.round((sampleRate * BLOCK_MS) / 1000);
  const output: number[] = [];
  const places: [number, number][] = [];
  const splicesMs: number[] = [];
  let [debtMs, changedMs, askedMs, largestDebtMs] = [0, 0, 0, 0];
  for (let at = 0; (at + block) * channels <= input.length; at += block) {
    debtMs += rateMs;
    askedMs += rateMs;
    largestDebtMs = Math.max(largestDebtMs, Math.abs(debtMs));
    places.push([at, output.length / channels]);
    const made = process(input.subarray(at * channels, (at + block) * channels), debtMs);
    for (const value of made.samples) output.push(value);
    debtMs -= made.changedMs;
    changedMs += made.changedMs;
    if (made.changedSamples !== 0) splicesMs.push(Math.abs(made.changedMs));
  }
  return {
    input: input.slice(0, places.length * block * channels),
    output: Float32Array.from(output),
    sampleRate,
    places,
    splicesMs,
    changedMs,
    askedMs,
    largestDebtMs,
  };
}

/** Power of every block of 20 ms, dB, in a signal of one channel. */
function levels(signal: Float32Array, starts: readonly number[], block: number): number[] {
  return starts.map((start) => 10 * Math.log10(power(signal.subarray(start, start + block)) + 1e-9));
}

function power(samples: Float32Array): number {
  return samples.reduce((sum, value) => sum + value * value, 0) / Math.max(1, samples.length);
}

/**
 * How far, in dB, output blocks lie outside the range of the input around the same place: a hole is negative, a bump
 * positive. A pause may be shorter than a block and be stretched to fill one, so the range goes down to quarter blocks.
 */
export function levelErrors({ input, output, sampleRate, places }: Scaled): { hole: number; bump: number } {
  const block = (sampleRate * BLOCK_MS) / 1000;
  const starts = places.map(([at]) => at);
  const before = levels(input, starts, block);
  const quarters = [0, 1, 2, 3].map((n) => {
    const shifted = starts.map((at) => at + (n * block) / 4);
    return levels(input, shifted, block / 4);
  });
  const after = levels(
    output,
    places.map(([, at]) => at),
    block,
  );
  const errors = after.slice(1, -1).map((level, i) => {
    const quietest = Math.min(...quarters.flatMap((quarter) => quarter.slice(i, i + 3)));
    const loudest = Math.max(...before.slice(i, i + 3));
    return level - Math.min(Math.max(level, quietest), loudest);
  });
  return { hole: Math.min(...errors), bump: Math.max(...errors) };
}

/**
 * The loudest click: by how much, in dB, the sharpest bend (second difference) of an output block stands out over the
 * sharpest of the input blocks around the same place.
 */
export function sharpestClick({ input, output, sampleRate, places }: Scaled): number {
  const block = (sampleRate * BLOCK_MS) / 1000;
  const bend = (signal: Float32Array, start: number): number => {
    let worst = 1e-4;
    for (let i = Math.max(1, start); i < Math.min(signal.length - 1, start + block); i++) {
      const value = 2 * (signal[i] as number) - (signal[i - 1] as number) - (signal[i + 1] as number);
      worst = Math.max(worst, Math.abs(value));
    }
    return worst;
  };
  let worst = -Infinity;
  for (let i = 1; i + 1 < places.length; i++) {
    const around = [i - 1, i, i + 1].map((n) => bend(input, (places[n] as readonly [number, number])[0]));
    const here = bend(output, (places[i] as readonly [number, number])[1]);
    worst = Math.max(worst, 20 * Math.log10(here / Math.max(...around)));
  }
  return worst;
}

const BANDS_HZ = [100, 300, 510, 770, 1080, 1480, 2000, 2700, 3400];

/** Mean log-spectral distance of output and input frames at the same places, in bands of hearing, dB. */
export function spectralDistance({ input, output, sampleRate, places }: Scaled): number {
  const frame = (sampleRate * BLOCK_MS) / 1000;
  let [sum, count] = [0, 0];
  // Every third place is enough and takes a third of the time.
  for (let i = 1; i + 2 < places.length; i += 3) {
    const [from, to] = places[i] as readonly [number, number];
    const before = bands(input.subarray(from, from + frame), sampleRate);
    if (Math.max(...before) < 1e-4) continue;
    const after = bands(output.subarray(to, to + frame), sampleRate);
    const squares = before.map((value, band) => {
      const difference = 10 * Math.log10((value + 1e-7) / ((after[band] as number) + 1e-7));
      return difference * difference;
    });
    sum += Math.sqrt(squares.reduce((total, value) => total + value, 0) / squares.length);
    count++;
  }
  return sum / count;
}

/** Energy in bands about a critical band wide, by a windowed transform at steps of 50 Hz. */
function bands(frame: Float32Array, sampleRate: number): number[] {
  const windowed = frame.map(
    (value, i) => value * (0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / frame.length)),
  );
  const energies: number[] = [];
  for (let band = 0; band + 1 < BANDS_HZ.length; band++) {
    let energy = 0;
    for (let hz = BANDS_HZ[band] as number; hz < (BANDS_HZ[band + 1] as number); hz += 50) {
      energy += binPower(windowed, (2 * Math.PI * hz) / sampleRate);
    }
    energies.push(energy);
  }
  return energies;
}

/** Goertzel's algorithm. */
function binPower(samples: Float32Array, omega: number): number {
  const coefficient = 2 * Math.cos(omega);
  let [s1, s2] = [0, 0];
  for (let i = 0; i < samples.length; i++) {
    const s0 = (samples[i] as number) + coefficient * s1 - s2;
    s2 = s1;
    s1 = s0;
  }
  return ((s1 * s1 + s2 * s2 - coefficient * s1 * s2) * 4) / (samples.length * samples.length);
}

/** Pitch around a place by the highest peak of the autocorrelation, Hz; undefined where there is none to speak of. */
export function pitchAt(signal: Float32Array, start: number, sampleRate: number): number | undefined {
  const length = Math.round(sampleRate * 0.03);
  const [least, most] = [Math.round(sampleRate / 300), Math.round(sampleRate / 80)];
  if (start < 0 || start + length + most + 1 > signal.length) return undefined;
  const similarity = (lag: number, stride: number): number => {
    let [xy, xx, yy] = [0, 1e-9, 1e-9];
    for (let i = start; i < start + length; i += stride) {
      const [x, y] = [signal[i] as number, signal[i + lag] as number];
      xy += x * y;
      xx += x * x;
      yy += y * y;
    }
    return xy / Math.sqrt(xx * yy);
  };
  // Coarsely first: at 48 kHz neighboring samples and lags say nearly the same.
  const coarse = Math.max(1, Math.round(sampleRate / 12_000));
  let best = { lag: 0, value: 0.9 };
  for (let lag = least; lag <= most; lag += coarse) {
    const value = similarity(lag, coarse);
    // A later peak must be clearly better, or every second period would win now and then.
    if (value > best.value + (lag > 1.5 * best.lag ? 0.03 : 0)) best = { lag, value };
  }
  if (best.lag === 0) return undefined;
  const around = Array.from({ length: 2 * coarse + 1 }, (_, i) => best.lag - coarse + i);
  const values = around.map((lag) => similarity(lag, 1));
  const peak = values.indexOf(Math.max(...values.slice(1, -1)), 1);
  const [left, middle, right] = [values[peak - 1], values[peak], values[peak + 1]] as [
    number,
    number,
    number,
  ];
  return sampleRate / ((around[peak] as number) + (0.5 * (left - right)) / (left - 2 * middle + right));
}
