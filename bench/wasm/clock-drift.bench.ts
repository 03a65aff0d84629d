// Drift of a sender's clock, found from arrivals: error in ppm against least squares over all packets and libwebrtc's
// TimestampExtrapolator on the same packets, harm done by what is applied, and the time of an estimate.
import { twin } from "virtual:kernel-twin";
import { bind } from "../../assembly/memory.portable.ts";
import { DriftCorrection } from "../../src/sync/drift-correction.ts";
import { Arena } from "../../src/wasm/arena.ts";
import { ClockDriftEstimator } from "../../src/wasm/clock-drift.ts";
import type { KernelExports } from "../../src/wasm/generated/kernels.ts";
import type { Bench, BenchCase, Contender, Figure } from "../bench.ts";
import { CLOCK_RATE, DRIFT_PATHS, driftTraffic } from "../models/drift-traffic.ts";
import type { DriftPacket, DriftPath, SenderClock } from "../models/drift-traffic.ts";
import { LeastSquares } from "../models/least-squares.ts";
import { TimestampExtrapolator } from "../models/timestamp-extrapolator.ts";

const TICKS_PER_MS = CLOCK_RATE / 1000;
const SEEDS = 40;
const TRUE_PPM = 37;
const HORIZONS_S = [10, 30, 60, 300];
const OTHER_PPM = [-10, 200, -200, 500, -500];
const OTHER_SEEDS = 10;
const OTHER_HORIZONS_S = [10, 30, 60];
/** A jitter buffer asks for the drift about so often. */
const ASK_MS = 1000;
/** A packet later, so that the last horizon is reached. */
const SPARE_MS = 1000;
const HEAVY_JITTER: DriftPath = { name: "20 ms jitter", link: { delayMs: 20, jitter: { meanMs: 20 } } };

/** Goals by path and horizon, ppm rms. */
const GOALS: Readonly<Record<string, number>> = { "wifi 30 s": 10, "wifi 60 s": 4 };

interface Reading {
  readonly seconds: number;
  readonly oursPpm: number;
  readonly appliedPpm: number;
  readonly leastSquaresPpm: number;
  readonly extrapolatorPpm: number;
}

/** What everybody says of one run at each full second. */
function listen(packets: readonly DriftPacket[]): Reading[] {
  const estimator = new ClockDriftEstimator("sender", { clockRate: CLOCK_RATE });
  const correction = new DriftCorrection();
  const leastSquares = new LeastSquares();
  const extrapolator = new TimestampExtrapolator();
  const readings: Reading[] = [];
  let ticks = 0;
  let lastTimestamp = packets[0]?.rtpTimestamp ?? 0;
  const startMs = packets[0]?.arrivalMs ?? 0;
  for (const { rtpTimestamp, arrivalMs } of packets) {
    estimator.addObservation(rtpTimestamp, null, arrivalMs);
    ticks += (rtpTimestamp - lastTimestamp) | 0;
    lastTimestamp = rtpTimestamp;
    const mediaMs = ticks / TICKS_PER_MS;
    leastSquares.add(mediaMs, arrivalMs - startMs - mediaMs);
    extrapolator.add(mediaMs, arrivalMs - startMs);
    if (arrivalMs < (readings.length + 1) * ASK_MS) continue;
    const estimate = estimator.estimateDrift();
    correction.update(estimate, arrivalMs);
    readings.push({
      seconds: readings.length + 1,
      oursPpm: estimate?.driftPpm ?? 0,
      appliedPpm: (correction.ratioAt(arrivalMs) - 1) * 1e6,
      leastSquaresPpm: leastSquares.driftPpm,
      extrapolatorPpm: extrapolator.driftPpm,
    });
  }
  estimator.close();
  return readings;
}

interface Run {
  readonly path: string;
  readonly ppm: number;
  readonly horizonsS: readonly number[];
  readonly readings: readonly Reading[];
}

function runsOf(path: DriftPath, ppm: number, seeds: number, horizonsS: readonly number[]): Run[] {
  const durationMs = (horizonsS.at(-1) ?? 0) * 1000 + SPARE_MS;
  return Array.from({ length: seeds }, (_, seed) => ({
    path: path.name,
    ppm,
    horizonsS,
    readings: listen(driftTraffic(path, { ppm }, durationMs, seed)),
  }));
}

