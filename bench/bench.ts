// What a *.bench.ts file exports and how it is measured: our way and a named baseline, turn about in one process, so
// that the ratio of their medians means something on a busy machine.

/** Where a bench runs. */
export type Runtime = "node" | "chromium";

/** One way to do the work. */
export interface Contender {
  readonly name: string;
  /** Do the work once, the same way every time. Returns how many operations that was. */
  run(): number | Promise<number>;
}

/** Our way against one baseline. */
export interface BenchCase {
  /** What is measured, unique within its file. */
  readonly name: string;
  readonly ours: Contender;
  readonly baseline: Contender;
  /** The least ratio (baseline time / our time) we ask of ourselves. */
  readonly goal?: number;
}

/** One way to do something whose every single duration matters. */
export interface Sampler {
  readonly name: string;
  /** Do it once. Returns how long it took, ms. */
  sample(): Promise<number>;
}

/** Durations of ours and of a baseline, turn about. */
export interface Distribution {
  /** What is measured, unique within its file. */
  readonly name: string;
  readonly ours: Sampler;
  readonly baseline: Sampler;
  /** Samples of each. */
  readonly count: number;
  /** Durations over this, ms, are counted apart. */
  readonly slowMs: number;
  /** The p95 we ask of ourselves, ms. */
  readonly goalP95Ms?: number;
  /** Frees what the samplers share. */
  close(): Promise<void>;
}

/** A quality rather than a time - an error, a loss, a delay - from seeded or recorded input: the same in every run. */
export interface Figure {
  /** What is measured, unique within its file. */
  readonly name: string;
  /** Of ours and of every baseline, such as `ms` or `ppm rms`. */
  readonly unit: string;
  readonly ours: number;
  /** Others put before the same input. */
  readonly baselines: readonly { readonly name: string; readonly value: number }[];
  /** What we ask of ourselves; `noWorseThan` names a baseline. */
  readonly goal?: { readonly atMost?: number; readonly atLeast?: number; readonly noWorseThan?: string };
}

/** A bench file's default export. */
export interface Bench {
  readonly runtimes: readonly Runtime[];
  cases(runtime: Runtime): readonly BenchCase[] | Promise<readonly BenchCase[]>;
  distributions?(runtime: Runtime): readonly Distribution[] | Promise<readonly Distribution[]>;
  /**
   * Computed in Node alone: numbers are the same everywhere. `wants` tells whether a figure of this name was asked for,
   * so that one that takes minutes need not be computed for others.
   */
  figures?(wants: (name: string) => boolean): readonly Figure[] | Promise<readonly Figure[]>;
}

/** One line of the table. Times are medians in microseconds per operation. */
export interface BenchResult {
  readonly bench: string;
  readonly runtime: Runtime;
  readonly oursUs: number;
  readonly baselineUs: number;
  readonly baseline: string;
  /** Baseline time / our time: above 1 we are faster. */
  readonly ratio: number;
  readonly goal: number | null;
  readonly repetitions: number;
}

/** One figure and whether its goal was missed. */
export interface FigureResult extends Figure {
  readonly bench: string;
  readonly missed: boolean;
}

/** Percentiles in ms and how many samples were slow. */
export interface Spread {
  readonly name: string;
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
  readonly slow: number;
}

/** One distribution and its baseline. */
export interface DistributionResult {
  readonly bench: string;
  readonly runtime: Runtime;
  readonly slowMs: number;
  readonly goalP95Ms: number | null;
  readonly ours: Spread;
  readonly baseline: Spread;
}

const WARM_UP_SAMPLES = 3;
const WARM_UP_MS = 300;
const BUDGET_MS = 1000;
const MIN_REPETITIONS = 3;
const MAX_REPETITIONS = 200;

/** Measure every case of a bench whose name contains `only`. */
export async function measure(
  bench: Bench,
  runtime: Runtime,
  prefix: string,
  only: string,
): Promise<BenchResult[]> {
  const results: BenchResult[] = [];
  if (!bench.runtimes.includes(runtime)) return results;
  for (const benchCase of await bench.cases(runtime)) {
    const name = `${prefix}: ${benchCase.name}`;
    if (name.includes(only)) results.push(await measureCase(benchCase, name, runtime));
  }
  return results;
}

