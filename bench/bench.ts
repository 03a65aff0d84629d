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

/** A baseline that cannot run here, and why. */
export interface Unavailable {
  readonly name: string;
  readonly unavailable: string;
}

/** Our way against one baseline. */
export interface BenchCase {
  /** What is measured, unique within its file. */
  readonly name: string;
  readonly ours: Contender;
  readonly baseline: Contender | Unavailable;
  /** The least ratio (baseline time / our time) we ask of ourselves. */
  readonly goal?: number;
}

/** A bench file's default export. */
export interface Bench {
  readonly runtimes: readonly Runtime[];
  cases(runtime: Runtime): readonly BenchCase[] | Promise<readonly BenchCase[]>;
}

/** One line of the table. Times are medians in microseconds per operation; null where the baseline cannot run. */
export interface BenchResult {
  readonly bench: string;
  readonly runtime: Runtime;
  readonly oursUs: number;
  readonly baselineUs: number | null;
  readonly baseline: string;
  /** Baseline time / our time: above 1 we are faster. */
  readonly ratio: number | null;
  readonly goal: number | null;
  readonly repetitions: number;
  /** Why there is no baseline. */
  readonly note: string | null;
}

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

async function measureCase(
  { ours, baseline, goal }: BenchCase,
  bench: string,
  runtime: Runtime,
): Promise<BenchResult> {
  const contenders = "run" in baseline ? [ours, baseline] : [ours];
  await repeat(contenders, WARM_UP_MS, 1);
  const [oursTimes = [], baselineTimes = []] = await repeat(contenders, BUDGET_MS, MIN_REPETITIONS);
  const oursUs = median(oursTimes);
  const baselineUs = baselineTimes.length === 0 ? null : median(baselineTimes);
  return {
    bench,
    runtime,
    oursUs,
    baselineUs,
    baseline: baseline.name,
    ratio: baselineUs === null ? null : baselineUs / oursUs,
    goal: goal ?? null,
    repetitions: oursTimes.length,
    note: "unavailable" in baseline ? baseline.unavailable : null,
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

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] as number)) / 2;
}
