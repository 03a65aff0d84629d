// What processes have cost, as figures: one, and all of them together. Pure.

/** The cost of one process. */
export interface UsageFigures {
  /** CPU since the measuring began, ms. */
  cpuMs: number;
  /** Over how long, ms. */
  elapsedMs: number;
  rssBytes: number;
  /** How late the event loop came to its timers, 99th percentile since the measuring began, ms. */
  loopLagMsP99: number;
}

/** Bytes. */
export const MIB = 1_048_576;

/** Of one core, since the measuring began. */
export function cpuPercentOf({ cpuMs, elapsedMs }: UsageFigures): number {
  return (100 * cpuMs) / Math.max(1, elapsedMs);
}

/** All processes as one: memory and CPU of one core since each began. */
export function totalUsage(usages: readonly UsageFigures[]): { rssMb: number; cpuPercent: number } {
  const sum = (of: (usage: UsageFigures) => number): number =>
    usages.reduce((total, usage) => total + of(usage), 0);
  return { rssMb: sum(({ rssBytes }) => rssBytes) / MIB, cpuPercent: sum(cpuPercentOf) };
}