/** Sample every distribution of a bench whose name contains `only`. */
export async function sample(
  bench: Bench,
  runtime: Runtime,
  prefix: string,
  only: string,
): Promise<DistributionResult[]> {
  const results: DistributionResult[] = [];
  if (!bench.runtimes.includes(runtime)) return results;
  for (const distribution of (await bench.distributions?.(runtime)) ?? []) {
    const name = `${prefix}: ${distribution.name}`;
    if (name.includes(only)) results.push(await sampleOne(distribution, name, runtime));
    await distribution.close();
  }
  return results;
}

/** Compute the figures of a bench, if any has `only` in its name or the file has. */
export async function compute(
  bench: Bench,
  runtime: Runtime,
  prefix: string,
  only: string,
): Promise<FigureResult[]> {
  if (runtime !== "node" || bench.figures === undefined) return [];
  const all = await bench.figures((name) => `${prefix}: ${name}`.includes(only));
  return all
    .map((figure) => ({ ...figure, bench: `${prefix}: ${figure.name}`, missed: isMissed(figure) }))
    .filter((result) => result.bench.includes(only));
}

function isMissed({ ours, baselines, goal = {} }: Figure): boolean {
  const { atMost = Infinity, atLeast = -Infinity, noWorseThan } = goal;
  const baseline = baselines.find(({ name }) => name === noWorseThan);
  if (noWorseThan !== undefined && baseline === undefined)
    throw new Error(`no baseline is called ${noWorseThan}`);
  return !(ours <= atMost && ours >= atLeast && ours <= (baseline?.value ?? Infinity));
}

async function sampleOne(
  { ours, baseline, count, slowMs, goalP95Ms }: Distribution,
  bench: string,
  runtime: Runtime,
): Promise<DistributionResult> {
  const times = { ours: [] as number[], baseline: [] as number[] };
  for (let turn = -WARM_UP_SAMPLES; turn < count; turn++) {
    const pair = [await ours.sample(), await baseline.sample()] as const;
    if (turn < 0) continue;
    times.ours.push(pair[0]);
    times.baseline.push(pair[1]);
  }
  return {
    bench,
    runtime,
    slowMs,
    goalP95Ms: goalP95Ms ?? null,
    ours: spread(ours.name, times.ours, slowMs),
    baseline: spread(baseline.name, times.baseline, slowMs),
  };
}

function spread(name: string, times: readonly number[], slowMs: number): Spread {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] as number;
  const slow = sorted.filter((ms) => ms > slowMs).length;
  return { name, count: sorted.length, p50: at(0.5), p95: at(0.95), max: at(1), slow };
}

async function measureCase(
  { ours, baseline, goal }: BenchCase,
  bench: string,
  runtime: Runtime,
): Promise<BenchResult> {
  const contenders = [ours, baseline];
  await repeat(contenders, WARM_UP_MS, 1);
  const [oursTimes = [], baselineTimes = []] = await repeat(contenders, BUDGET_MS, MIN_REPETITIONS);
  const oursUs = median(oursTimes);
  const baselineUs = median(baselineTimes);
  return {
    bench,
    runtime,
    oursUs,
    baselineUs,
    baseline: baseline.name,
    ratio: baselineUs / oursUs,
    goal: goal ?? null,
    repetitions: oursTimes.length,
  };
}

// Turn about, and every other time in reverse, so that neither always comes after the other's garbage.
async function repeat(
  contenders: readonly Contender[],
  budgetMs: number,
  least: number,
): Promise<number[][]> {
  const times: number[][] = contenders.map(() => []);
  const startedMs = performance.now();
  for (let turn = 0; turn < MAX_REPETITIONS; turn++) {
    if (turn >= least && performance.now() - startedMs > budgetMs) break;
    const order = contenders.map((_, index) => (turn % 2 === 0 ? index : contenders.length - 1 - index));
    for (const index of order) {
      const beganMs = performance.now();
      const operations = await (contenders[index] as Contender).run();
      times[index]?.push(((performance.now() - beganMs) * 1000) / operations);
    }
  }
  return times;
}

/** The middle one; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] as number)) / 2;
}