function figures(): Figure[] {
  const main = DRIFT_PATHS.flatMap((path) => runsOf(path, TRUE_PPM, SEEDS, HORIZONS_S));
  const others = DRIFT_PATHS.flatMap((path) =>
    OTHER_PPM.flatMap((ppm) => runsOf(path, ppm, OTHER_SEEDS, OTHER_HORIZONS_S)),
  );
  const mainErrors = DRIFT_PATHS.flatMap(({ name }) => {
    const runs = main.filter(({ path }) => path === name);
    return HORIZONS_S.map((seconds) => errorFigure(`${name} ${seconds} s`, runs, seconds));
  });
  const route = main.filter(({ path }) => path.startsWith("route"));
  const afterStep = { ...errorFigure("60 s after a route step of 15 ms", route, 72), goal: { atMost: 5 } };
  const otherErrors = DRIFT_PATHS.map(({ name }) => {
    const runs = others.filter(({ path }) => path === name);
    return errorFigure(`${name} 60 s, drifts from -500 to 500`, runs, 60);
  });
  return [
    ...mainErrors,
    afterStep,
    ...otherErrors,
    ...harm([...main, ...others]),
    ...heavyJitter(),
    ...rateStep(),
  ];
}

function errorFigure(name: string, runs: readonly Run[], seconds: number): Figure {
  const rms = (says: (reading: Reading) => number): number => {
    const squares = runs.map(({ ppm, readings }) => (says(at(readings, seconds)) - ppm) ** 2);
    return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / runs.length);
  };
  const goal = GOALS[name];
  return {
    name,
    unit: "ppm rms",
    ours: rms(({ oursPpm }) => oursPpm),
    baselines: [
      { name: "least squares", value: rms(({ leastSquaresPpm }) => leastSquaresPpm) },
      { name: "TimestampExtrapolator", value: rms(({ extrapolatorPpm }) => extrapolatorPpm) },
      { name: "nothing", value: rms(() => 0) },
    ],
    ...(goal === undefined ? {} : { goal: { atMost: goal } }),
  };
}

function at(readings: readonly Reading[], seconds: number): Reading {
  const reading = readings[seconds - 1];
  if (reading === undefined) throw new Error(`no reading at ${seconds} s`);
  return reading;
}

/** How often, and by how much, what is applied is further off than no correction. */
function harm(runs: readonly Run[]): Figure[] {
  const judged = runs.flatMap(({ ppm, horizonsS, readings }) =>
    horizonsS.map((seconds) => ({ ppm, reading: at(readings, seconds) })),
  );
  const all = runs.flatMap(({ ppm, readings }) => readings.map((reading) => ({ ppm, reading })));
  type Says = (reading: Reading) => number;
  const excess = (says: Says, from: typeof judged): number[] =>
    from.map(({ ppm, reading }) => Math.abs(says(reading) - ppm) - Math.abs(ppm));
  const share = (says: Says, from: typeof judged): number =>
    (100 * excess(says, from).filter((ppm) => ppm > 1e-6).length) / from.length;
  const worst = (says: Says, from: typeof judged): number =>
    excess(says, from).reduce((most, ppm) => Math.max(most, ppm), 0);
  const figure = (
    name: string,
    unit: string,
    measure: typeof share,
    from: typeof judged,
    goal?: number,
  ): Figure => ({
    name,
    unit,
    ours: measure(({ appliedPpm }) => appliedPpm, from),
    baselines: [
      {
        name: "least squares applied at once",
        value: measure(({ leastSquaresPpm }) => leastSquaresPpm, from),
      },
    ],
    ...(goal === undefined ? {} : { goal: { atMost: goal } }),
  });
  return [
    figure("applied, worse than none", "% of runs and horizons", share, judged, 2),
    figure("applied, worse than none by", "ppm at most", worst, judged, 20),
    figure("applied, worse than none at any second", "% of seconds", share, all, 2),
    figure("applied, worse than none at any second by", "ppm at most", worst, all),
  ];
}

function heavyJitter(): Figure[] {
  return [500, -500].map((ppm) => ({
    ...errorFigure(`20 ms jitter 60 s, ${ppm} ppm`, runsOf(HEAVY_JITTER, ppm, OTHER_SEEDS, [60]), 60),
    goal: { atMost: 5 },
  }));
}

/** After five minutes of +37 ppm the clock changes by 100 ppm; nobody is told. */
function rateStep(): Figure[] {
  const clock: SenderClock = { ppm: TRUE_PPM, step: { atMs: 300_000, ppm: TRUE_PPM + 100 } };
  return DRIFT_PATHS.slice(0, 2).map((path) => {
    const runs = Array.from({ length: OTHER_SEEDS }, (_, seed) =>
      listen(driftTraffic(path, clock, 480_000, seed)),
    );
    const seconds = (says: (reading: Reading) => number): number =>
      median(runs.map((readings) => settledAfter(readings, says, clock)));
    return {
      name: `rate step of 100 ppm followed to 10 ppm, ${path.name}`,
      unit: "s, median",
      ours: seconds(({ oursPpm }) => oursPpm),
      baselines: [
        { name: "least squares", value: seconds(({ leastSquaresPpm }) => leastSquaresPpm) },
        { name: "TimestampExtrapolator", value: seconds(({ extrapolatorPpm }) => extrapolatorPpm) },
      ],
      goal: { atMost: 30 },
    };
  });
}

/** Seconds after the step from which on it stays within 10 ppm; 180 when it does not before the end. */
function settledAfter(
  readings: readonly Reading[],
  says: (reading: Reading) => number,
  { ppm, step }: SenderClock,
): number {
  const stepS = (step?.atMs ?? 0) / 1000;
  const wrong = readings.filter(
    (reading) => reading.seconds > stepS && Math.abs(says(reading) - (step?.ppm ?? ppm)) > 10,
  );
  return (wrong.at(-1)?.seconds ?? stepS) - stepS + 1;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function cases(): BenchCase[] {
  const packets = driftTraffic(DRIFT_PATHS[1] as DriftPath, { ppm: TRUE_PPM }, 64_000, 1);
  return [
    { name: "observation", ours: observations(packets), baseline: nothingKept(packets) },
    { name: "estimate, 127 points", ours: estimate(), baseline: twinEstimate(), goal: 1.5 },
  ];
}

function observations(packets: readonly DriftPacket[]): Contender {
  const run = (): number => {
    const estimator = new ClockDriftEstimator("sender");
    for (const { rtpTimestamp, arrivalMs } of packets)
      estimator.addObservation(rtpTimestamp, null, arrivalMs);
    estimator.close();
    return packets.length;
  };
  return { name: "ClockDriftEstimator", run };
}

function nothingKept(packets: readonly DriftPacket[]): Contender {
  const run = (): number => {
    const model = new LeastSquares();
    for (const { rtpTimestamp, arrivalMs } of packets) model.add(rtpTimestamp / TICKS_PER_MS, arrivalMs);
    return model.driftPpm === 0 ? 0 : packets.length;
  };
  return { name: "least squares", run };
}

const MEMORY_BYTES = 512 * 1024;
const DRIFT = 1024;
const SCRATCH = 8192;
const ESTIMATES = 5;

function estimate(): Contender {
  const arena = new Arena({ bytes: MEMORY_BYTES });
  fill(arena.kernels);
  return { name: "WebAssembly", run: () => estimates(arena.kernels) };
}

function twinEstimate(): Contender {
  const memory = new ArrayBuffer(MEMORY_BYTES);
  bind(memory);
  fill(twin);
  const run = (): number => {
    bind(memory);
    return estimates(twin);
  };
  return { name: "same source in JavaScript", run };
}

/** 127 points two seconds apart, with a delay that wanders. */
function fill(kernels: KernelExports): void {
  kernels.initDrift(DRIFT, 1 / TICKS_PER_MS, 4000);
  for (let i = 0; i < 128; i++)
    kernels.addDrift(DRIFT, 2000 * i, 2000 * i, Math.abs(Math.sin(i * i)) - 0.074 * i);
}

function estimates(kernels: KernelExports): number {
  for (let i = 0; i < ESTIMATES; i++) kernels.estimateDrift(DRIFT, SCRATCH);
  return ESTIMATES;
}

export default { runtimes: ["node", "chromium"], cases, figures } satisfies Bench;
